// The records of a shard: a gzip file with one JSON line a record, which holds all that a run of
// the whole input would know of it: its place, its source, its title, how many equal molecules
// stand before it. So a shard gives the bytes that it has in the whole, wherever it runs.
#pragma once

#include <memory>
#include <string>

#include "files/line_source.h"
#include "files/output_file.h"
#include "generation/prompt_stream.h"

namespace molgen3d {

/// One line, with its line break. Bytes that are no text survive.
std::string shard_line(const FedRecord& record);

/// Reads the lines back.
class ShardReader {
 public:
  /// Throws Error when it cannot be opened.
  explicit ShardReader(const std::string& path);
  /// False at the end. Throws Error with file, line and cause for anything that is no record.
  bool next(FedRecord& record);

 private:
  std::string path_;
  LineSource lines_;
};

}  // namespace molgen3d
