// Records from command-line arguments and files, one after the other.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "molecule/reader.h"

namespace molgen3d {

/// False for standard input, FIFOs and the like.
bool can_be_read_again(const std::string& input);

/// A record given as text: SMILES, and a title after white space. Opens nothing.
InputRecord record_of_text(const std::string& text);

/// An input is a file (or `-`) when one of that name exists or the name ends like one (.smi, .csv,
/// .sdf, .gz, ...); else it is a record itself: text, and a title after white space.
class RecordStream {
 public:
  /// Throws Error when a file cannot be opened or is no file of molecules: all of them are tried
  /// here, not after an hour of work on the files before.
  RecordStream(std::vector<std::string> inputs, const ReaderOptions& options);

  /// False at the end. `source` names the place for messages: `drugs.smi:12`, `argument 1`.
  bool next(InputRecord& record, std::string& source);

 private:
  std::vector<std::string> inputs_;
  ReaderOptions options_;
  size_t next_input_ = 0;
  size_t taken_ = 0;
  std::vector<std::optional<RecordReader>> opened_;  ///< inputs that can be read only once
  std::optional<RecordReader> reader_;
};

/// `source: "text": cause`, one line.
std::string record_failure(const std::string& source, const InputRecord& record,
                           const std::string& cause);

}  // namespace molgen3d
