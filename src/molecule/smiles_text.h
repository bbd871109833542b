// Cuts SMILES text into tokens and says what the enriched format cannot carry. No chemistry.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace molgen3d {

/// Why a molecule cannot be written as enriched text.
enum class Refusal : uint8_t {
  kNone,
  kEmpty,             ///< no text, or no atom
  kUnparsable,        ///< no valid SMILES or mol block
  kTooLarge,          ///< more than kMaxAtoms or kMaxSmilesLength
  kDativeBond,        ///< `->` or `<-`: `>` closes a coordinate block
  kQuadrupleBond,     ///< `$`
  kAnyBond,           ///< `~`
  kDummyAtom,         ///< `*`, `[*]`, attachment points
  kQuery,             ///< query atoms or bonds of a mol block
  kWideRingNumber,    ///< `%(100)`
  kBarePlainBracket,  ///< `[C]`, `[O]`: a radical that the format reads back as a plain atom
  kExplicitHydrogen,  ///< as-given text spells hydrogens that the canonical form removes
  kNotReproduced,     ///< RDKit reads the written SMILES as another graph
  kCount
};

/// Short name for tables: "dative bond", "dummy atom", ...
const char* refusal_name(Refusal refusal);

/// Counts outcomes, one number per cause; kNone counts the accepted.
struct RefusalCounts {
  std::array<size_t, static_cast<size_t>(Refusal::kCount)> count{};
  void add(Refusal refusal) { ++count[static_cast<size_t>(refusal)]; }
  void add(const RefusalCounts& other);
  size_t of(Refusal refusal) const { return count[static_cast<size_t>(refusal)]; }
};

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
