// A bound on the nesting of JSON that others wrote: code that walks it recursively stays on its
// stack.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string_view>

namespace molgen3d {

inline constexpr size_t kDeepestJson = 100;

/// Most brackets that are open at once, outside of strings. `json` need not be valid.
inline size_t json_nesting(std::string_view json) {
  size_t depth = 0, deepest = 0;
  bool in_string = false;
  for (size_t i = 0; i < json.size(); ++i) {
    const char c = json[i];
    if (in_string) {
      if (c == '\\') ++i;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      deepest = std::max(deepest, ++depth);
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return deepest;
}

}  // namespace molgen3d
