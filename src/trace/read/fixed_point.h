// Decimal text to exact integers: times never pass through a double.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace molgen3d::trace {

/// Microseconds as written ("1712195495505582.988", "-3", "1.5e3") to nanoseconds. Digits below one
/// ns round half to even. Nothing when `text` is no finite number or does not fit 64 bits.
std::optional<int64_t> parse_us_as_ns(std::string_view text);

/// Integer, or a decimal cut at its point; nothing when it is no number or beyond 64 bits.
std::optional<int64_t> parse_integer(std::string_view text);

}  // namespace molgen3d::trace
