#include "tokenizer/byte_level.h"

#include <array>
#include <cstdint>

namespace molgen3d {
namespace {

constexpr uint32_t kFirstSubstitute = 256;  // bytes without a printable Latin-1 form, in byte order
constexpr size_t kSubstitutes = 68;

constexpr bool is_own_spelling(unsigned byte) {
  return (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xAC) || byte >= 0xAE;
}

struct Table {
  std::array<uint16_t, 256> character_of_byte{};
  std::array<int16_t, kFirstSubstitute + kSubstitutes> byte_of_character{};
};

constexpr Table make_table() {
  Table table;
  table.byte_of_character.fill(-1);
  uint32_t next = kFirstSubstitute;
  for (unsigned byte = 0; byte < 256; ++byte) {
    const uint32_t character = is_own_spelling(byte) ? byte : next++;
    table.character_of_byte[byte] = static_cast<uint16_t>(character);
    table.byte_of_character[character] = static_cast<int16_t>(byte);
  }
  return table;
}

constexpr Table kTable = make_table();

}  // namespace

std::optional<std::string> bytes_of_spelling(std::string_view spelling) {
  std::string bytes;
  bytes.reserve(spelling.size());
  for (size_t i = 0; i < spelling.size(); ++i) {
    uint32_t character = static_cast<unsigned char>(spelling[i]);
    if (character >= 0x80) {
      // Every character of the table has at most two bytes.
      if ((character & 0xE0) != 0xC0 || i + 1 == spelling.size()) return std::nullopt;
      const auto next = static_cast<unsigned char>(spelling[++i]);
      if ((next & 0xC0) != 0x80) return std::nullopt;
      character = (character & 0x1F) << 6 | (next & 0x3F);
    }
    if (character >= kTable.byte_of_character.size()) return std::nullopt;
    const int byte = kTable.byte_of_character[character];
    if (byte < 0) return std::nullopt;
    bytes += static_cast<char>(byte);
  }
  return bytes;
}

std::string spelling_of_byte(unsigned char byte) {
  const uint32_t character = kTable.character_of_byte[byte];
  if (character < 0x80) return std::string(1, static_cast<char>(character));
  return {static_cast<char>(0xC0 | character >> 6), static_cast<char>(0x80 | (character & 0x3F))};
}

}  // namespace molgen3d
