// molgen3d submit: a command as jobs of a cluster.
#include "base/error.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/submit_arguments.h"
#include "cli/submit_session.h"

namespace molgen3d {

void add_submit_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<SubmitOptions>();
  CLI::App* command = app.add_subcommand(
      "submit",
      "Run a command as jobs of a Slurm cluster (docs/clusters.md).\n"
      "Usage: molgen3d submit [OPTIONS] [PROFILE] generate|smoke|study|dataset|evaluate ...\n"
      "Example: molgen3d submit h100 generate molecules.smi -n 10 --seed 7 -o out.sdf.gz");
  command
      ->add_option("profile", options->profile,
                   "Where: local, h100, a100, or a profile of your own")
      ->capture_default_str();
  command->add_option("--profiles", options->profiles,
                      "File of profiles [default: molgen3d-profiles.ini here or above, then "
                      "~/.config/molgen3d/profiles.ini]");
  command->add_option("--folder", options->folder,
                      "Folder of the submission [default: OUTPUT.jobs, else jobs/NAME]");
  command->add_option("--name", options->name, "Name of the jobs");
  command->add_option("--tasks", options->tasks, "Cut the records into this many tasks")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--minutes", options->minutes,
                   "Time that a task shall take [default: half of the limit, 30 at most]")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--parallel", options->parallel, "Tasks at once [default: as the profile says]")
      ->check(CLI::PositiveNumber);
  command
      ->add_option("--requeues", options->requeues,
                   "How often a task that runs out of time is queued again")
      ->capture_default_str();
  command
      ->add_option("--margin", options->margin,
                   "Seconds before the end of a job in which its task stops [default: a "
                   "twentieth of the limit, 5 to 120]")
      ->check(CLI::PositiveNumber);
  command->add_flag("--dry-run", options->dry_run,
                    "Print what would be submitted, and the scripts");
  command->add_flag("-q,--quiet", options->quiet, "Only errors on standard error");
  command->callback(
      [options, &exit_code] { exit_code = submit_command(*options, submitted_arguments()); });
}

}  // namespace molgen3d
