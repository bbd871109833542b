#include "trace/read/structural_index.h"

#include <array>

#include "trace/read/structural_index_loop.h"

namespace molgen3d::trace {

#ifdef MOLGEN3D_TRACE_AVX2
void index_structure_avx2(const char* base, size_t from, size_t to, IndexState& state,
                          StructuralIndex& index);
#endif

namespace {

enum ByteClass : uint8_t { kQuote = 1, kBackslash = 2, kBracket = 4, kAround = 8 };

constexpr std::array<uint8_t, 256> byte_classes() {
  std::array<uint8_t, 256> c{};
  c['"'] = kQuote;
  c['\\'] = kBackslash;
  for (unsigned char b : {'{', '}', '[', ']'}) c[b] = kBracket | kAround;
  for (unsigned char b : {',', ':', ' ', '\t', '\n', '\r'}) c[b] = kAround;
  return c;
}

struct Portable {
  static ByteMasks classify(const char* p) {
    static constexpr std::array<uint8_t, 256> kClasses = byte_classes();
    ByteMasks m{0, 0, 0, 0};
    for (int i = 0; i < 64; ++i) {
      const uint64_t c = kClasses[static_cast<unsigned char>(p[i])];
      m.quote |= (c & 1) << i;
      m.backslash |= ((c >> 1) & 1) << i;
      m.bracket |= ((c >> 2) & 1) << i;
      m.around |= ((c >> 3) & 1) << i;
    }
    return m;
  }
  static uint64_t prefix_xor(uint64_t x) {
    for (int shift = 1; shift < 64; shift *= 2) x ^= x << shift;
    return x;
  }
};

}  // namespace

void StructuralIndex::resize(size_t bytes) {
  const size_t words = (bytes + 63) / 64 + 2;
  quotes.assign(words, ~uint64_t{0});
  brackets.assign(words, ~uint64_t{0});
  suspicious.clear();
}

void index_structure_scalar(const char* base, size_t from, size_t to, IndexState& state,
                            StructuralIndex& index) {
  index_loop<Portable>(base, from, to, state, index);
}

void index_structure(const char* base, size_t from, size_t to, IndexState& state,
                     StructuralIndex& index) {
#ifdef MOLGEN3D_TRACE_AVX2
  static const bool has_avx2 = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("pclmul");
  if (has_avx2) {
    index_structure_avx2(base, from, to, state, index);
    return;
  }
#endif
  index_structure_scalar(base, from, to, state, index);
}

}  // namespace molgen3d::trace
