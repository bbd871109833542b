// Text on its way into a shell script. Everything that a user gave passes here.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace molgen3d {

/// `text` as one word of a POSIX shell, whatever it holds: blanks, quotes, `$()`, backslashes.
/// Throws Error for control characters (line breaks among them), which no script can show.
std::string shell_quoted(std::string_view text);

/// The words of a command, quoted where they need it, with blanks between.
std::string shell_command(const std::vector<std::string>& words);

/// `text` where a `#SBATCH` line takes it: letters, digits and `._:,=+-/@%()[]&|*<>!`. Throws Error
/// naming `what` for anything else: sbatch has quoting rules of its own.
const std::string& directive_value(const std::string& text, const std::string& what);

/// A path for sbatch's --output, in which `%` begins a replacement and a backslash turns them off.
/// Throws Error for a path with a backslash.
std::string output_pattern(const std::string& path);

}  // namespace molgen3d
