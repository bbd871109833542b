#include "tokenizer/unicode_text.h"

#include <utf8proc.h>

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <new>

namespace molgen3d {
namespace {

unsigned char byte_at(std::string_view text, size_t i) {
  return static_cast<unsigned char>(text[i]);
}

// Length of the valid character at `i`; 0 when invalid, then `bad` is its maximal subpart.
size_t character_length(std::string_view text, size_t i, size_t& bad) {
  const unsigned char lead = byte_at(text, i);
  bad = 1;
  if (lead < 0x80) return 1;
  size_t length = 0;
  unsigned char low = 0x80;
  unsigned char high = 0xBF;
  if (lead >= 0xC2 && lead <= 0xDF) {
    length = 2;
  } else if (lead >= 0xE0 && lead <= 0xEF) {
    length = 3;
    if (lead == 0xE0) low = 0xA0;
    if (lead == 0xED) high = 0x9F;
  } else if (lead >= 0xF0 && lead <= 0xF4) {
    length = 4;
    if (lead == 0xF0) low = 0x90;
    if (lead == 0xF4) high = 0x8F;
  } else {
    return 0;
  }
  for (size_t k = 1; k < length; ++k) {
    if (i + k == text.size()) return 0;
    const unsigned char next = byte_at(text, i + k);
    if (next < low || next > high) return 0;
    low = 0x80;
    high = 0xBF;
    bad = k + 1;
  }
  return length;
}

// True when normalizing may cut before `code_point`: it never joins what stands before it.
bool starts_segment(uint32_t code_point) {
  if (code_point < 0x300) return true;
  if (code_point >= 0x1160 && code_point <= 0x11FF) return false;  // Hangul vowels and finals
  const utf8proc_property_t* property =
      utf8proc_get_property(static_cast<utf8proc_int32_t>(code_point));
  if (property->combining_class != 0) return false;
  return property->category != UTF8PROC_CATEGORY_MN && property->category != UTF8PROC_CATEGORY_MC &&
         property->category != UTF8PROC_CATEGORY_ME;
}

void append_spans(std::vector<ByteSpan>* spans, size_t begin, size_t end, size_t bytes) {
  if (!spans) return;
  const ByteSpan source{static_cast<uint32_t>(begin), static_cast<uint32_t>(end)};
  spans->insert(spans->end(), bytes, source);
}

void append_same(std::vector<ByteSpan>* spans, size_t begin, size_t end) {
  if (!spans) return;
  for (size_t i = begin; i < end; ++i)
    spans->push_back({static_cast<uint32_t>(i), static_cast<uint32_t>(i + 1)});
}

std::string compose(std::string_view text) {
  utf8proc_uint8_t* result = nullptr;
  const utf8proc_ssize_t size =
      utf8proc_map(reinterpret_cast<const utf8proc_uint8_t*>(text.data()),
                   static_cast<utf8proc_ssize_t>(text.size()), &result,
                   static_cast<utf8proc_option_t>(UTF8PROC_STABLE | UTF8PROC_COMPOSE));
  if (size < 0) throw std::bad_alloc();  // the text is valid UTF-8: no other error is left
  std::string out(reinterpret_cast<char*>(result), static_cast<size_t>(size));
  std::free(result);
  return out;
}

}  // namespace

bool is_ascii(std::string_view text) {
  size_t i = 0;
  for (; i + 8 <= text.size(); i += 8) {
    uint64_t word;
    std::memcpy(&word, text.data() + i, 8);
    if (word & 0x8080808080808080u) return false;
  }
  for (; i < text.size(); ++i)
    if (byte_at(text, i) >= 0x80) return false;
  return true;
}

bool is_valid_utf8(std::string_view text) {
  if (is_ascii(text)) return true;
  size_t bad = 0;
  for (size_t i = 0; i < text.size();) {
    const size_t length = character_length(text, i, bad);
    if (length == 0) return false;
    i += length;
  }
  return true;
}

std::string replace_invalid_utf8(std::string_view text, std::vector<ByteSpan>* spans) {
  std::string out;
  out.reserve(text.size());
  for (size_t i = 0; i < text.size();) {
    size_t bad = 0;
    const size_t length = character_length(text, i, bad);
    if (length != 0) {
      out.append(text, i, length);
      append_same(spans, i, i + length);
      i += length;
    } else {
      out += "\xEF\xBF\xBD";
      append_spans(spans, i, i + bad, 3);
      i += bad;
    }
  }
  return out;
}

std::string to_nfc(std::string_view text, std::vector<ByteSpan>* spans) {
  std::string out;
  out.reserve(text.size());
  for (size_t begin = 0; begin < text.size();) {
    size_t length = 0;
    uint32_t code_point = code_point_at(text, begin, length);
    size_t end = begin + length;
    while (end < text.size()) {
      code_point = code_point_at(text, end, length);
      if (starts_segment(code_point)) break;
      end += length;
    }
    const std::string_view segment = text.substr(begin, end - begin);
    if (segment.size() == 1) {
      out += segment;
      append_same(spans, begin, end);
    } else {
      const std::string composed = compose(segment);
      out += composed;
      if (composed == segment)
        append_same(spans, begin, end);
      else
        append_spans(spans, begin, end, composed.size());
    }
    begin = end;
  }
  return out;
}

uint32_t code_point_at(std::string_view text, size_t at, size_t& length) {
  const unsigned char lead = byte_at(text, at);
  length = lead < 0x80 ? 1 : lead < 0xE0 ? 2 : lead < 0xF0 ? 3 : 4;
  if (length == 1) return lead;
  uint32_t value = lead & (0x7F >> length);
  for (size_t k = 1; k < length; ++k) value = value << 6 | (byte_at(text, at + k) & 0x3F);
  return value;
}

bool is_word_character(uint32_t code_point) {
  switch (utf8proc_category(static_cast<utf8proc_int32_t>(code_point))) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_PC:
      return true;
    default:
      return false;
  }
}

bool is_white_space(uint32_t c) {
  return (c >= 0x09 && c <= 0x0D) || c == 0x20 || c == 0x85 || c == 0xA0 || c == 0x1680 ||
         (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 || c == 0x202F || c == 0x205F ||
         c == 0x3000;
}

size_t leading_space(std::string_view text) {
  size_t at = 0;
  while (at < text.size()) {
    size_t length = 0;
    if (!is_white_space(code_point_at(text, at, length))) break;
    at += length;
  }
  return at;
}

size_t trailing_space(std::string_view text) {
  size_t end = text.size();
  while (end > 0) {
    size_t at = end - 1;
    while (at > 0 && (byte_at(text, at) & 0xC0) == 0x80) --at;
    size_t length = 0;
    if (!is_white_space(code_point_at(text, at, length))) break;
    end = at;
  }
  return text.size() - end;
}

}  // namespace molgen3d
