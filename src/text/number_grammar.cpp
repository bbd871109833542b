#include "text/number_grammar.h"

#include "text/characters.h"

namespace molgen3d {

std::optional<NumberReading> read_on(NumberReading r, char next, const NumberFormat& format) {
  if (next == kNumberSign) {
    if (r.negative || r.integer_digits > 0) return std::nullopt;
    r.negative = true;
    return r;
  }
  if (next == kNumberDot) {
    if (r.integer_digits == 0 || r.decimals >= 0) return std::nullopt;
    r.decimals = 0;
    return r;
  }
  if (!is_digit(next)) return std::nullopt;
  if (r.decimals >= 0) {
    if (r.decimals == format.decimals) return std::nullopt;
    ++r.decimals;
    r.last_zero = next == '0';
  } else {
    if (r.leading_zero || r.integer_digits == format.max_integer_digits) return std::nullopt;
    ++r.integer_digits;
    r.leading_zero = r.integer_digits == 1 && next == '0';
  }
  // Only a negative number has to know whether it is zero so far: fewer readings differ.
  r.nonzero = r.negative && (r.nonzero || next != '0');
  return r;
}

std::optional<NumberReading> read_number(std::string_view text, const NumberFormat& format) {
  std::optional<NumberReading> reading = NumberReading{};
  for (size_t i = 0; i < text.size() && reading; ++i) reading = read_on(*reading, text[i], format);
  return reading;
}

bool may_end(const NumberReading& r, const NumberFormat& format) {
  if (r.integer_digits == 0 || r.decimals == 0 || (r.negative && !r.nonzero)) return false;
  const bool fixed = r.decimals == format.decimals;
  const bool stripped = r.decimals < 0 || !r.last_zero;
  switch (format.zeros) {
    case NumberFormat::Zeros::kStrip:
      return stripped;
    case NumberFormat::Zeros::kFixed:
      return fixed;
    case NumberFormat::Zeros::kEither:
      return fixed || stripped;
  }
  return false;
}

}  // namespace molgen3d
