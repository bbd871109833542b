// How a checkpoint writes coordinates: shared by the enriched-text codec and the constraint.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace molgen3d {

inline constexpr int kMaxDecimals = 4;
inline constexpr int kMaxIntegerDigits = 3;

/// The number grammar of one checkpoint (`conformer_format.json`). Always a leading zero, no plus
/// sign, no exponent, never a negative zero.
struct NumberFormat {
  /// kStrip: trailing zeros and a bare dot removed (`0.5`, `12`, `0`).
  /// kFixed: exactly `decimals` decimals (`0.5000`).
  /// kEither: each number may follow either; for checkpoints that do not say.
  enum class Zeros : uint8_t { kStrip, kFixed, kEither };

  int decimals = 4;  ///< at most this many digits after the dot, 1..kMaxDecimals
  Zeros zeros = Zeros::kEither;
  int max_integer_digits = 3;  ///< digits before the dot, 1..kMaxIntegerDigits

  bool operator==(const NumberFormat&) const = default;
};

/// "strip", "fixed", "either".
const char* zeros_name(NumberFormat::Zeros zeros);
/// Nothing for another name.
std::optional<NumberFormat::Zeros> zeros_of_name(std::string_view name);

/// `text` of one coordinate in Angstrom: value x 10^decimals truncated toward zero.
/// kEither writes as kStrip. Throws Error for NaN, infinities and numbers with more integer digits
/// than the format has.
std::string format_coordinate(double value, const NumberFormat& format);

/// The same for a coordinate in units of 1e-4 A, as data sets store it: what format_coordinate()
/// gives for the value it was truncated from, free of the binary rounding of `units * 1e-4`.
std::string format_units(int64_t units, const NumberFormat& format);

/// True when `text` is a number of the grammar, to the last character.
bool is_coordinate(std::string_view text, const NumberFormat& format);
bool is_coordinate(const char* begin, const char* end, const NumberFormat& format);

}  // namespace molgen3d
