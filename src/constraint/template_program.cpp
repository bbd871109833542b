#include "constraint/template_program.h"

#include <algorithm>

namespace molgen3d {

bool HoleTables::grown_from(const HoleTables& earlier) const {
  const auto begins_with = [](const auto& all, const auto& first) {
    return first.size() <= all.size() && std::equal(first.begin(), first.end(), all.begin());
  };
  return begins_with(row_begin, earlier.row_begin) && begins_with(edge_token, earlier.edge_token) &&
         begins_with(edge_next, earlier.edge_next);
}

ConstraintState TemplateProgram::after_literal_token(uint32_t segment, uint32_t taken) const {
  const Segment& s = segments[segment];
  if (taken < s.literal_count || segment + 1 == segments.size()) return {segment, taken};
  return {segment, kInHole + s.entry_state};
}

Choices TemplateProgram::choices(ConstraintState state) const {
  Choices result;
  const Segment& segment = segments[state.segment];
  if (state.node < kInHole) {
    // After the end nothing more is asked; a caller that does so sees end-of-sequence again.
    const uint32_t index = std::min(state.node, segment.literal_count - 1);
    result.kind = Choices::Kind::kForced;
    result.forced = literal_tokens[segment.literal_begin + index];
    return result;
  }
  const uint32_t row = state.node - kInHole;
  const uint32_t begin = holes->row_begin[row];
  const uint32_t count = holes->row_begin[row + 1] - begin;
  if (count == 1) {
    result.kind = Choices::Kind::kForced;
    result.forced = holes->edge_token[begin];
    return result;
  }
  result.kind = Choices::Kind::kListed;
  result.listed = {holes->edge_token.data() + begin, count};
  return result;
}

ConstraintState TemplateProgram::advance(ConstraintState state, TokenId token) const {
  const Segment& segment = segments[state.segment];
  if (state.node < kInHole) {
    if (state.node >= segment.literal_count ||
        literal_tokens[segment.literal_begin + state.node] != token) {
      return state;
    }
    return after_literal_token(state.segment, state.node + 1);
  }
  const uint32_t row = state.node - kInHole;
  const TokenId* tokens = holes->edge_token.data();
  const TokenId* end = tokens + holes->row_begin[row + 1];
  const TokenId* found = std::lower_bound(tokens + holes->row_begin[row], end, token);
  if (found == end || *found != token) return state;
  const uint32_t next = holes->edge_next[static_cast<size_t>(found - tokens)];
  if (next == HoleTables::kLeaveHole) return after_literal_token(state.segment + 1, 1);
  return {state.segment, kInHole + next};
}

bool TemplateProgram::finished(ConstraintState state) const {
  return state.segment + 1 == segments.size() && state.node == segments.back().literal_count;
}

}  // namespace molgen3d
