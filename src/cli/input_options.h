// Options shared by every command that reads molecules.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "cli/messages.h"
#include "files/output_file.h"
#include "generation/prompt_stream.h"

namespace CLI {
class App;
}

namespace molgen3d {

struct InputOptions {
  std::vector<std::string> inputs;
  std::string format = "auto";
  std::string smiles_column;
  std::string title_column;
  std::string delimiter;
  bool no_header = false;
  size_t limit = 0;
  FailureLimits failures;
};

/// The arguments of main() in the order that CLI::App::parse() takes (last first). CLI11 reads
/// `[a,b]` as a list of two; values in brackets, alone or behind `--option=`, are marked.
std::vector<std::string> protect_texts(int argc, char** argv);
/// Makes every option of `app` and its subcommands take marked values as typed: `[NH4+]` stays what
/// it is.
void take_texts_as_typed(CLI::App& app);
void add_input_options(CLI::App& command, InputOptions& options);
ReaderOptions reader_options_of(const InputOptions& options);

/// Writes what `text_of` makes of every readable record. A record that is none, or for which
/// `text_of` throws Error, gets one line on standard error. Returns the exit code. Throws Error
/// when too many fail, or the output does.
int write_each_record(const InputOptions& options, const ReaderOptions& reader, OutputFile& output,
                      const std::function<std::string(const InputRecord&)>& text_of);

}  // namespace molgen3d
