#include "checkpoint/safetensors.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "base/error.h"
#include "base/file_kind.h"
#include "checkpoint/json_fields.h"

namespace molgen3d {
namespace {

struct TypeSize {
  std::string_view name;
  size_t size;
};
constexpr std::array<TypeSize, 16> kTypes = {{{"F32", 4},
                                              {"BF16", 2},
                                              {"F16", 2},
                                              {"F64", 8},
                                              {"I64", 8},
                                              {"I32", 4},
                                              {"I16", 2},
                                              {"I8", 1},
                                              {"U64", 8},
                                              {"U32", 4},
                                              {"U16", 2},
                                              {"U8", 1},
                                              {"BOOL", 1},
                                              {"F8_E4M3", 1},
                                              {"F8_E5M2", 1},
                                              {"F8_E8M0", 1}}};

uint64_t little_endian_u64(std::span<const std::byte> bytes) {
  uint64_t value = 0;
  for (size_t i = 8; i-- > 0;) value = value << 8 | std::to_integer<uint64_t>(bytes[i]);
  return value;
}

/// One header entry; `data_begin` and `data_size` place the data section in the file.
SafetensorsEntry read_entry(const std::string& name, const nlohmann::json& value, size_t data_begin,
                            size_t data_size, const std::string& place) {
  const auto fail = [&](std::string_view cause) {
    return Error::format("{}: tensor {}: {}", place, in_quotes(name), cause);
  };
  if (!value.is_object()) throw fail("its header entry is not an object");
  const auto type = value.find("dtype");
  const auto shape = value.find("shape");
  const auto offsets = value.find("data_offsets");
  if (type == value.end() || shape == value.end() || offsets == value.end() || value.size() != 3) {
    throw fail("its header entry must have exactly dtype, shape and data_offsets");
  }
  SafetensorsEntry entry;
  entry.name = name;
  if (!type->is_string()) throw fail("dtype is not a text");
  entry.type = type->get<std::string>();
  const size_t element = safetensors_type_size(entry.type);
  if (element == 0) throw fail(fmt::format("unknown dtype {}", in_quotes(entry.type)));

  if (!shape->is_array()) throw fail("shape is not a list");
  uint64_t expected = element;
  for (const nlohmann::json& length : *shape) {
    if (!length.is_number_unsigned() || length.get<uint64_t>() > INT64_MAX) {
      throw fail("shape is not a list of non-negative integers");
    }
    entry.shape.push_back(length.get<int64_t>());
    if (__builtin_mul_overflow(expected, length.get<uint64_t>(), &expected)) {
      throw fail("the product of its shape exceeds 64 bits");
    }
  }
  if (!offsets->is_array() || offsets->size() != 2 || !(*offsets)[0].is_number_unsigned() ||
      !(*offsets)[1].is_number_unsigned()) {
    throw fail("data_offsets is not a pair of non-negative integers");
  }
  const auto begin = (*offsets)[0].get<uint64_t>();
  const auto end = (*offsets)[1].get<uint64_t>();
  if (begin > end || end > data_size) {
    throw fail(fmt::format("data_offsets [{}, {}] leave the {} bytes of data (file cut short?)",
                           begin, end, data_size));
  }
  if (end - begin != expected) {
    throw fail(fmt::format("data_offsets span {} bytes, its shape and dtype need {}", end - begin,
                           expected));
  }
  entry.offset = data_begin + begin;
  entry.size = end - begin;
  return entry;
}

}  // namespace

size_t safetensors_type_size(std::string_view type) {
  for (const TypeSize& known : kTypes) {
    if (known.name == type) return known.size;
  }
  return 0;
}

std::vector<SafetensorsEntry> read_safetensors_header(std::span<const std::byte> file,
                                                      const std::string& place) {
  const std::string_view head(reinterpret_cast<const char*>(file.data()),
                              std::min<size_t>(file.size(), 512));
  if (const std::string kind = foreign_kind(head); !kind.empty()) {
    throw Error::format("{}: {}", place, kind);
  }
  if (file.size() < 8) {
    throw Error::format("{}: {} bytes are too few for a safetensors file", place, file.size());
  }
  const uint64_t header_size = little_endian_u64(file);
  if (header_size > kMaxSafetensorsHeader) {
    throw Error::format("{}: header of {} bytes, at most {} are allowed (no safetensors file?)",
                        place, header_size, kMaxSafetensorsHeader);
  }
  if (header_size > file.size() - 8) {
    throw Error::format("{}: header of {} bytes in a file of {} (file cut short?)", place,
                        header_size, file.size());
  }
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + 8, header_size);
  if (text.empty() || text.front() != '{') {
    throw Error::format("{}: the header does not begin with '{{'", place);
  }
  const nlohmann::json header = parse_json_object(text, place + ": header");
  const size_t data_begin = 8 + header_size;
  const size_t data_size = file.size() - data_begin;

  std::vector<SafetensorsEntry> entries;
  for (const auto& [name, value] : header.items()) {
    if (name == "__metadata__") continue;
    entries.push_back(read_entry(name, value, data_begin, data_size, place));
  }
  std::sort(entries.begin(), entries.end(), [](const auto& a, const auto& b) {
    return a.offset != b.offset ? a.offset < b.offset : a.size < b.size;
  });
  size_t next = data_begin;
  for (const SafetensorsEntry& entry : entries) {
    if (entry.offset != next) {
      throw Error::format(
          "{}: tensor {}: its data {} (data byte {}, expected {})", place, in_quotes(entry.name),
          entry.offset < next ? "overlaps another tensor's" : "leaves a gap before it",
          entry.offset - data_begin, next - data_begin);
    }
    next = entry.offset + entry.size;
  }
  if (next != file.size()) {
    throw Error::format("{}: {} bytes after the last tensor", place, file.size() - next);
  }
  return entries;
}

}  // namespace molgen3d
