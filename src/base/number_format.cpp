#include "base/number_format.h"

#include <cmath>
#include <cstdlib>

#include "base/error.h"

namespace molgen3d {

namespace {

constexpr int64_t kPowersOfTen[] = {1, 10, 100, 1000, 10000};

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

std::string digits_of(int64_t scaled, const NumberFormat& format) {
  const int64_t scale = kPowersOfTen[format.decimals];
  const int64_t magnitude = std::llabs(scaled);
  std::string text = fmt::format("{}{}.{:0{}}", scaled < 0 ? "-" : "", magnitude / scale,
                                 magnitude % scale, format.decimals);
  if (format.zeros != NumberFormat::Zeros::kFixed) {
    while (text.back() == '0') text.pop_back();
    if (text.back() == '.') text.pop_back();
  }
  return text;
}

}  // namespace

std::string format_coordinate(double value, const NumberFormat& format) {
  if (!std::isfinite(value)) throw Error::format("coordinate {} is not a finite number", value);
  const int64_t scale = kPowersOfTen[format.decimals];
  if (std::abs(value) >= static_cast<double>(kPowersOfTen[format.max_integer_digits])) {
    throw Error::format("coordinate {} has more than {} integer digits", value,
                        format.max_integer_digits);
  }
  return digits_of(static_cast<int64_t>(value * static_cast<double>(scale)), format);
}

std::string format_units(int64_t units, const NumberFormat& format) {
  if (std::llabs(units) >= kPowersOfTen[format.max_integer_digits] * kPowersOfTen[4]) {
    throw Error::format("coordinate {} has more than {} integer digits",
                        static_cast<double>(units) / 1e4, format.max_integer_digits);
  }
  return digits_of(units / kPowersOfTen[4 - format.decimals], format);
}

bool is_coordinate(const char* begin, const char* end, const NumberFormat& format) {
  const char* p = begin;
  const bool negative = p != end && *p == '-';
  if (negative) ++p;
  const char* integer = p;
  while (p != end && is_digit(*p)) ++p;
  const auto integer_digits = p - integer;
  if (integer_digits < 1 || integer_digits > format.max_integer_digits) return false;
  if (*integer == '0' && integer_digits > 1) return false;
  bool nonzero = *integer != '0';
  int decimals = 0;
  if (p != end) {
    if (*p++ != '.') return false;
    for (; p != end && is_digit(*p); ++p, ++decimals) nonzero |= *p != '0';
    if (p != end || decimals < 1 || decimals > format.decimals) return false;
  }
  if (negative && !nonzero) return false;
  const bool fixed = decimals == format.decimals;
  const bool stripped = decimals == 0 || end[-1] != '0';
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
