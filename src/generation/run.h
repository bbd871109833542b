// A run as one object: the samples of a stream of prompts, each once and in input order, to one
// sink. What is finished goes to a journal, so that a run that was cut off can be completed.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "files/journal.h"
#include "generation/acceptance.h"
#include "generation/conformer.h"
#include "generation/generator.h"
#include "generation/journal_record.h"
#include "generation/prompt_stream.h"
#include "generation/settings.h"

namespace molgen3d {

/// What makes a run resumable.
struct RunJournal {
  std::string path;  ///< empty: there is none
  Journal::Start start = Journal::Start::kNew;
  RunIdentity identity;  ///< everything that the samples depend on: see run_identity.h
};

/// Everything that decides a run, before anything is opened.
struct RunPlan {
  /// What `settings` mean for `model`. Throws Error naming a setting that cannot be used.
  RunPlan(std::shared_ptr<const Model> model, const RunSettings& settings);

  std::shared_ptr<const Model> model;
  RunSettings settings;
  /// One or more: cpu, cpu:ENGINE, cuda or cuda:INDEX, of one kind.
  std::vector<std::string> devices;
  GenerationOptions generation;
  BackendOptions backend;  ///< of the first device; its `spans` are the run's, too
  /// Instead of make_backend(). Called in a thread of the device. Optional.
  std::function<std::unique_ptr<Backend>(const std::string& device, const BackendOptions&)>
      make_backend = nullptr;
  /// Samples in flight, see GenerationCallbacks. Optional.
  std::function<size_t(size_t usual)> window = nullptr;
  PromptOptions prompts;  ///< how the source makes its prompts
  PromptSource source;
  RunJournal journal;
  bool conformers = true;  ///< false: for a sink that judges answers itself

  const std::string& device() const { return devices.front(); }
  /// What the backend of `devices[place]` gets. The engines of a CPU share its threads.
  BackendOptions backend_of(size_t place) const;
};

/// Program, checkpoint and settings of `plan`, as run_identity() lists them. Reads all weights.
RunIdentity run_identity(const RunPlan& plan);

enum class RunEnd : uint8_t {
  kComplete,
  kStopped,    ///< RunControl::stop, or the sink while it finished
  kHadEnough,  ///< RunSink::had_enough()
};

struct RunOutcome {
  RunEnd end = RunEnd::kStopped;
  size_t kept = 0, dropped = 0;     ///< samples that the sink got, restored ones included
  GenerationStatistics statistics;  ///< without the warm-up
  double cpu_seconds = 0;           ///< of all threads, within statistics.wall_seconds
  std::vector<DeviceReport> devices;
  bool complete() const { return end == RunEnd::kComplete; }
};

/// Where the samples of a run go. Whatever it throws ends the run and leaves the journal.
class RunSink {
 public:
  virtual ~RunSink() = default;
  /// Opens outputs. Nothing else can keep the run from starting: the backend is there and the
  /// journal is this run's.
  virtual void open() {}
  /// The next sample, and what it amounts to (empty unless RunPlan::conformers). Says what became
  /// of it.
  virtual Acceptance accept(const Sample& sample, Conformer& conformer) = 0;
  /// True: no further samples are wanted; the run stops and is not complete.
  virtual bool had_enough() const { return false; }
  /// All samples are here: puts the results in place, on disk and under their own names, for the
  /// journal goes next. The memory of the engine is free again. False when it was stopped: the
  /// journal stays.
  virtual bool finish(const RunOutcome& outcome) = 0;
  /// Instead of finish(), when the run ended early.
  virtual void stop() {}
};

/// What a caller sees and does while a run lasts, from the run's own thread. All optional.
struct RunControl {
  /// After each newly generated sample, in any order: how many there are.
  std::function<void(size_t finished)> progress = nullptr;
  /// Asked between steps: true cancels what is running.
  std::function<bool(size_t finished)> stop = nullptr;
  /// One line about what went wrong and did not end the run: a device that failed.
  std::function<void(const std::string&)> note = nullptr;
};

/// Not thread-safe.
class Run {
 public:
  /// Makes the backends, then opens the journal, then lets the sink open its outputs: what cannot
  /// be had throws Error and leaves all files as they were. `sink` must outlive the run.
  Run(RunPlan plan, RunSink& sink);
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  const RunPlan& plan() const { return plan_; }
  /// Of the backends: devices, arithmetic.
  const std::string& description() const { return description_; }
  /// Lines worth showing before it starts: what the checkpoint, its settings, its tokenizer and the
  /// devices do to the run.
  const std::vector<std::string>& notes() const { return notes_; }
  /// Samples that an earlier run finished, and lines of its journal that are damaged.
  size_t restorable() const { return finished_.size(); }
  size_t damaged() const { return journal_ ? journal_->damaged() : 0; }

  /// Generates `prompt` for nobody, on every device, outside of journal and statistics. False when
  /// stopped.
  bool warm_up(Prompt prompt, const RunControl& control = {});
  /// The whole run, once. Throws Error when a journal does not fit the prompts, and whatever the
  /// sink throws.
  RunOutcome go(const RunControl& control = {});

 private:
  void describe_devices();
  /// The generator's part, up to the last sample.
  RunOutcome generate(const RunControl& control);

  RunPlan plan_;
  RunSink& sink_;
  std::unique_ptr<Generator> generator_;
  std::string description_;
  std::vector<std::string> notes_;
  std::optional<Journal> journal_;
  FinishedSamples finished_;
};

}  // namespace molgen3d
