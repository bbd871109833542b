// Where the quotes and brackets of JSON text are, as bit maps: one bit per byte.
//
// Looking at 64 bytes at a time with SIMD finds structure at several GB/s; the walk over events
// then hops from bit to bit and never looks at the bytes inside strings or args.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace molgen3d::trace {

/// What has to be known at a byte to go on indexing from there. The default is "outside a string".
struct IndexState {
  uint64_t in_string = 0;         ///< all ones inside a string
  uint64_t escaped = 0;           ///< 1: the next byte follows an odd run of backslashes
  uint64_t quote_may_open = 1;    ///< 1: the byte before may stand before an opening quote
  uint64_t quote_just_ended = 0;  ///< 1: the byte before closed a string
  bool operator==(const IndexState&) const = default;
};

/// Bit maps of one buffer. Bit i of word i/64 is byte i.
struct StructuralIndex {
  std::vector<uint64_t> quotes;    ///< unescaped quotes, opening and closing
  std::vector<uint64_t> brackets;  ///< { } [ ] outside strings
  /// Bytes that prove a stray quote: text right after a closing or right before an opening one.
  std::vector<size_t> suspicious;

  /// For buffers of `bytes` bytes; the maps end in set bits, so that searches always stop.
  void resize(size_t bytes);
};

/// Indexes base[from, to). `from` is a multiple of 64; up to 64 bytes after `to` are read, not
/// judged. Appends to `suspicious`. `state` is moved from `from` to `to`.
void index_structure(const char* base, size_t from, size_t to, IndexState& state,
                     StructuralIndex& index);

/// The portable loop, for tests and processors without AVX2.
void index_structure_scalar(const char* base, size_t from, size_t to, IndexState& state,
                            StructuralIndex& index);

/// First set bit at or after `from`.
inline size_t next_bit(const std::vector<uint64_t>& map, size_t from) {
  size_t word = from >> 6;
  uint64_t bits = map[word] & (~uint64_t{0} << (from & 63));
  while (bits == 0) bits = map[++word];
  return (word << 6) + static_cast<size_t>(__builtin_ctzll(bits));
}

}  // namespace molgen3d::trace
