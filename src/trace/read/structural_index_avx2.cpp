// Compiled with -mavx2 -mpclmul; called only where the processor has both.
#include <immintrin.h>

#include "trace/read/structural_index_loop.h"

namespace molgen3d::trace {
namespace {

struct Avx2 {
  static ByteMasks classify(const char* p) {
    const __m256i low = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
    const __m256i high = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p + 32));
    return {equal(low, high, '"'), equal(low, high, '\\'), brackets(low, high), around(low, high)};
  }

  static uint64_t prefix_xor(uint64_t x) {
    const __m128i ones = _mm_set1_epi8('\xFF');
    const __m128i bits = _mm_set_epi64x(0, static_cast<long long>(x));
    return static_cast<uint64_t>(_mm_cvtsi128_si64(_mm_clmulepi64_si128(bits, ones, 0)));
  }

 private:
  static uint64_t join(__m256i low, __m256i high) {
    return static_cast<uint32_t>(_mm256_movemask_epi8(low)) |
           (static_cast<uint64_t>(static_cast<uint32_t>(_mm256_movemask_epi8(high))) << 32);
  }
  static uint64_t equal(__m256i low, __m256i high, char c) {
    const __m256i value = _mm256_set1_epi8(c);
    return join(_mm256_cmpeq_epi8(low, value), _mm256_cmpeq_epi8(high, value));
  }
  // '[' | 0x20 is '{' and ']' | 0x20 is '}'; no other byte lands there.
  static __m256i bracket_bytes(__m256i v) {
    const __m256i folded = _mm256_or_si256(v, _mm256_set1_epi8(0x20));
    return _mm256_or_si256(_mm256_cmpeq_epi8(folded, _mm256_set1_epi8('{')),
                           _mm256_cmpeq_epi8(folded, _mm256_set1_epi8('}')));
  }
  static uint64_t brackets(__m256i low, __m256i high) {
    return join(bracket_bytes(low), bracket_bytes(high));
  }
  // Table lookup by the low four bits: entry n holds the one blank that ends in n, else a byte that
  // ends in 0 and so cannot match (and is found at entry 0 for no byte below 0x80).
  static __m256i beside_string(__m256i v) {
    const char no = '\x80';
    const __m128i table =
        _mm_setr_epi8(' ', no, no, no, no, no, no, no, no, '\t', '\n', no, no, '\r', no, no);
    const __m256i blanks = _mm256_broadcastsi128_si256(table);
    const __m256i is_blank = _mm256_cmpeq_epi8(_mm256_shuffle_epi8(blanks, v), v);
    const __m256i separators = _mm256_or_si256(_mm256_cmpeq_epi8(v, _mm256_set1_epi8(',')),
                                               _mm256_cmpeq_epi8(v, _mm256_set1_epi8(':')));
    return _mm256_or_si256(_mm256_or_si256(is_blank, separators), bracket_bytes(v));
  }
  static uint64_t around(__m256i low, __m256i high) {
    return join(beside_string(low), beside_string(high));
  }
};

}  // namespace

void index_structure_avx2(const char* base, size_t from, size_t to, IndexState& state,
                          StructuralIndex& index);
void index_structure_avx2(const char* base, size_t from, size_t to, IndexState& state,
                          StructuralIndex& index) {
  index_loop<Avx2>(base, from, to, state, index);
}

}  // namespace molgen3d::trace
