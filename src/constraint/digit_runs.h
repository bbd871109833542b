// The tokens of runs of digits: a small acyclic automaton made by asking the encoder for every run.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "text/number_format.h"
#include "tokenizer/tokenizer.h"

namespace molgen3d {

/// What may follow where a run of digits may end.
enum class RunEnd : uint8_t {
  kNone,  ///< the run may not end here
  kPlain,
  kZero,  ///< ends, and the number is zero so far: a negative one needs a digit yet
};

/// Minimal deterministic automaton over tokens; node 0 .. n-1, children before parents.
struct RunAutomaton {
  struct Edge {
    TokenId token;
    uint32_t next;
    bool operator==(const Edge&) const = default;
  };
  struct Node {
    std::vector<Edge> edges;  ///< sorted by token
    RunEnd end = RunEnd::kNone;
    bool operator==(const Node&) const = default;
  };
  std::vector<Node> nodes;
  uint32_t root = 0;
};

/// The four kinds of digit runs of a number grammar.
struct DigitRuns {
  RunAutomaton integer;           ///< of a positive number or zero
  RunAutomaton negative_integer;  ///< the same texts; "0" ends as kZero
  RunAutomaton decimals;
  RunAutomaton nonzero_decimals;  ///< without the runs of zeros only
};

/// Every run of each kind through the real encoder. Throws Error when the encoder does not write
/// a run as it is.
DigitRuns enumerate_digit_runs(const Tokenizer& tokenizer, const NumberFormat& format);

}  // namespace molgen3d
