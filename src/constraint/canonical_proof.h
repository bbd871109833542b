// When may a template be cut at its digits? The condition under which the exact constraint's tokens
// are the tokenizer's own, checked on the tokenizer itself (docs/constraint.md, "Proof").
#pragma once

#include <string>
#include <string_view>

#include "tokenizer/tokenizer.h"

namespace molgen3d {

/// Empty when every run of digits, and every stretch between two of them, of an answer's text is
/// tokenized independently of the rest; else one line that says what stands against it.
std::string canonical_obstacle(const Tokenizer& tokenizer);

/// True when an added token with this content could cut through a coordinate triple or its seams.
/// One of digits only, or without any, stays within a run of digits or between two: only one that
/// mixes them stands against the proof.
bool can_overlap_hole(std::string_view content);

/// Why `text` can be no literal of an enriched text (white space, apostrophe, not printable ASCII);
/// empty when it can. The proof needs it: patterns treat contractions and spaces specially.
std::string literal_obstacle(std::string_view text);

}  // namespace molgen3d
