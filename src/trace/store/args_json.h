// The args of an event, taken apart on demand.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace molgen3d::trace {

/// One value inside args. Arrays and nested objects give one leaf per element.
struct ArgLeaf {
  enum Type : uint8_t { kNull, kBool, kInteger, kReal, kString };
  std::string flat_key;  ///< "grid", "a.b": without array indices
  std::string key;       ///< "grid[0]", "a.b[2]"
  Type type = kNull;
  int64_t integer = 0;  ///< kInteger, kBool
  double real = 0;      ///< kReal (also integers beyond 64 bits)
  std::string text;     ///< kString; for the others the spelling in the file
};

/// Takes `json`, an object with its braces, apart. Lenient: stops at text that makes no sense,
/// reads NaN and Infinity, goes at most 64 levels deep and gives at most 100,000 leaves.
std::vector<ArgLeaf> parse_args(std::string_view json);

}  // namespace molgen3d::trace
