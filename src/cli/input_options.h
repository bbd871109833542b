// Options shared by every command that reads molecules.
#pragma once

#include <CLI/CLI.hpp>
#include <functional>
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

/// The arguments of main() in the order that CLI::App::parse() takes (last first). CLI11 reads
/// `[a,b]` as a list of two; texts in brackets are marked so that add_texts() gets them as typed.
std::vector<std::string> protect_texts(int argc, char** argv);
/// A repeatable argument whose values are text as typed: `[NH4+]` stays what it is.
CLI::Option* add_texts(CLI::App& command, const std::string& name, std::vector<std::string>& texts,
                       const std::string& help);
void add_input_options(CLI::App& command, InputOptions& options);
ReaderOptions reader_options_of(const InputOptions& options);

/// Hands every readable record to `body`. A record that is none, or for which `body` throws Error,
/// gets one line on standard error. Returns the exit code.
int for_each_record(const InputOptions& options, const ReaderOptions& reader,
                    const std::function<void(const InputRecord&)>& body);

}  // namespace molgen3d
