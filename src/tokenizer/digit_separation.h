// Whether a pre-tokenizer keeps digits apart: a question to its rules, not to a list of names.
#pragma once

#include <span>
#include <string_view>

#include "tokenizer/piece_cutter.h"

namespace molgen3d {

/// Of all steps together, on texts of printable ASCII without white space and apostrophes.
DigitCut digit_cut_of(std::span<const CutStep> steps);

/// Of a regular expression whose matches are isolated. Understood are one-character atoms, groups,
/// alternatives and quantifiers; anything else in an alternative that can match is kUnknown.
DigitCut digit_cut_of(std::string_view pattern);

}  // namespace molgen3d
