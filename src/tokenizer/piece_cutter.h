// Cuts normalized text into the pieces that BPE works on ("pre-tokenization").
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "tokenizer/regex.h"
#include "tokenizer/tokenizer.h"

namespace molgen3d {

/// What a Split step does with the matches of its pattern (names of tokenizer.json).
enum class SplitBehavior : uint8_t {
  kIsolated,
  kRemoved,
  kMergedWithPrevious,
  kMergedWithNext,
  kContiguous,
};

/// One step; every step cuts the pieces of the step before it further.
struct CutStep {
  std::variant<Regex, std::string> pattern;  ///< a regular expression or a literal string
  SplitBehavior behavior = SplitBehavior::kIsolated;
  bool invert = false;  ///< matches and gaps change roles
};

/// GPT-2's pattern, which ByteLevel with use_regex stands for.
extern const char kGpt2Pattern[];

/// Immutable, safe to share between threads.
class PieceCutter {
 public:
  std::vector<CutStep> steps;
  bool add_prefix_space = false;  ///< a space is put before text that does not begin with one
  PreTokenizer family = PreTokenizer::kNone;

  /// Pieces of valid UTF-8 `text`, in order, never empty. `pieces` is overwritten.
  void cut(std::string_view text, std::vector<ByteSpan>& pieces) const;
};

/// The family of a lone Split(Isolated) by `pattern`, by comparison with the published patterns.
PreTokenizer family_of_pattern(std::string_view pattern);

}  // namespace molgen3d
