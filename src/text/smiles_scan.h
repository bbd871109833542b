// Cuts SMILES text into tokens and says what the enriched format cannot carry. No chemistry.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "text/refusal.h"

namespace molgen3d {

struct SmilesToken {
  enum class Kind : uint8_t { kBracketAtom, kBareAtom, kRing, kBond, kOpen, kClose, kDot };
  Kind kind;
  uint32_t begin;
  uint32_t length;
  bool is_atom() const { return kind == Kind::kBracketAtom || kind == Kind::kBareAtom; }
};

struct SmilesScan {
  std::vector<SmilesToken> tokens;
  size_t atoms = 0;
  Refusal refusal = Refusal::kNone;
  std::string cause;  ///< names the place (1-based column) when refused
};

/// Never throws. The grammar of the encoder: bracket atoms, the organic subset, `%dd`, digits, the
/// bonds `= # : / \ -`, branches and dots; balanced brackets, branches and ring numbers.
SmilesScan scan_smiles(std::string_view text);

/// Names the first character that no SMILES holds, a control character or one outside ASCII (a
/// typographic dash, a full-width sign, a zero-width space): `U+2013 at column 2 is no SMILES
/// character`. Empty when there is none. White space is left to others.
std::string foreign_character(std::string_view text);

/// True for what stands in brackets but means the same as a bare atom: `C`, `Cl`, `c`, ...
bool is_organic_subset(std::string_view symbol);

}  // namespace molgen3d
