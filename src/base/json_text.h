// Writing and reading JSON text pieces: what the recorder, the reports and the args decoder share.
#pragma once

#include <string>
#include <string_view>

namespace molgen3d {

/// Appends `text` as a JSON string with quotes. Control characters are escaped; bytes that are not
/// valid UTF-8 become U+FFFD, so the result is always valid JSON.
void append_json_string(std::string& out, std::string_view text);

/// The text that the inside of a JSON string stands for (`raw` without its quotes). Lenient, as
/// traces demand: an escape that JSON does not know stays as it is written, backslash included, and
/// is counted in `*invalid` (may be null); a lone surrogate becomes U+FFFD.
std::string unescape_json(std::string_view raw, size_t* invalid = nullptr);

}  // namespace molgen3d
