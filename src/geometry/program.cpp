#include "geometry/program.h"

#include <fmt/format.h>

namespace molgen3d::geometry {

Outcome outcome_of(const SearchState& state) {
  Outcome out;
  out.checked = true;
  out.satisfied = state.gave_up == 0;
  out.redraws = state.redraws;
  out.returns = state.returns;
  out.reflections = state.mirrors;
  out.masked_blocks = state.masked_blocks;
  out.set_blocks = state.set_blocks;
  out.thrown_tokens = state.thrown;
  out.log_kept = state.log_kept;
  out.fault = state.fault;
  out.fault_atom = state.fault_atom;
  return out;
}

bool complete(const SearchState& state, int atoms) {
  return state.gave_up == 0 && state.atom == atoms;
}

std::vector<double> log_kept_by_atom(std::span<const Mark> marks) {
  std::vector<double> out;
  for (size_t i = 1; i < marks.size(); ++i)
    out.push_back(marks[i].log_kept - marks[i - 1].log_kept);
  return out;
}

std::string failure_text(const SearchState& state) {
  return fmt::format("geometry: {} at atom {}: {} attempts, {} tokens thrown away",
                     fault_name(state.fault), state.fault_atom + 1, state.attempt, state.thrown);
}

}  // namespace molgen3d::geometry
