// Text from anywhere as reports show it: whole characters, none that a reader's program obeys.
#pragma once

#include <string>
#include <string_view>

namespace molgen3d {

/// On one line: line breaks and tabs as spaces, other control characters and invalid UTF-8 as
/// U+FFFD.
std::string shown_on_one_line(std::string_view text);

/// `&`, `<`, `>` and quotes as entities; control characters and invalid UTF-8 as U+FFFD.
std::string html_escaped(std::string_view text);

}  // namespace molgen3d
