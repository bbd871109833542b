// The frame every subcommand fits into.
#pragma once

namespace CLI {
class App;
}

namespace molgen3d {

/// Exit codes of the program, the same for every subcommand.
enum ExitCode : int {
  kExitDone = 0,
  kExitInternal = 1,  ///< a defect or the machine failed (out of memory)
  kExitBadInput = 2,  ///< some record or option could not be used; everything else was done
  kExitInterrupted = 130,
};

/// Adds a subcommand to `app`. Its callback runs after parsing and sets `exit_code`; errors leave
/// it as molgen3d::Error and are printed by main as one line.
using AddCommand = void (*)(CLI::App& app, int& exit_code);

}  // namespace molgen3d
