#include "molecule/generated_set.h"

#include <cctype>
#include <string_view>

namespace molgen3d {

std::string failure_kind(const std::string& cause) {
  constexpr std::string_view kDecode = "decode_cartesian_v2 failed: ";
  if (cause.starts_with(kDecode)) return cause.substr(0, cause.find(':', kDecode.size()));
  std::string out;
  bool quoted = false;
  for (const char c : cause) {
    if (c == '"') {
      quoted = !quoted;
      if (quoted && out.ends_with(' ')) out.pop_back();
    } else if (!quoted && std::isdigit(static_cast<unsigned char>(c)) == 0) {
      out += c;
    } else if (!quoted && !out.ends_with('N')) {
      out += 'N';
    }
  }
  while (out.ends_with(' ') || out.ends_with(':')) out.pop_back();
  return out.empty() ? "no cause given" : out.substr(0, 80);
}

}  // namespace molgen3d
