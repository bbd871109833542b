// One run of `smoke`, `study` or `diagnose`, with progress and notes on standard error.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "cli/smoke_options.h"
#include "study/smoke_run.h"

namespace molgen3d {

/// Everything that the report of `plan` depends on, times aside. Reads all weights.
RunIdentity smoke_identity(const SmokeOptions& options, const RunPlan& plan);

/// With --resume: the report `file` of a run that was finished. Nothing when there is none, or
/// while a journal stands beside it. Throws Error when it is of another run.
std::optional<RunReport> finished_report(const SmokeOptions& options, const RunIdentity& identity,
                                         const std::filesystem::path& file);

/// `plan` as a job that reports call `label`; its prompts are still to be set.
SmokeJob smoke_job(const SmokeOptions& options, RunPlan plan, const std::string& label);

/// Runs it until it is done or interrupted (then nothing comes back).
std::optional<RunReport> smoke(const SmokeOptions& options, SmokeJob job);

}  // namespace molgen3d
