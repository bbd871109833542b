#include "cli/smoke_molecules.h"

#include <fmt/format.h>

#include "base/error.h"
#include "base/thread_pool.h"
#include "cli/messages.h"
#include "embedded/cli_data.h"
#include "generation/record_stream.h"
#include "study/smoke_run.h"

namespace molgen3d {

namespace {

constexpr const char* kBuiltIn = "built-in: 256 ZINC molecules";

struct SourcedRecord {
  InputRecord record;
  std::string source;
};

std::vector<SourcedRecord> all_records(const SmokeOptions& options) {
  ReaderOptions reader;
  reader.smiles_column = options.smiles_column;
  reader.note = say;
  std::vector<SourcedRecord> out;
  SourcedRecord next;
  if (options.dataset.empty()) {
    auto records = RecordReader::from_text(std::string(cli_data::kStudyMoleculesSmi), "built-in");
    while (records.next(next.record)) {
      next.source = fmt::format("built-in:{}", next.record.line);
      out.push_back(next);
    }
    return out;
  }
  RecordStream records({options.dataset}, reader);
  while (records.next(next.record, next.source)) out.push_back(next);
  return out;
}

}  // namespace

std::string dataset_name(const SmokeOptions& options) {
  return options.dataset.empty() ? kBuiltIn : options.dataset;
}

std::vector<Prompt> smoke_prompts(const SmokeOptions& options,
                                  const PromptOptions& prompt_options) {
  const std::vector<SourcedRecord> records = all_records(options);
  if (records.empty()) throw Error::format("{}: no records", options.dataset);
  const size_t size = options.sample_size == 0 ? records.size() : options.sample_size;
  const std::vector<size_t> chosen = draw_sample(records.size(), size, options.run.seed);
  std::vector<Prompt> prompts(chosen.size());
  ThreadPool pool(options.run.threads);
  pool.parallel_for(chosen.size(), 16, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i)
      prompts[i] =
          make_prompt(records[chosen[i]].record, records[chosen[i]].source, prompt_options);
  });
  return prompts;
}

}  // namespace molgen3d
