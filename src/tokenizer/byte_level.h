// The byte <-> character table of byte-level BPE (GPT-2's bytes_to_unicode): vocabulary files spell
// every byte as one printable character.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace molgen3d {

/// Bytes that `spelling` stands for; empty when some character is outside the table.
std::optional<std::string> bytes_of_spelling(std::string_view spelling);

/// The UTF-8 character that spells `byte`.
std::string spelling_of_byte(unsigned char byte);

}  // namespace molgen3d
