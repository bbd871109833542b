// The words of the command line, for commands that hand them on.
#pragma once

#include <string>
#include <vector>

namespace molgen3d {

/// Keeps the arguments of main() and returns those that are to be parsed: of `submit` only what
/// stands before the command that is submitted.
std::vector<char*> keep_arguments(int argc, char** argv);

/// All of them, without the program.
const std::vector<std::string>& all_arguments();
/// Behind `submit [...]`: the command and what follows it; empty when there is none.
const std::vector<std::string>& submitted_arguments();

/// `words` without `option` and its value, in either form (`--option VALUE`, `--option=VALUE`).
std::vector<std::string> without_option(const std::vector<std::string>& words,
                                        const std::string& option);

}  // namespace molgen3d
