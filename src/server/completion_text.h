// The text of a completion as a reader may see it: cut at stop texts, in whole characters.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace molgen3d {

struct VisibleText {
  size_t size = 0;       ///< bytes of the text that stay what they are, whatever follows
  bool stopped = false;  ///< a stop text begins there
};

/// `finished`: nothing follows. Else what may become a stop text, or a character that is not whole
/// yet, is held back.
VisibleText visible_text(std::string_view text, const std::vector<std::string>& stops,
                         bool finished);

}  // namespace molgen3d
