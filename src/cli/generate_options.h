// The options of `generate`, for the command and for submissions of it.
#pragma once

#include <CLI/CLI.hpp>
#include <string>

#include "cli/generate_sink.h"
#include "cli/input_options.h"
#include "cli/profile.h"
#include "cli/resume_options.h"
#include "cli/run_options.h"

namespace molgen3d {

struct GenerateOptions {
  InputOptions input;
  RunOptions run;
  ProfileOptions profile;
  std::string output;
  std::string format;
  std::string failed;
  bool add_hydrogens = false;
  ResumeOptions resume;
  bool dry_run = false;
  bool quiet = false;
  std::string task_of;  ///< folder of a submission: its `task` is run; empty: none
  size_t task = 0;

  SinkPaths paths() const { return {output, failed}; }
};

void add_generate_options(CLI::App& command, GenerateOptions& options);

}  // namespace molgen3d
