// Why a molecule cannot be written as enriched text, and the names of the causes.
#pragma once

#include <cstdint>

namespace molgen3d {

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

}  // namespace molgen3d
