// The coordinate triple `x,y,z` as a deterministic automaton over bytes.
#pragma once

#include <cstdint>
#include <vector>

#include "text/number_format.h"

namespace molgen3d {

/// State 0 is before the first byte. Every state can reach the end of the triple.
struct TripleBytes {
  struct Edge {
    uint8_t byte;
    uint32_t next;
  };
  struct State {
    std::vector<Edge> edges;
    bool may_end = false;  ///< the triple is complete here
  };
  std::vector<State> states;
  size_t shortest = 0;  ///< bytes
  size_t longest = 0;
};

TripleBytes triple_bytes(const NumberFormat& format);

}  // namespace molgen3d
