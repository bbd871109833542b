#include "cli/smoke_options.h"

#include <CLI/CLI.hpp>

namespace molgen3d {

void add_smoke_options(CLI::App& command, SmokeOptions& options, RunOptionScope scope) {
  scope.study_names = true;
  command.add_option("--dataset", options.dataset,
                     "File of molecules: .smi .csv .sdf, also .gz (an SDF's coordinates serve as "
                     "reference) [default: 256 ZINC molecules, built in]");
  command.add_option("--smiles-column", options.smiles_column,
                     "CSV: name or number of the SMILES column");
  command
      .add_option("--sample-size", options.sample_size,
                  "Molecules, drawn by the seed; 0: all, in the file's order")
      ->capture_default_str();
  options.run.geometry = "off";  // the study measures what models write
  add_samples_option(command, options.run, scope);
  add_sampling_options(command, options.run, scope);
  add_device_options(command, options.run, scope);
  add_resume_options(command, options.resume);
  command.add_flag("-q,--quiet", options.quiet, "Only errors on standard error");
}

}  // namespace molgen3d
