#include "text/number_format.h"

#include <array>
#include <cmath>
#include <cstdlib>

#include "base/error.h"
#include "text/number_grammar.h"

namespace molgen3d {

namespace {

constexpr int64_t kPowersOfTen[] = {1, 10, 100, 1000, 10000};
static_assert(std::size(kPowersOfTen) > kMaxDecimals &&
              std::size(kPowersOfTen) > kMaxIntegerDigits);

// In the order of NumberFormat::Zeros.
constexpr std::array kZeros = {"strip", "fixed", "either"};

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

const char* zeros_name(NumberFormat::Zeros zeros) {
  return kZeros[static_cast<size_t>(zeros)];
}

std::optional<NumberFormat::Zeros> zeros_of_name(std::string_view name) {
  for (size_t i = 0; i < kZeros.size(); ++i) {
    if (name == kZeros[i]) return static_cast<NumberFormat::Zeros>(i);
  }
  return std::nullopt;
}

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
  if (std::llabs(units) >= kPowersOfTen[format.max_integer_digits] * kPowersOfTen[kMaxDecimals]) {
    throw Error::format("coordinate {} has more than {} integer digits",
                        static_cast<double>(units) / 1e4, format.max_integer_digits);
  }
  return digits_of(units / kPowersOfTen[kMaxDecimals - format.decimals], format);
}

bool is_coordinate(std::string_view text, const NumberFormat& format) {
  const std::optional<NumberReading> reading = read_number(text, format);
  return reading && may_end(*reading, format);
}

bool is_coordinate(const char* begin, const char* end, const NumberFormat& format) {
  return is_coordinate(std::string_view(begin, static_cast<size_t>(end - begin)), format);
}

}  // namespace molgen3d
