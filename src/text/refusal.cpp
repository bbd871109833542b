#include "text/refusal.h"

namespace molgen3d {

const char* refusal_name(Refusal refusal) {
  switch (refusal) {
    case Refusal::kNone:
      return "accepted";
    case Refusal::kEmpty:
      return "empty";
    case Refusal::kUnparsable:
      return "unparsable";
    case Refusal::kTooLarge:
      return "too large";
    case Refusal::kDativeBond:
      return "dative bond";
    case Refusal::kQuadrupleBond:
      return "quadruple bond";
    case Refusal::kAnyBond:
      return "bond of any order";
    case Refusal::kDummyAtom:
      return "dummy atom";
    case Refusal::kQuery:
      return "query atom or bond";
    case Refusal::kWideRingNumber:
      return "ring number above 99";
    case Refusal::kBarePlainBracket:
      return "atom that needs its brackets";
    case Refusal::kExplicitHydrogen:
      return "explicit hydrogen in as-given text";
    case Refusal::kNotReproduced:
      return "written SMILES reads as another graph";
    case Refusal::kCount:
      break;
  }
  return "?";
}

}  // namespace molgen3d
