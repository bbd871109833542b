// What `smoke`, `study` and `diagnose` share: options for molecules, settings and the runs before.
#pragma once

#include <cstddef>
#include <string>

#include "cli/resume_options.h"
#include "cli/run_options.h"

namespace CLI {
class App;
}

namespace molgen3d {

struct SmokeOptions {
  RunOptions run;
  std::string dataset;  ///< a file that RecordStream can read; empty: the built-in molecules
  std::string smiles_column;
  size_t sample_size = 64;  ///< 0: all
  std::string tokenizer;    ///< directory, tokenizer.json or shipped name; empty: the model's
  std::string model_alias, model_step;
  ResumeOptions resume;
  bool quiet = false;
};

/// --dataset, --smiles-column, --sample-size, the settings of a run but --model, under our and the
/// study's names, --resume, --overwrite, --quiet. `scope.study_names` is set.
void add_smoke_options(CLI::App& command, SmokeOptions& options, RunOptionScope scope = {});

}  // namespace molgen3d
