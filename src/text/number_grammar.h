// The number grammar of a format, one character at a time: checks of whole numbers and the
// constraint's automaton read by it.
#pragma once

#include <compare>
#include <optional>
#include <string_view>

#include "text/number_format.h"

namespace molgen3d {

inline constexpr char kNumberSign = '-';
inline constexpr char kNumberDot = '.';
inline constexpr char kTripleSeparator = ',';
/// All characters of a coordinate triple `x,y,z`.
inline constexpr std::string_view kTripleAlphabet = "0123456789,.-";

/// What the grammar has to remember of a number read so far. Equal readings go on alike.
struct NumberReading {
  int integer_digits = 0;
  int decimals = -1;  ///< -1: no dot yet
  bool negative = false;
  bool leading_zero = false;
  bool nonzero = false;  ///< of negative numbers only: the others may be zero
  bool last_zero = false;

  auto operator<=>(const NumberReading&) const = default;
};

/// The reading after `next`; nothing when no number of the format goes on with it.
std::optional<NumberReading> read_on(NumberReading reading, char next, const NumberFormat& format);

/// The reading of all of `text`; nothing when no number of the format begins with it.
std::optional<NumberReading> read_number(std::string_view text, const NumberFormat& format);

/// True when what was read is a whole number of the format.
bool may_end(const NumberReading& reading, const NumberFormat& format);

}  // namespace molgen3d
