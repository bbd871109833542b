// What the engine gets to keep the samples of one prompt inside the hard set.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "geometry/hard_set.h"
#include "geometry/outcome.h"
#include "geometry/search_state.h"
#include "geometry/token_text.h"

namespace molgen3d::geometry {

/// Immutable, shared by all samples of a prompt.
struct Program {
  HardSet set;
  std::shared_ptr<const TokenTexts> texts;
  SearchPolicy policy;
};

Outcome outcome_of(const SearchState& state);
/// All blocks of a molecule of `atoms` atoms stand and hold.
bool complete(const SearchState& state, int atoms);
/// What the masks of each block kept of the legal mass (log, nats), from the marks before the first
/// block and after each.
std::vector<double> log_kept_by_atom(std::span<const Mark> marks);

/// `stereo centre at atom 7: 64 attempts`: why a sample could not be finished within its budget.
std::string failure_text(const SearchState& state);

}  // namespace molgen3d::geometry
