#include "cluster/shell_text.h"

#include <algorithm>

#include "base/error.h"

namespace molgen3d {

namespace {

constexpr std::string_view kLetters =
    "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

bool made_of(std::string_view text, std::string_view more) {
  return std::all_of(text.begin(), text.end(), [&](char c) {
    return kLetters.find(c) != std::string_view::npos || more.find(c) != std::string_view::npos;
  });
}

void require_no_controls(std::string_view text) {
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f)
      throw Error::format("{}: a control character cannot be part of a script", in_quotes(text));
  }
}

}  // namespace

std::string shell_quoted(std::string_view text) {
  require_no_controls(text);
  if (!text.empty() && made_of(text, "_./:=,+-@%")) return std::string(text);
  // Between single quotes nothing has a meaning but their end.
  std::string out = "'";
  for (const char c : text) {
    if (c == '\'')
      out += "'\\''";
    else
      out += c;
  }
  return out + "'";
}

std::string shell_command(const std::vector<std::string>& words) {
  std::string out;
  for (const std::string& word : words) {
    if (!out.empty()) out += ' ';
    out += shell_quoted(word);
  }
  return out;
}

const std::string& directive_value(const std::string& text, const std::string& what) {
  if (!text.empty() && made_of(text, "._:,=+-/@%()[]&|*<>!")) return text;
  throw Error::format("{} {}: holds what a #SBATCH line cannot take", what, in_quotes(text));
}

std::string output_pattern(const std::string& path) {
  require_no_controls(path);
  std::string out;
  for (const char c : path) {
    if (c == '\\')
      throw Error::format("{}: a backslash in the name of a log has a meaning of its own to Slurm",
                          in_quotes(path));
    out += c;
    if (c == '%') out += '%';
  }
  return out;
}

}  // namespace molgen3d
