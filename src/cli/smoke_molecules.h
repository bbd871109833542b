// The molecules of `smoke`, `study` and `diagnose`.
#pragma once

#include <string>
#include <vector>

#include "cli/smoke_options.h"
#include "generation/prompt_stream.h"

namespace molgen3d {

/// What reports call the data set.
std::string dataset_name(const SmokeOptions& options);

/// The chosen records as prompts, in the order drawn; refused ones among them. Throws Error when
/// the data set cannot be read or is too small.
std::vector<Prompt> smoke_prompts(const SmokeOptions& options, const PromptOptions& prompt_options);

}  // namespace molgen3d
