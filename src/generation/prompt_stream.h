// Prompts from command-line arguments and files, parsed ahead on several threads.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "generation/prompt.h"
#include "generation/record_stream.h"
#include "geometry/demand.h"

namespace molgen3d {

/// The next prompt, or nothing at the end.
using PromptSource = std::function<std::optional<Prompt>()>;

/// What is made of a record.
struct PromptOptions {
  TemplateOptions text_template{};
  geometry::Demand geometry{};  ///< which hard set the prompt brings
};

struct PromptStreamOptions {
  ReaderOptions reader;
  PromptOptions prompt{};
  size_t limit = 0;    ///< stop after this many records; 0: all
  size_t threads = 0;  ///< for parsing; 0: one per core
};

/// A record as it comes to a PromptStream.
struct FedRecord {
  InputRecord record;
  std::string source;              ///< for messages
  std::optional<uint64_t> repeat;  ///< Prompt::repeat
};
/// The next record, false at the end; and how many are wanted at a time.
struct RecordFeed {
  std::function<bool(FedRecord&)> next;
  std::function<size_t()> at_a_time;  ///< optional: as many as threads can share
};

/// The records of a RecordStream or a feed as prompts: exactly one each, refused ones included.
class PromptStream {
 public:
  /// Throws Error when a file cannot be opened.
  PromptStream(std::vector<std::string> inputs, const PromptStreamOptions& options);
  PromptStream(RecordFeed feed, const PromptStreamOptions& options);

  std::optional<Prompt> next();

 private:
  void refill();

  RecordFeed feed_;
  PromptStreamOptions options_;
  ThreadPool pool_;
  std::deque<Prompt> ready_;
  size_t taken_ = 0;
};

/// One record as a prompt, with the hard set of the level; never throws for bad input, it comes
/// back refused.
Prompt make_prompt(const InputRecord& record, const std::string& source,
                   const PromptOptions& options);

/// The prompts of SMILES held in memory, which must outlive the source: exactly one each, refused
/// ones included. Messages call them `smiles[0]` and so on.
PromptSource smiles_source(const std::vector<std::string>& smiles, const PromptOptions& options);

}  // namespace molgen3d
