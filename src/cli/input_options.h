// Options shared by every command that reads molecules.
#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "generation/prompt_stream.h"

namespace molgen3d {

struct InputOptions {
  std::vector<std::string> inputs;
  std::string format = "auto";
  std::string smiles_column;
  std::string title_column;
  bool no_header = false;
  size_t limit = 0;
};

void add_input_options(CLI::App& command, InputOptions& options);
ReaderOptions reader_options_of(const InputOptions& options);

}  // namespace molgen3d
