// What `smoke` and `study` share: which molecules, which settings, where the files go.
#pragma once

#include <CLI/CLI.hpp>
#include <filesystem>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "cli/run_options.h"
#include "generation/journal_record.h"
#include "generation/run_identity.h"
#include "study/smoke_run.h"

namespace molgen3d {

struct SmokeOptions {
  RunOptions run;
  std::string dataset;  ///< a file that PromptStream can read; empty: the built-in molecules
  std::string smiles_column;
  size_t sample_size = 64;  ///< 0: all
  uint32_t samples = 1;
  std::string tokenizer;  ///< directory, tokenizer.json or shipped name; empty: the model's
  std::string model_alias, model_step;
  bool resume = false;
  bool overwrite = false;
  bool quiet = false;
  bool warm_up = true;
  /// Further settings that the report depends on, for its identity.
  RunIdentity more;
};

/// The journal of one run, which makes it resumable. Made before the run, used by smoke(), removed
/// once the report is safe.
class SmokeJournal {
 public:
  /// An empty path: there is none.
  explicit SmokeJournal(std::string path) : path_(std::move(path)) {}

  void open(Journal::Start start, const RunIdentity& identity, const SampleBounds& bounds);
  const FinishedSamples& finished() const { return finished_; }
  void append(const Sample& sample) {
    if (journal_) journal_->append(journal_line(sample));
  }
  void sync() {
    if (journal_) journal_->sync();
  }
  void remove() {
    if (journal_) journal_->remove();
  }

 private:
  std::string path_;
  std::optional<Journal> journal_;
  FinishedSamples finished_;
};

/// --dataset, --smiles-column, --sample-size, --num-generations, --batch-size, --sampling-config,
/// --temperature, --top-k, --top-p, --max-new-tokens, --seed, --device, --torch-dtype, --threads.
void add_smoke_options(CLI::App& command, SmokeOptions& options);

/// What reports call the data set.
std::string dataset_name(const SmokeOptions& options);

/// The chosen records as prompts, in the order drawn; refused ones among them. Throws Error when
/// the data set cannot be read or is too small.
std::vector<Prompt> smoke_prompts(const SmokeOptions& options, const PromptOptions& prompt_options);

/// The model with another tokenizer. Throws Error when it does not fit.
std::shared_ptr<const Model> with_tokenizer(const std::shared_ptr<const Model>& model,
                                            const std::string& tokenizer);

/// Everything that the report depends on, times aside.
RunIdentity smoke_identity(const SmokeOptions& options, const Model& model,
                           const GenerationOptions& generation, const std::string& device);
/// The generation options of such a run.
GenerationOptions smoke_generation(const SmokeOptions& options, const Model& model);

/// With --resume: the report `file` of a run that was finished. Nothing when there is none, or
/// while a journal stands beside it. Throws Error when it is of another run.
std::optional<RunReport> finished_report(const SmokeOptions& options, const Model& model,
                                         const std::filesystem::path& file);

/// One run with progress on standard error. Nothing when interrupted.
std::optional<RunReport> smoke(const SmokeOptions& options,
                               const std::shared_ptr<const Model>& model,
                               std::vector<Prompt> prompts, const std::string& label,
                               SmokeJournal& journal, SpanSink* spans = nullptr,
                               const std::function<void(const Sample&)>& deliver = {});

}  // namespace molgen3d
