// What stands in coordinate blocks: kinds of damage, decimals per number, characters.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "report/histogram.h"

namespace molgen3d {

/// Every block has exactly one class: the first of this list that fits. The names are those of the
/// failures that the study saw, see block_class_name().
enum class BlockClass : uint8_t {
  kNonAscii,       ///< `（`
  kSmiles,         ///< any of `[]()@=#+/\`: text of the molecule leaked into the block
  kLetters,        ///< `0.9587abra`
  kSymbols,        ///< quotes, braces, white space, ...: `0.5204"1`
  kTrailingComma,  ///< `1.094,1.2358,-1.0388,`
  kTrailingDash,   ///< `1.1782,-`
  kDoubledMark,    ///< `1..2`, `1,,2`, `.-`, `--`
  kExtraNumber,    ///< a fourth value
  kMissingComma,   ///< `3.0212-0.2769`
  kDotForComma,    ///< `0.3014.7184,1.3211`
  kTooFew,         ///< one or two numbers, each sound
  kLongInteger,    ///< more than four digits before the dot
  kBareDot,        ///< three numbers, one of them ends (`0.`) or begins (`.5`) with its dot
  kPlain,          ///< three plain decimal numbers
};
inline constexpr size_t kBlockClasses = static_cast<size_t>(BlockClass::kPlain) + 1;
const char* block_class_name(BlockClass cls);
BlockClass block_class(std::string_view block);

/// Sums over the blocks of any number of conformers.
struct BlockStatistics {
  static constexpr size_t kMaxExamples = 5;
  static constexpr size_t kDecimals = 6;  ///< 0 .. 4, and more

  size_t blocks = 0;
  size_t letters = 0;      ///< blocks with any of [A-Za-z]
  size_t non_numeric = 0;  ///< blocks that are not three decimal numbers
  std::array<size_t, kBlockClasses> classes{};
  std::array<std::vector<std::string>, kBlockClasses> examples;
  /// decimals[axis][n]: how many blocks of three numbers have n decimals in x, y, z.
  std::array<std::array<size_t, kDecimals>, 3> decimals{};
  /// Blocks of three numbers whose last number has fewer decimals than both others.
  size_t short_last = 0;
  Histogram characters;  ///< per block, without its brackets

  /// `conformer`: enriched text (tags are harmless).
  void add(std::string_view conformer);
  size_t numeric() const { return blocks - non_numeric; }
  double mean_decimals(size_t axis) const;
};

}  // namespace molgen3d
