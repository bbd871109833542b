// Prompts from command-line arguments and files, read and parsed ahead on several threads.
#pragma once

#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "generation/prompt.h"
#include "molecule/reader.h"

namespace molgen3d {

struct PromptStreamOptions {
  ReaderOptions reader;
  SkeletonOptions skeleton;
  size_t limit = 0;    ///< stop after this many records; 0: all
  size_t threads = 0;  ///< for parsing; 0: one per core
};

/// Reads inputs one after the other. An input is a file (or `-`) when one of that name exists or
/// the name ends like one (.smi, .csv, .sdf, .gz, ...), else a SMILES with an optional title after
/// white space. Every record gives exactly one Prompt, refused ones included.
class PromptStream {
 public:
  /// Throws Error when a file cannot be opened.
  PromptStream(std::vector<std::string> inputs, const PromptStreamOptions& options);
  ~PromptStream();

  std::optional<Prompt> next();

 private:
  bool read(InputRecord& record, std::string& file);
  void refill();

  std::vector<std::string> inputs_;
  PromptStreamOptions options_;
  ThreadPool pool_;
  size_t next_input_ = 0;
  std::optional<RecordReader> reader_;
  std::deque<Prompt> ready_;
  size_t taken_ = 0;
};

}  // namespace molgen3d
