// What the words of RunSettings stand for, and the one place where they are checked: the program's
// options and the arguments of the Python package both end here.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "engine/backend.h"
#include "generation/generator.h"
#include "generation/model.h"
#include "generation/prompt_stream.h"
#include "generation/settings.h"

namespace molgen3d {

/// All of these throw Error naming the setting and its value when it cannot be used.
SamplingParams sampling_of(const RunSettings& settings, const Model& model);
/// One line when the run samples as generation_config.json says and that asks for more than is
/// applied, else empty.
std::string sampling_note(const RunSettings& settings, const Model& model);
GenerationOptions generation_options_of(const RunSettings& settings, const Model& model);
/// `device`: one of resolve_devices().
BackendOptions backend_options_of(const RunSettings& settings, const std::string& device,
                                  const Model& model);
/// How the prompts of a run are written: the prompt and the strict check follow the checkpoint, or
/// the descriptors that were asked for; the study's position rules bring their own. With the hard
/// set of the geometry level.
PromptOptions prompt_options_of(const GenerationOptions& generation, const Model& model);

/// The devices that `settings.device` names: one, or all CUDA devices for `cuda:all`, those listed
/// for `cuda:0,2`, or N CPU engines that share the threads for `cpu:N`. CUDA devices of one run are
/// of one kind, for results differ between kinds.
std::vector<std::string> resolve_devices(const RunSettings& settings);
MemoryPlan plan_memory(const std::string& device, const Model& model,
                       const BackendOptions& options);
/// Four lines: weights, keys and values, scratch, total, in MiB.
std::string memory_plan_text(const MemoryPlan& plan);
/// One line when the plan has room for fewer sequences than asked for, else empty.
std::string batch_note(const MemoryPlan& plan, const BackendOptions& options);
/// Builds the backend. Throws Error when the files of the weights change meanwhile.
std::unique_ptr<Backend> make_backend(const std::string& device, const Model& model,
                                      const BackendOptions& options);

}  // namespace molgen3d
