// One sequence at the end of a step: what is to be drawn, and how its state advances.
#pragma once

#include "engine/cuda/intrinsics.cuh"
#include "engine/cuda/kernels.h"
#include "geometry/search.h"

namespace molgen3d::cuda {

enum class Mode : int { kNothing, kForced, kListed, kMasked, kAny, kFailed };

/// What thread 0 found out about the sequence.
struct Task {
  Mode mode;
  int slot;
  SlotEnd failure;
  int forced_token;
  const int* ids;  ///< candidates; null: the vocabulary
  int count;       ///< candidates: of `ids`, or the vocabulary
  const uint32_t* mask;
  int mask_allows;
  int first_edge;
  const uint32_t* allowed;  ///< bits of the candidates that a masked block may go on with; or null
  uint64_t noise_key;
};

/// The search of a sequence that has one. `projection`: memory instead of the sequence's own.
__device__ inline geometry::Search search_of(SlotState& state, int32_t* projection = nullptr) {
  const DeviceGeometry& g = state.geometry;
  geometry::SearchMemory memory = g.memory;
  if (projection != nullptr) memory.projection = projection;
  return {geometry::HardSetView(g.set),
          g.texts,
          g.numbers,
          g.policy,
          g.directions,
          state.search,
          memory};
}

/// The noise of the tokens that a sequence draws now.
__device__ inline uint64_t draw_key(const SlotState& state) {
  return state.geometry.set == nullptr
             ? state.noise_key
             : attempt_key(state.noise_key, static_cast<uint32_t>(state.search.attempt));
}

/// A place in a template program (constraint/template_program.h).
struct TemplateCursor {
  const DeviceConstraint& c;
  uint32_t segment, node;

  __device__ bool in_hole() const { return node >= kTemplateInHole; }
  /// The hole state.
  __device__ uint32_t row() const { return node - kTemplateInHole; }
  __device__ bool finished() const {
    return static_cast<int>(segment) + 1 == c.segment_count &&
           node == c.segments[3 * static_cast<size_t>(segment) + 1];
  }
  /// The only legal token, or -1.
  __device__ int forced_token() const {
    if (!in_hole()) return c.literals[c.segments[3 * static_cast<size_t>(segment)] + node];
    const uint32_t begin = c.row_begin[row()];
    return c.row_begin[row() + 1] - begin == 1 ? c.edge_token[begin] : -1;
  }
  __device__ void take_forced() {
    if (in_hole()) {
      take_edge(static_cast<int>(c.row_begin[row()]));
    } else {
      after_literal(segment, node + 1);
    }
  }
  __device__ void take_edge(int edge) {
    const uint32_t next = c.edge_next[edge];
    if (next == kTemplateLeaveHole) {
      after_literal(segment + 1, 1);
    } else {
      node = kTemplateInHole + next;
    }
  }

 private:
  __device__ void after_literal(uint32_t of, uint32_t taken) {
    const uint32_t* s = c.segments + 3 * static_cast<size_t>(of);
    segment = of;
    const bool last = static_cast<int>(of) + 1 == c.segment_count;
    node = taken < s[1] || last ? taken : kTemplateInHole + s[2];
  }
};

/// Appends tokens to a sequence and advances its constraint; used by one thread.
struct Writer {
  SlotState& state;
  int* tokens;
  const SampleArguments& a;
  bool block_closed = false;  ///< by the last token: the search is to judge it before the next
  int drafted = 0;            ///< tokens from known to here are drafts, their rows computed or not
  int draft_end = 0;          ///< tokens from known to here are drafts
  int disagreement = -1;      ///< the first token appended that is not its draft
  bool rewritten = false;     ///< tokens were thrown away or exchanged

  __device__ void append(int token, bool is_sampled, bool end) {
    if (state.known < draft_end && disagreement < 0 && tokens[state.known] != token)
      disagreement = state.known;
    tokens[state.known++] = token;
    ++(is_sampled ? state.sampled : state.forced);
    if (end) {
      state.end = SlotEnd::kEndOfSequence;
    } else if (state.known == state.limit) {
      state.end = SlotEnd::kLength;
    }
    if (state.geometry.set != nullptr) {
      block_closed = search_of(state).read(token, state.known - 1);
    } else if (a.gate != nullptr && a.texts != nullptr && state.constraint.drafts != 0) {
      const geometry::ReadEvents events =
          geometry::read_token(state.reader, a.texts[token], a.numbers);
      if (events.closed && state.segment > 0 && state.segment <= kDraftAtoms) {
        state.at[state.segment - 1] = {state.reader.value[0], state.reader.value[1],
                                       state.reader.value[2]};
      }
    }
  }
  __device__ geometry::Mark here() const {
    geometry::Mark mark;
    mark.known = state.known;
    mark.segment = state.segment;
    mark.node = state.node;
    mark.sampled = state.sampled;
    mark.forced = state.forced;
    mark.log_probability = state.log_probability;
    return mark;
  }
  /// Does what the search decided, as HostSequence does.
  __device__ void follow(geometry::Action action) {
    if (action == geometry::Action::kReflect) reflect();
    if (action == geometry::Action::kReturn) go_back();
    if (action == geometry::Action::kFail) state.end = SlotEnd::kGeometry;
  }
  __device__ void go_back() {
    rewritten = true;
    const geometry::Mark& mark = state.geometry.memory.marks[state.search.atom];
    for (int i = mark.known; i < state.known && a.audit != nullptr; ++i) {
      const AuditRecord& last = a.audit[tokens - a.tokens + i - state.prompt_length];
      state.raw_log_probability -= static_cast<double>(last.raw_log_probability);
      state.log_kept_mass -= log(static_cast<double>(last.kept_mass));
    }
    state.known = mark.known;
    state.segment = mark.segment;
    state.node = mark.node;
    state.sampled = mark.sampled;
    state.forced = mark.forced;
    state.log_probability = mark.log_probability;
    state.end = SlotEnd::kRunning;
  }
  /// Exchanges `,` and `,-` before every z; what stands from the first of them on is computed
  /// again.
  __device__ void reflect() {
    rewritten = true;
    const DeviceGeometry& g = state.geometry;
    for (int atom = state.search.atom; atom-- > 0;) {
      if (g.memory.at[atom].z == 0) continue;
      const int index = g.memory.z_separator[atom];
      tokens[index] = tokens[index] == g.numbers.comma ? g.numbers.comma_minus : g.numbers.comma;
      state.cached = min(state.cached, index);
    }
  }
  __device__ void stand_at(const TemplateCursor& cursor, int token, bool is_sampled) {
    state.segment = cursor.segment;
    state.node = cursor.node;
    append(token, is_sampled, cursor.finished());
  }
  __device__ void take_edge(int edge, bool is_sampled) {
    TemplateCursor cursor{state.constraint, state.segment, state.node};
    cursor.take_edge(edge);
    stand_at(cursor, state.constraint.edge_token[edge], is_sampled);
  }
  /// One forced token, if there is one.
  __device__ bool take_forced() {
    const DeviceConstraint& c = state.constraint;
    if (c.kind == ConstraintKind::kTemplate) {
      TemplateCursor cursor{c, state.segment, state.node};
      const int token = cursor.forced_token();
      if (token < 0) return false;
      cursor.take_forced();
      stand_at(cursor, token, false);
      return true;
    }
    if (c.kind == ConstraintKind::kPositions) {
      const int token = c.positions[2 * static_cast<size_t>(state.segment)];
      if (token < 0) return false;
      take_position(token, false);
      return true;
    }
    return false;
  }
  __device__ void take_position(int token, bool is_sampled) {
    ++state.segment;
    append(token, is_sampled, static_cast<int>(state.segment) >= state.constraint.position_count);
  }
  __device__ void take_free(int token) {
    int low = 0, high = a.end_count;
    while (low < high) {
      const int middle = (low + high) / 2;
      if (a.end_ids[middle] < token) {
        low = middle + 1;
      } else {
        high = middle;
      }
    }
    append(token, true, low < a.end_count && a.end_ids[low] == token);
  }
};

/// What a pass has computed of a sequence.
struct PassShare {
  int slot;
  int known;     ///< tokens, before this step's draws
  int computed;  ///< tokens and drafts whose rows are done
  int drafted;   ///< tokens and drafts, one that no row has met included
  int output;    ///< row of logits after the last known token; -1: nothing is drawn
};

/// Thread 0: books the pass.
__device__ inline PassShare book_pass(const SampleArguments& a, int index) {
  PassShare share = {};
  share.output = -1;
  const int rows = a.sequence_rows[index];
  if (rows == 0) return share;
  share.slot = a.active.slots[index];
  SlotState& state = a.slots[share.slot];
  if (state.cached >= state.prompt_length) ++state.passes;
  share.known = state.known;
  share.computed = state.cached + rows;
  share.drafted = state.known + state.drafted + state.shadow;
  share.output = a.first_output[index];
  state.cached = min(share.computed, state.known);
  return share;
}

/// Thread 0: says what is to be drawn.
__device__ inline Task find_task(const SampleArguments& a, const SlotState& state, int slot) {
  Task task = {};
  task.slot = slot;
  const DeviceConstraint& c = state.constraint;
  task.count = a.vocabulary;
  task.noise_key = draw_key(state);
  if (c.kind == ConstraintKind::kFree) {
    task.mode = Mode::kAny;
  } else if (c.kind == ConstraintKind::kPositions) {
    const int* position = c.positions + 2 * static_cast<size_t>(state.segment);
    task.mode = position[0] >= 0 ? Mode::kForced : Mode::kMasked;
    task.mask = position[0] >= 0 ? nullptr : c.masks[position[1]];
    task.mask_allows = c.masks_allow;
    if (a.column_of != nullptr && task.mode == Mode::kMasked && c.reachable_count > 0) {
      task.ids = c.reachable;
      task.count = c.reachable_count;
    }
  } else if (state.node < kTemplateInHole) {
    task.mode = Mode::kForced;
  } else {
    const uint32_t row = state.node - kTemplateInHole;
    task.first_edge = static_cast<int>(c.row_begin[row]);
    task.count = static_cast<int>(c.row_begin[row + 1]) - task.first_edge;
    task.ids = c.edge_token + task.first_edge;
    task.mode = task.count == 1 ? Mode::kForced : Mode::kListed;
  }
  if (a.column_of != nullptr && task.ids == nullptr && task.mode != Mode::kForced) {
    task.mode = Mode::kFailed;
    task.failure = SlotEnd::kNotGathered;
  }
  return task;
}

}  // namespace molgen3d::cuda
