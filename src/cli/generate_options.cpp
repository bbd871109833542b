#include "cli/generate_options.h"

namespace molgen3d {

void add_generate_options(CLI::App& command, GenerateOptions& options) {
  add_input_options(command, options.input);
  command.get_option("input")->required(false);  // a task has its own
  add_samples_option(command, options.run);
  command.add_option("-o,--output", options.output,
                     "Output file, .gz to compress [default: standard output]");
  command.add_option("--format", options.format,
                     "sdf, xyz, enriched or jsonl [default: by the output's name, else sdf]");
  command.add_option("--failed", options.failed,
                     "File for samples that failed [default: OUTPUT.failed.jsonl]");
  command.add_flag("--add-hydrogens", options.add_hydrogens,
                   "Place hydrogens with RDKit (SDF and XYZ)");
  add_resume_options(command, options.resume);
  command.add_flag("--dry-run", options.dry_run, "Print the memory plan and stop");
  command.add_flag("-q,--quiet", options.quiet, "Only errors on standard error");
  add_sampling_options(command, options.run);
  add_model_option(command, options.run);
  add_device_options(command, options.run);
  add_profile_options(command, options.profile);
  // What `jobs run` starts.
  command.add_option("--task-of", options.task_of)->group("");
  command.add_option("--task", options.task)->group("");
}

}  // namespace molgen3d
