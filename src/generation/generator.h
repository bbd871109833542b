// Prompts in, finished samples out, in input order.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "constraint/compiler.h"
#include "engine/engine.h"
#include "generation/device_worker.h"
#include "generation/model.h"
#include "generation/prompt.h"
#include "geometry/demand.h"

namespace molgen3d {

/// How to generate; with the model and the prompts it determines every token.
struct GenerationOptions {
  ConstraintRule rule = ConstraintRule::kExact;
  SmilesStyle prompt_style = SmilesStyle::kCanonical;
  /// What stands in the brackets of forced text. Unset: as the checkpoint was trained for `none`
  /// and `exact`, as the study's code wrote it for the position rules.
  std::optional<DescriptorStyle> descriptors;
  SamplingParams sampling;
  /// How much of the hard set in space is asked for. Takes effect for prompts that bring it
  /// (Prompt::hard_set), under kExact.
  geometry::Demand geometry{};
  uint32_t geometry_draws = 1;  ///< of a block under the model's own law, before it is masked
  double geometry_budget = 8;   ///< tokens a sample may throw away, in longest answers
  bool keep_outside =
      false;  ///< finish a sample whose budget is spent, marked, instead of failing it
  uint64_t seed = 0;
  uint32_t samples = 1;  ///< per prompt
  /// Bound on generated tokens. 0: what the template can need at most; for free decoding a quarter
  /// more. Always within the model's context.
  uint32_t max_new_tokens = 0;
};

/// One sample of one prompt. `completion.tokens` is what the model wrote.
struct Sample {
  std::shared_ptr<const Prompt> prompt;
  uint32_t index = 0;
  Completion completion;  ///< kFailed with the refusal for prompts that are not ok()
};

struct GenerationCallbacks {
  /// The next prompt, or nothing at the end. Called from the thread that runs the generator.
  std::function<std::optional<Prompt>()> next;
  /// Every sample exactly once, prompts in input order and samples in theirs; as many at a time as
  /// are ready.
  std::function<void(std::span<const Sample>)> deliver;
  /// Every newly generated sample as soon as it is finished, in any order (for a journal).
  /// Optional.
  std::function<void(const Sample&)> finished;
  /// A sample that an earlier run finished, to be delivered instead of generated. Optional.
  std::function<std::optional<Completion>(const Prompt& prompt, uint32_t sample)> restore;
  /// True: stop taking prompts and cancel what is running; run() returns soon. Optional.
  std::function<bool()> stop;
  /// Samples in flight, where that is to be fewer than the devices could use. Optional.
  std::function<size_t(size_t usual)> window;
  /// One line about a device that failed; its samples are made by the others. Optional.
  std::function<void(const std::string&)> note;
};

struct GenerationStatistics {
  size_t prompts = 0;
  size_t refused = 0;
  size_t samples = 0;  ///< delivered
  size_t restored = 0;
  double template_seconds = 0;  ///< tokenizing prompts and compiling constraints
  double wall_seconds = 0;
  EngineStatistics engine;
};

/// A device to generate on.
struct GeneratorDevice {
  std::string name;  ///< for messages
  BackendMaker make;
};

/// Runs one model over prompts, on one device or several: what is generated does not depend on
/// their number. All callbacks come from the thread that calls run(). Not thread-safe; one run() at
/// a time.
class Generator {
 public:
  /// Makes all backends. A device that cannot be had is left out (devices() says why); throws the
  /// first one's error when none is left.
  Generator(std::shared_ptr<const Model> model, std::vector<GeneratorDevice> devices,
            GenerationOptions options);
  /// On one backend that is there already: of the CPU, or of the first CUDA device.
  Generator(std::shared_ptr<const Model> model, std::unique_ptr<Backend> backend,
            GenerationOptions options);
  ~Generator();

  /// False when stopped before the end, and then for good. Throws the error of the last device when
  /// none is left.
  bool run(const GenerationCallbacks& callbacks);
  /// `prompt` once on every device, for nobody. False when stopped.
  bool warm_up(Prompt prompt, const std::function<bool()>& stop = nullptr);

  const GenerationStatistics& statistics() const;
  std::vector<DeviceReport> devices() const;
  /// One line worth showing (tokens not provably canonical, ...), or empty.
  const std::string& warning() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The descriptors of the text that `model` was trained on.
DescriptorStyle trained_descriptors(const Model& model);
/// The descriptors that `options` mean for `model`.
DescriptorStyle descriptors_of(const GenerationOptions& options, const Model& model);

}  // namespace molgen3d
