// How a checkpoint writes coordinates: shared by the enriched-text codec and the constraint.
#pragma once

#include <cstdint>
#include <string>

namespace molgen3d {

/// The number grammar of one checkpoint (`conformer_format.json`). Always a leading zero, no plus
/// sign, no exponent, never a negative zero.
struct NumberFormat {
  /// kStrip: trailing zeros and a bare dot removed (`0.5`, `12`, `0`).
  /// kFixed: exactly `decimals` decimals (`0.5000`).
  /// kEither: each number may follow either; for checkpoints that do not say.
  enum class Zeros : uint8_t { kStrip, kFixed, kEither };

  int decimals = 4;  ///< at most this many digits after the dot, 1..4
  Zeros zeros = Zeros::kEither;
  int max_integer_digits = 3;  ///< digits before the dot, 1..3

  bool operator==(const NumberFormat&) const = default;
};

/// `text` of one coordinate in Angstrom: value x 10^decimals truncated toward zero.
/// kEither writes as kStrip. Throws Error for NaN, infinities and numbers with more integer digits
/// than the format has.
std::string format_coordinate(double value, const NumberFormat& format);

/// The same for a coordinate in units of 1e-4 A, as data sets store it: what format_coordinate()
/// gives for the value it was truncated from, free of the binary rounding of `units * 1e-4`.
std::string format_units(int64_t units, const NumberFormat& format);

/// True when `text` is a number of the grammar, to the last character.
bool is_coordinate(const char* begin, const char* end, const NumberFormat& format);

}  // namespace molgen3d
