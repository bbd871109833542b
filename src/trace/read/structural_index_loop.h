// The loop behind index_structure(), a template over how 64 bytes are classified. Included by one
// source file per instruction set; everything here has internal linkage so that code compiled for
// AVX2 can never be picked for another processor.
#pragma once

#include <cstring>

#include "trace/read/structural_index.h"

namespace molgen3d::trace {
namespace {

struct ByteMasks {
  uint64_t quote;
  uint64_t backslash;
  uint64_t bracket;
  uint64_t around;  // bytes that may stand beside a string: blanks, comma, colon, brackets
};

// Bits that follow an odd run of backslashes. Backslashes are rare in traces, hence the plain loop.
inline uint64_t escaped_bits(uint64_t backslash, uint64_t& carry) {
  uint64_t escaped = carry;
  backslash &= ~carry;
  carry = 0;
  while (backslash != 0) {
    const uint64_t lowest = backslash & (~backslash + 1);
    const uint64_t next = lowest << 1;
    if (next == 0) carry = 1;
    escaped |= next;
    backslash &= ~(lowest | next);
  }
  return escaped;
}

template <typename Simd>
inline void index_loop(const char* base, size_t from, size_t to, IndexState& state,
                       StructuralIndex& index) {
  uint64_t* quotes = index.quotes.data();
  uint64_t* brackets = index.brackets.data();
  IndexState s = state;
  for (size_t at = from; at < to; at += 64) {
    ByteMasks m;
    uint64_t inside = ~uint64_t{0};
    if (at + 64 <= to) {
      m = Simd::classify(base + at);
    } else {
      char last[64];
      std::memset(last, ' ', sizeof last);
      std::memcpy(last, base + at, to - at);
      m = Simd::classify(last);
      inside = ~uint64_t{0} >> (64 - (to - at));
    }
    uint64_t quote = m.quote;
    if (m.backslash != 0 || s.escaped != 0) quote &= ~escaped_bits(m.backslash, s.escaped);
    const uint64_t in_string = Simd::prefix_xor(quote) ^ s.in_string;
    const uint64_t closing = quote & ~in_string;
    const uint64_t opening = quote & in_string;
    quotes[at >> 6] = quote;
    brackets[at >> 6] = m.bracket & ~in_string;
    const uint64_t odd = (((closing << 1) | s.quote_just_ended) & ~m.around) |
                         (opening & ~((m.around << 1) | s.quote_may_open));
    for (uint64_t bits = odd & inside; bits != 0; bits &= bits - 1) {
      index.suspicious.push_back(at + static_cast<size_t>(__builtin_ctzll(bits)));
    }
    s.in_string = static_cast<uint64_t>(static_cast<int64_t>(in_string) >> 63);
    s.quote_just_ended = closing >> 63;
    s.quote_may_open = m.around >> 63;
  }
  state = s;
}

}  // namespace
}  // namespace molgen3d::trace
