// What a search for a geometry (search.h) is told, what it remembers, and what it decides.
#pragma once

#include "geometry/block_reader.h"
#include "geometry/outcome.h"
#include "geometry/position.h"

namespace molgen3d::geometry {

/// How a sample is kept inside the hard set.
struct SearchPolicy {
  int32_t free_draws = 1;    ///< of a block under the model's own law, before it is masked
  int32_t masked_draws = 2;  ///< under the mask of what stands; the last one near the witness
  int32_t budget = 0;        ///< tokens that may be thrown away
  /// When the budget is spent: finish the sample unchecked, marked, instead of failing it.
  int32_t keep = 0;
};

/// Where to go back to: the sequence as it was after the token that closed the block before. The
/// engine fills in all but the last three.
struct Mark {
  int32_t known = 0;  ///< tokens, prompt included
  uint32_t segment = 0, node = 0;
  int32_t sampled = 0, forced = 0;
  int32_t masked_blocks = 0;
  int32_t set_blocks = 0;
  double log_probability = 0;
  double log_kept = 0;
};

/// Where a search for a witness (completion.h) stands that goes on later.
struct CompletionProgress {
  int32_t start = 0;   ///< trial
  int32_t made = -1;   ///< rounds of projection; -1: the trial is to be begun
  int32_t planes = 0;  ///< all else was right in the round before: planes are to be looked at
};

/// The question that a closed block has put, while it has no answer yet.
struct Inquiry {
  enum class Asks : int32_t {
    kNothing,
    kGoesOn,    ///< can it be completed with the block?
    kStepping,  ///< which beginning can be completed? By steps back that double,
    kHalving,   ///< then by halves
  };
  Asks asks = Asks::kNothing;
  Fault fault = Fault::kNone;  ///< that was found
  int32_t low = 0, high = 0;   ///< atoms that can stand, perhaps, and that cannot
  int32_t step = 1;
  CompletionProgress progress;
};

/// How the block being written is drawn.
enum class Draws : int32_t {
  kFree,    ///< under the model's own law
  kMasked,  ///< from places that satisfy the hard set, given those that stand
  kNear,    ///< the same, near the witness's place
  kSet,     ///< the witness's place and no other
};

/// Whether there are places for all atoms that satisfy the hard set, those that stand among them.
enum class Witness : int32_t {
  kNotSought,  ///< no fault so far
  kFound,
  kNone,  ///< the molecule could not be embedded at all
};

/// What happened to one sample, and where it stands.
struct SearchState {
  ReaderState reader;
  int32_t atom = 0;           ///< being written
  int32_t attempt = 0;        ///< noise is keyed by it: grows whenever tokens are thrown away
  int32_t redraws = 0;        ///< blocks drawn again at once
  int32_t returns = 0;        ///< ways back to an earlier block
  int32_t mirrors = 0;        ///< reflections
  int32_t masked_blocks = 0;  ///< blocks kept that were drawn under a mask
  int32_t set_blocks = 0;     ///< blocks kept that were set to the witness's place
  int32_t thrown = 0;         ///< tokens thrown away
  int32_t draws_here = 0;     ///< of the block being written, in vain
  int32_t steps_back = 0;     ///< how far the last way back without a witness went
  Draws draws = Draws::kFree;
  int32_t mask_made = 0;  ///< 1 + the axis whose feasible candidates are marked; 0: none
  Witness witness = Witness::kNotSought;  ///< of what stands
  int32_t gave_up = 0;                    ///< the budget is spent: nothing is checked any more
  Fault fault = Fault::kNone;             ///< the last one
  int32_t fault_atom = -1;
  Inquiry inquiry;
  double log_kept = 0;  ///< of the masks' legal shares, answer as it stands (nats, <= 0)
};

/// What a sequence holds beside its state; all arrays belong to the caller.
struct SearchMemory {
  Position* at;          ///< [atoms]
  Position* witness;     ///< [atoms]
  Mark* marks;           ///< [atoms + 1]
  int32_t* z_separator;  ///< [atoms] index of the `,` or `,-` before z; -1: another token
  uint32_t* feasible;    ///< [kMaskWords] bins (candidates.h)
  int32_t* projection;   ///< [projection_words(atoms)]; kept while an inquiry is pending
};

enum class Action : int32_t {
  kKeep,     ///< go on
  kReflect,  ///< exchange `,` and `,-` before every z that is not zero, compute again from there
  kReturn,   ///< go back to the mark of atom `state.atom`
  kFail,     ///< the budget is spent
};

/// One thread that does all the work: the host. A device's thread block works together: each thread
/// takes every size-th piece from `rank` on, any() is true for all where it is for one and lets
/// none go on before all have come, add() adds for all, and only the first thread writes else.
struct Solo {
  int rank = 0, size = 1;
  MOLGEN3D_HOST_DEVICE bool any(bool value) const { return value; }
  MOLGEN3D_HOST_DEVICE void add(int32_t* to, int32_t value) const { *to += value; }
};

/// What a closed block is found to be.
struct Judgement {
  /// The rounds are used up: nothing is to be done but store the inquiry and judge again.
  bool pending = false;
  Inquiry inquiry;
  Fault fault = Fault::kNone;
  int32_t culprit = 0;  ///< the block to draw again, with a fault
  bool reflected = false;
  Witness witness = Witness::kNotSought;  ///< of what stands before the culprit
};

}  // namespace molgen3d::geometry
