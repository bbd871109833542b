// Products and attention with VDPBF16PS (AVX512_BF16: Zen 4, Cooper Lake, Sapphire Rapids): a lane
// adds the products of a bf16 pair to its fp32 sum. Round to nearest even, denormals are zero.
// The functions carry the target as an attribute, so that no inline function of a header is
// compiled for it behind the linker's back.
#include "engine/cpu/kernels.h"
#include "engine/cpu/unroll.h"

#if defined(__x86_64__) && defined(__GNUC__)

#include <immintrin.h>

namespace molgen3d::cpu::avx512_bf16 {

bool supported() {
  static const bool yes = __builtin_cpu_supports("avx512bf16") &&
                          __builtin_cpu_supports("avx512bw") &&
                          __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  return yes;
}

#if defined(__clang__)
#pragma clang attribute push( \
    __attribute__((target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx512f,avx512bw,avx512vl,avx512dq,avx512bf16")
#endif

namespace {

#define MOLGEN3D_INLINE inline __attribute__((always_inline))

constexpr size_t kTileRows = 12;
constexpr size_t kAhead = 2048;  // bytes that a streaming panel is fetched ahead

MOLGEN3D_INLINE __m512bh load(const BFloat16* p) {
  return (__m512bh)_mm512_loadu_si512(p);
}

MOLGEN3D_INLINE __m512bh broadcast_pair(const BFloat16* p) {
  int pair;
  __builtin_memcpy(&pair, p, sizeof pair);
  return (__m512bh)_mm512_set1_epi32(pair);
}

// kRows rows times kPanels neighbouring panels. `fetch` is where the weights that come next lie;
// every step of the loop asks for `fetch_step` bytes of them.
template <size_t kRows, size_t kPanels>
MOLGEN3D_INLINE void tile(const BFloat16* x, size_t x_stride, size_t inner, const BFloat16* weights,
                          float* out, size_t out_stride, const char* fetch, size_t fetch_step) {
  __m512 sum[kRows][2 * kPanels];
  MOLGEN3D_UNROLL
  for (size_t r = 0; r < kRows; ++r) {
    MOLGEN3D_UNROLL
    for (size_t v = 0; v < 2 * kPanels; ++v) sum[r][v] = _mm512_setzero_ps();
  }
  const size_t panel_size = inner * kPanel;
  for (size_t i = 0; i < inner / 2; ++i) {
    __m512bh w[2 * kPanels];
    MOLGEN3D_UNROLL
    for (size_t p = 0; p < kPanels; ++p) {
      const BFloat16* row = weights + p * panel_size + i * 2 * kPanel;
      w[2 * p] = load(row);
      w[2 * p + 1] = load(row + kPanel);
      if (kRows <= 6) {
        _mm_prefetch(reinterpret_cast<const char*>(row) + kAhead, _MM_HINT_T0);
        _mm_prefetch(reinterpret_cast<const char*>(row) + kAhead + 64, _MM_HINT_T0);
      }
    }
    if (kRows > 6) {
      _mm_prefetch(fetch, _MM_HINT_T1);
      fetch += fetch_step;
    }
    MOLGEN3D_UNROLL
    for (size_t r = 0; r < kRows; ++r) {
      const __m512bh pair = broadcast_pair(x + r * x_stride + 2 * i);
      MOLGEN3D_UNROLL
      for (size_t v = 0; v < 2 * kPanels; ++v) sum[r][v] = _mm512_dpbf16_ps(sum[r][v], pair, w[v]);
    }
  }
  MOLGEN3D_UNROLL
  for (size_t r = 0; r < kRows; ++r) {
    MOLGEN3D_UNROLL
    for (size_t v = 0; v < 2 * kPanels; ++v) {
      _mm512_storeu_ps(out + r * out_stride + v * kBlock, sum[r][v]);
    }
  }
}

template <size_t kRows, size_t kPanels>
void panel_group(const Product<BFloat16>& p, size_t panel, size_t first, const char* fetch,
                 size_t fetch_step) {
  tile<kRows, kPanels>(
      p.x + first * p.x_stride, p.x_stride, p.inner, p.weights + panel * p.inner * kPanel,
      p.out + first * p.out_stride + panel * kPanel, p.out_stride, fetch, fetch_step);
}

// One row is bound by the stream of weights, which is fastest as a single one (measured: 43 ms for
// Qwen3-0.6B's matrices on one core, 59 with four panels at once); a few rows need several panels
// for enough independent chains.
template <size_t kRows, size_t kPanels>
void few_rows(const Product<BFloat16>& p) {
  size_t panel = 0;
  for (; panel + kPanels <= p.panels; panel += kPanels) {
    panel_group<kRows, kPanels>(p, panel, 0, nullptr, 0);
  }
  for (; panel < p.panels; ++panel) panel_group<kRows, 1>(p, panel, 0, nullptr, 0);
}

void many_rows(const Product<BFloat16>& p) {
  const size_t blocks = (p.rows + kTileRows - 1) / kTileRows;
  for (size_t panel = 0; panel < p.panels; ++panel) {
    // While the row blocks work on this panel, which the second level holds from the first block
    // on, the next panel comes in, a share per block.
    const char* next = reinterpret_cast<const char*>(p.weights + (panel + 1) * p.inner * kPanel);
    const size_t share = p.inner * kPanel * sizeof(BFloat16) / blocks;
    const size_t step = 2 * kPanel * sizeof(BFloat16) / blocks;
    for (size_t b = 0; b < blocks; ++b) {
      const size_t first = b * p.rows / blocks, last = (b + 1) * p.rows / blocks;
      const char* fetch = next + b * share;
      switch (last - first) {
        case 4:
          panel_group<4, 1>(p, panel, first, fetch, step);
          break;
        case 5:
          panel_group<5, 1>(p, panel, first, fetch, step);
          break;
        case 6:
          panel_group<6, 1>(p, panel, first, fetch, step);
          break;
        case 7:
          panel_group<7, 1>(p, panel, first, fetch, step);
          break;
        case 8:
          panel_group<8, 1>(p, panel, first, fetch, step);
          break;
        case 9:
          panel_group<9, 1>(p, panel, first, fetch, step);
          break;
        case 10:
          panel_group<10, 1>(p, panel, first, fetch, step);
          break;
        case 11:
          panel_group<11, 1>(p, panel, first, fetch, step);
          break;
        default:
          panel_group<12, 1>(p, panel, first, fetch, step);
          break;
      }
    }
  }
}

// Scores of kHeads heads with the keys of kPages pages.
template <size_t kHeads, size_t kPages>
MOLGEN3D_INLINE void page_scores(const Attention<BFloat16>& a, size_t head, size_t token) {
  const BFloat16* keys[kPages];
  __m512 sum[kPages][kHeads][2];
  MOLGEN3D_UNROLL
  for (size_t p = 0; p < kPages; ++p) {
    keys[p] = a.cache + a.pages[token / kBlock + p] * a.page_stride;
    MOLGEN3D_UNROLL
    for (size_t h = 0; h < kHeads; ++h) sum[p][h][0] = sum[p][h][1] = _mm512_setzero_ps();
  }
  for (size_t i = 0; i < a.dim / 2; i += 2) {
    MOLGEN3D_UNROLL
    for (size_t half = 0; half < 2; ++half) {
      __m512bh k[kPages];
      MOLGEN3D_UNROLL
      for (size_t p = 0; p < kPages; ++p) k[p] = load(keys[p] + (i + half) * 2 * kBlock);
      MOLGEN3D_UNROLL
      for (size_t h = 0; h < kHeads; ++h) {
        const __m512bh q = broadcast_pair(a.query + (head + h) * a.dim + 2 * (i + half));
        MOLGEN3D_UNROLL
        for (size_t p = 0; p < kPages; ++p) {
          sum[p][h][half] = _mm512_dpbf16_ps(sum[p][h][half], q, k[p]);
        }
      }
    }
  }
  MOLGEN3D_UNROLL
  for (size_t p = 0; p < kPages; ++p) {
    MOLGEN3D_UNROLL
    for (size_t h = 0; h < kHeads; ++h) {
      _mm512_storeu_ps(a.scores + (head + h) * a.stride + token + p * kBlock,
                       _mm512_add_ps(sum[p][h][0], sum[p][h][1]));
    }
  }
}

// One layer's values of a page lie behind its keys; while the keys are read, fetch the values.
MOLGEN3D_INLINE void fetch_values(const Attention<BFloat16>& a, size_t token) {
  const char* values = reinterpret_cast<const char*>(
      a.cache + a.pages[token / kBlock] * a.page_stride + kBlock * a.dim);
  for (size_t byte = 0; byte < kBlock * a.dim * sizeof(BFloat16); byte += 64) {
    _mm_prefetch(values + byte, _MM_HINT_T1);
  }
}

template <size_t kHeads, size_t kPages>
void head_scores(const Attention<BFloat16>& a, size_t head) {
  size_t token = 0;
  for (; token + (kPages - 1) * kBlock < a.length; token += kPages * kBlock) {
    if (head == 0) {
      MOLGEN3D_UNROLL
      for (size_t p = 0; p < kPages; ++p) fetch_values(a, token + p * kBlock);
    }
    page_scores<kHeads, kPages>(a, head, token);
  }
  for (; token < a.length; token += kBlock) page_scores<kHeads, 1>(a, head, token);
}

template <size_t kHeads, size_t kVectors>
MOLGEN3D_INLINE void weighted_values(const Attention<BFloat16>& a, size_t head, size_t lane) {
  __m512 sum[kHeads][kVectors];
  MOLGEN3D_UNROLL
  for (size_t h = 0; h < kHeads; ++h) {
    MOLGEN3D_UNROLL
    for (size_t v = 0; v < kVectors; ++v) sum[h][v] = _mm512_setzero_ps();
  }
  for (size_t token = 0; token < a.length; token += kBlock) {
    const BFloat16* values =
        a.cache + a.pages[token / kBlock] * a.page_stride + kBlock * a.dim + 2 * lane;
    const size_t left = a.length - token;
    const size_t pairs = left < kBlock ? (left + 1) / 2 : kBlock / 2;
    for (size_t i = 0; i < pairs; ++i) {
      __m512bh w[kHeads];
      MOLGEN3D_UNROLL
      for (size_t h = 0; h < kHeads; ++h) {
        w[h] = broadcast_pair(a.weights + (head + h) * a.stride + token + 2 * i);
      }
      MOLGEN3D_UNROLL
      for (size_t v = 0; v < kVectors; ++v) {
        const __m512bh value = load(values + 2 * (i * a.dim + v * kBlock));
        MOLGEN3D_UNROLL
        for (size_t h = 0; h < kHeads; ++h) sum[h][v] = _mm512_dpbf16_ps(sum[h][v], w[h], value);
      }
    }
  }
  MOLGEN3D_UNROLL
  for (size_t h = 0; h < kHeads; ++h) {
    const __m512 scale = _mm512_set1_ps(a.inverse_sums[head + h]);
    MOLGEN3D_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      _mm256_storeu_si256(
          reinterpret_cast<__m256i*>(a.out + (head + h) * a.dim + lane + v * kBlock),
          (__m256i)_mm512_cvtneps_pbh(_mm512_mul_ps(sum[h][v], scale)));
    }
  }
}

template <size_t kHeads>
void head_values(const Attention<BFloat16>& a, size_t head) {
  size_t lane = 0;
  if (kHeads <= 2) {
    for (; lane + 8 * kBlock <= a.dim; lane += 8 * kBlock)
      weighted_values<kHeads, 8>(a, head, lane);
  }
  for (; lane + 4 * kBlock <= a.dim; lane += 4 * kBlock) weighted_values<kHeads, 4>(a, head, lane);
  for (; lane < a.dim; lane += kBlock) weighted_values<kHeads, 1>(a, head, lane);
}

}  // namespace

void product(const Product<BFloat16>& p) {
  switch (p.rows) {
    case 0:
      return;
    case 1:
      return few_rows<1, 1>(p);
    case 2:
      return few_rows<2, 2>(p);
    case 3:
      return few_rows<3, 2>(p);
    case 4:
      return few_rows<4, 2>(p);
    case 5:
      return few_rows<5, 2>(p);
    case 6:
      return few_rows<6, 2>(p);
    default:
      return many_rows(p);
  }
}

void scores(const Attention<BFloat16>& a) {
  size_t head = 0;
  for (; head + 4 <= a.group; head += 4) head_scores<4, 1>(a, head);
  switch (a.group - head) {
    case 3:
      return head_scores<3, 2>(a, head);
    case 2:
      return head_scores<2, 2>(a, head);
    case 1:
      return head_scores<1, 4>(a, head);
    default:
      return;
  }
}

void values(const Attention<BFloat16>& a) {
  size_t head = 0;
  for (; head + 4 <= a.group; head += 4) head_values<4>(a, head);
  switch (a.group - head) {
    case 3:
      return head_values<3>(a, head);
    case 2:
      return head_values<2>(a, head);
    case 1:
      return head_values<1>(a, head);
    default:
      return;
  }
}

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

}  // namespace molgen3d::cpu::avx512_bf16

#else

namespace molgen3d::cpu::avx512_bf16 {

bool supported() {
  return false;
}
void product(const Product<BFloat16>&) {}
void scores(const Attention<BFloat16>&) {}
void values(const Attention<BFloat16>&) {}

}  // namespace molgen3d::cpu::avx512_bf16

#endif
