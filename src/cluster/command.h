// Other programs, started by their arguments: no shell in between.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace molgen3d {

struct CommandResult {
  int code = 0;  ///< exit code; 128 + signal
  std::string output, error;
};

/// Runs a program of $PATH to its end. Throws Error when it cannot be started.
CommandResult run_command(const std::vector<std::string>& words, const std::string& input = "");

/// Starts a program with our streams and no blocked signals, in `folder` (empty: this one). Throws
/// Error when it cannot be started.
pid_t start_program(const std::vector<std::string>& words, const std::string& folder = "");

/// "signal 11 (Segmentation fault)", "exit code 1"; empty for exit code 0. `status` from waitpid().
std::string end_of_process(int status);

}  // namespace molgen3d
