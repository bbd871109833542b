// What the search for a geometry did to one sample.
#pragma once

#include <cstdint>

namespace molgen3d::geometry {

/// The first condition found broken.
enum class Fault : int32_t {
  kNone,
  kBond,
  kAngle,
  kClash,
  kReach,
  kHand,
  kSide,
  kPlane,
  kNoRoom,   ///< an atom that is still to come has no place left
  kDeadEnd,  ///< a masked block cannot go on
};
/// "bond length", "bond angle", "clash", "ring reach", "stereo centre", "double bond side",
/// "flatness", "no room", "dead end"
const char* fault_name(Fault fault);

struct Outcome {
  bool checked = false;    ///< there was something to satisfy
  bool satisfied = false;  ///< every block was checked and kept
  int32_t redraws = 0;     ///< blocks drawn again at once
  int32_t returns = 0;     ///< ways back to an earlier block
  int32_t reflections = 0;
  int32_t masked_blocks = 0;  ///< of the answer: drawn from a part of the model's law
  int32_t set_blocks = 0;     ///< of the answer: not the model's choice
  int32_t thrown_tokens = 0;
  double log_kept = 0;         ///< log of the masks' legal shares, summed over the answer (nats)
  Fault fault = Fault::kNone;  ///< the last one
  int32_t fault_atom = -1;     ///< its place in the text, from 0
};

}  // namespace molgen3d::geometry
