#include "engine/cpu/kernels.h"

#include <algorithm>
#include <cmath>

#include "engine/cpu/unroll.h"

// Accumulators are arrays of vectors, which sizeless vector types do not allow.
#define HWY_DISABLED_TARGETS (HWY_SVE | HWY_SVE2 | HWY_SVE_256 | HWY_SVE2_128 | HWY_RVV)
#undef HWY_TARGET_INCLUDE
#define HWY_TARGET_INCLUDE "engine/cpu/kernels.cpp"
// foreach_target.h comes first: it includes this file once per target.
// clang-format off
#include "hwy/foreach_target.h"
#include "hwy/highway.h"
#include "hwy/contrib/math/math-inl.h"
// clang-format on

HWY_BEFORE_NAMESPACE();
namespace molgen3d::cpu {
namespace HWY_NAMESPACE {
namespace hn = hwy::HWY_NAMESPACE;

using D = hn::CappedTag<float, 16>;
using D32 = hn::RebindToUnsigned<D>;
using D16 = hn::Rebind<uint16_t, D>;
using V = hn::Vec<D>;
constexpr D d;
constexpr D32 d32;
constexpr D16 d16;
constexpr size_t kLanes = hn::MaxLanes(d);

// Rows of a tile: the accumulators (2 vectors per row), the four halves of two vectors of weights
// and one operand fit the registers.
#if HWY_TARGET == HWY_AVX3 || HWY_TARGET == HWY_AVX3_DL || HWY_TARGET == HWY_NEON
constexpr size_t kTileRows = 12;
#else
constexpr size_t kTileRows = 5;
#endif

// Round to nearest even. NaNs survive: those of bf16 arithmetic have clear low bits or are the
// default NaN.
HWY_INLINE hn::Vec<D32> rounded_bits(V v) {
  const auto bits = hn::BitCast(d32, v);
  const auto odd = hn::And(hn::ShiftRight<16>(bits), hn::Set(d32, 1));
  return hn::Add(bits, hn::Add(odd, hn::Set(d32, 0x7FFF)));
}

HWY_INLINE V rounded(V v, BFloat16 /*type*/) {
  return hn::BitCast(d, hn::And(rounded_bits(v), hn::Set(d32, 0xFFFF0000)));
}
HWY_INLINE V rounded(V v, float /*type*/) {
  return v;
}

HWY_INLINE V load(const BFloat16* p) {
  return hn::BitCast(d, hn::ShiftLeft<16>(hn::PromoteTo(d32, hn::LoadU(d16, p))));
}
HWY_INLINE V load(const float* p) {
  return hn::LoadU(d, p);
}

HWY_INLINE void store(V v, BFloat16* p) {
  const hn::RebindToSigned<D32> di32;
  hn::StoreU(hn::DemoteTo(d16, hn::BitCast(di32, hn::ShiftRight<16>(rounded_bits(v)))), d16, p);
}
HWY_INLINE void store(V v, float* p) {
  hn::StoreU(v, d, p);
}

// Element pair (2i, 2i + 1) of a query or activation, in all lanes.
HWY_INLINE void broadcast_pair(const BFloat16* p, V& even, V& odd) {
  uint32_t pair;
  __builtin_memcpy(&pair, p, sizeof pair);
  const auto bits = hn::Set(d32, pair);
  even = hn::BitCast(d, hn::ShiftLeft<16>(bits));
  odd = hn::BitCast(d, hn::And(bits, hn::Set(d32, 0xFFFF0000)));
}
HWY_INLINE void broadcast_pair(const float* p, V& even, V& odd) {
  even = hn::Set(d, p[0]);
  odd = hn::Set(d, p[1]);
}

// Lanes lane .. lane + kLanes of pair row i, whose length is `width` (see the layouts in
// kernels.h).
HWY_INLINE void load_pair(const BFloat16* p, size_t i, size_t width, size_t lane, V& even, V& odd) {
  const auto bits = hn::LoadU(d32, reinterpret_cast<const uint32_t*>(p + 2 * (i * width + lane)));
  even = hn::BitCast(d, hn::ShiftLeft<16>(bits));
  odd = hn::BitCast(d, hn::And(bits, hn::Set(d32, 0xFFFF0000)));
}
HWY_INLINE void load_pair(const float* p, size_t i, size_t width, size_t lane, V& even, V& odd) {
  even = hn::LoadU(d, p + 2 * i * width + lane);
  odd = hn::LoadU(d, p + (2 * i + 1) * width + lane);
}

template <size_t kRows, typename T>
HWY_INLINE void tile(const T* x, size_t x_stride, size_t inner, const T* weights, size_t lane,
                     float* out, size_t out_stride) {
  V sum0[kRows], sum1[kRows];
  MOLGEN3D_UNROLL
  for (size_t r = 0; r < kRows; ++r) sum0[r] = sum1[r] = hn::Zero(d);
  for (size_t i = 0; i < inner / 2; ++i) {
    V even0, odd0, even1, odd1;
    load_pair(weights, i, kPanel, lane, even0, odd0);
    load_pair(weights, i, kPanel, lane + kLanes, even1, odd1);
    MOLGEN3D_UNROLL
    for (size_t r = 0; r < kRows; ++r) {
      V even, odd;
      broadcast_pair(x + r * x_stride + 2 * i, even, odd);
      sum0[r] = hn::MulAdd(odd, odd0, hn::MulAdd(even, even0, sum0[r]));
      sum1[r] = hn::MulAdd(odd, odd1, hn::MulAdd(even, even1, sum1[r]));
    }
  }
  MOLGEN3D_UNROLL
  for (size_t r = 0; r < kRows; ++r) {
    hn::StoreU(sum0[r], d, out + r * out_stride + lane);
    hn::StoreU(sum1[r], d, out + r * out_stride + lane + kLanes);
  }
}

template <size_t kRows, typename T>
HWY_INLINE void tiles(size_t rows, const T* x, size_t x_stride, size_t inner, const T* weights,
                      size_t lane, float* out, size_t out_stride) {
  if (rows == kRows) return tile<kRows>(x, x_stride, inner, weights, lane, out, out_stride);
  if constexpr (kRows > 1) {
    tiles<kRows - 1>(rows, x, x_stride, inner, weights, lane, out, out_stride);
  }
}

template <typename T>
void product(const Product<T>& p) {
  const size_t blocks = (p.rows + kTileRows - 1) / kTileRows;
  for (size_t panel = 0; panel < p.panels; ++panel) {
    const T* weights = p.weights + panel * p.inner * kPanel;
    for (size_t lane = 0; lane < kPanel; lane += 2 * kLanes) {
      for (size_t b = 0; b < blocks; ++b) {
        const size_t first = b * p.rows / blocks, last = (b + 1) * p.rows / blocks;
        tiles<kTileRows>(last - first, p.x + first * p.x_stride, p.x_stride, p.inner, weights, lane,
                         p.out + first * p.out_stride + panel * kPanel, p.out_stride);
      }
    }
  }
}

// What a mean of squares makes of its row. Where the squares overflow it is NaN, not the 0 that
// would turn the row into a sound-looking one.
HWY_INLINE float norm_factor(float mean) {
  return 1.0F / std::sqrt(mean) + (mean - mean);
}

template <typename T>
void rms_norm(const T* x, const T* weight, float eps, size_t n, size_t padded, T* y) {
  // Four chains: padded rows are a multiple of kPanel = 32 values.
  V sums[4] = {hn::Zero(d), hn::Zero(d), hn::Zero(d), hn::Zero(d)};
  for (size_t i = 0, chain = 0; i < padded; i += kLanes, chain = (chain + 1) % 4) {
    const V v = load(x + i);
    sums[chain] = hn::MulAdd(v, v, sums[chain]);
  }
  const V sum = hn::SumOfLanes(d, hn::Add(hn::Add(sums[0], sums[1]), hn::Add(sums[2], sums[3])));
  const V s = hn::Set(d, norm_factor(hn::GetLane(sum) / static_cast<float>(n) + eps));
  for (size_t i = 0; i < padded; i += kLanes) {
    store(hn::Mul(rounded(hn::Mul(load(x + i), s), T()), load(weight + i)), y + i);
  }
}

template <typename T>
void finish_head(float* v, const T* weight, float eps, const float* cosines, const float* sines,
                 size_t dim, T* out) {
  V sum = hn::Zero(d);
  for (size_t i = 0; i < dim; i += kLanes) {
    const V x = rounded(hn::LoadU(d, v + i), T());
    hn::StoreU(x, d, v + i);
    sum = hn::MulAdd(x, x, sum);
  }
  if (weight != nullptr) {
    const float mean = hn::GetLane(hn::SumOfLanes(d, sum)) / static_cast<float>(dim);
    const V s = hn::Set(d, norm_factor(mean + eps));
    for (size_t i = 0; i < dim; i += kLanes) {
      const V x = rounded(hn::Mul(hn::LoadU(d, v + i), s), T());
      hn::StoreU(rounded(hn::Mul(x, load(weight + i)), T()), d, v + i);
    }
  }
  // Pairs (i, i + half), as Hugging Face's rotate_half; half may be shorter than a vector.
  const size_t half = dim / 2;
  for (size_t i = 0; i < half; ++i) {
    const float a = v[i], b = v[i + half];
    v[i] = a * cosines[i] - b * sines[i];
    v[i + half] = b * cosines[i] + a * sines[i];
  }
  for (size_t i = 0; i < dim; i += kLanes) store(hn::LoadU(d, v + i), out + i);
}

template <typename T>
void add(const float* v, size_t n, T* x) {
  for (size_t i = 0; i < n; i += kLanes) {
    store(hn::Add(load(x + i), rounded(hn::LoadU(d, v + i), T())), x + i);
  }
}

template <typename T>
void gate(const float* gate, const float* up, T* y) {
  const V one = hn::Set(d, 1.0F);
  for (size_t i = 0; i < kPanel; i += kLanes) {
    const V g = rounded(hn::LoadU(d, gate + i), T());
    // silu(g) = g / (1 + exp(-g)); the bound keeps exp finite, NaN passes through the numerator.
    const V e = hn::Exp(d, hn::Min(hn::Neg(g), hn::Set(d, 88.0F)));
    const V silu = rounded(hn::Div(g, hn::Add(one, e)), T());
    store(hn::Mul(silu, rounded(hn::LoadU(d, up + i), T())), y + i);
  }
}

template <typename T>
void round(const float* v, size_t n, T* y) {
  for (size_t i = 0; i < n; i += kLanes) store(hn::LoadU(d, v + i), y + i);
}

template <size_t kHeads, typename T>
HWY_INLINE void page_scores(const Attention<T>& a, size_t head, const T* keys, size_t token) {
  for (size_t lane = 0; lane < kBlock; lane += kLanes) {
    V even_sum[kHeads], odd_sum[kHeads];
    MOLGEN3D_UNROLL
    for (size_t h = 0; h < kHeads; ++h) even_sum[h] = odd_sum[h] = hn::Zero(d);
    for (size_t i = 0; i < a.dim / 2; ++i) {
      V even, odd;
      load_pair(keys, i, kBlock, lane, even, odd);
      MOLGEN3D_UNROLL
      for (size_t h = 0; h < kHeads; ++h) {
        V q_even, q_odd;
        broadcast_pair(a.query + (head + h) * a.dim + 2 * i, q_even, q_odd);
        even_sum[h] = hn::MulAdd(q_even, even, even_sum[h]);
        odd_sum[h] = hn::MulAdd(q_odd, odd, odd_sum[h]);
      }
    }
    MOLGEN3D_UNROLL
    for (size_t h = 0; h < kHeads; ++h) {
      hn::StoreU(hn::Add(even_sum[h], odd_sum[h]), d,
                 a.scores + (head + h) * a.stride + token + lane);
    }
  }
}

template <typename T>
void scores(const Attention<T>& a) {
  for (size_t token = 0; token < a.length; token += kBlock) {
    const T* keys = a.cache + a.pages[token / kBlock] * a.page_stride;
    size_t head = 0;
    for (; head + 4 <= a.group; head += 4) page_scores<4>(a, head, keys, token);
    for (; head + 2 <= a.group; head += 2) page_scores<2>(a, head, keys, token);
    if (head < a.group) page_scores<1>(a, head, keys, token);
  }
}

template <typename T>
float softmax(float* scores, size_t length, size_t padded, float scale, T* weights) {
  std::fill(scores + length, scores + padded, -INFINITY);
  V most = hn::Set(d, -INFINITY);
  for (size_t i = 0; i < padded; i += kLanes) most = hn::Max(most, hn::LoadU(d, scores + i));
  const V top = hn::MaxOfLanes(d, most);
  const V s = hn::Set(d, scale);
  V sum = hn::Zero(d);
  for (size_t i = 0; i < padded; i += kLanes) {
    const V x = hn::Mul(hn::Sub(hn::LoadU(d, scores + i), top), s);
    // Exp() gives 0 for NaN, which would hide it.
    const V w = rounded(hn::IfThenElse(hn::IsNaN(x), x, hn::Exp(d, x)), T());
    store(w, weights + i);
    sum = hn::Add(sum, w);
  }
  return hn::GetLane(hn::SumOfLanes(d, sum));
}

template <size_t kHeads, size_t kVectors, typename T>
HWY_INLINE void weighted_values(const Attention<T>& a, size_t head, size_t lane) {
  V sum[kHeads][kVectors];
  MOLGEN3D_UNROLL
  for (size_t h = 0; h < kHeads; ++h) {
    MOLGEN3D_UNROLL
    for (size_t v = 0; v < kVectors; ++v) sum[h][v] = hn::Zero(d);
  }
  for (size_t token = 0; token < a.length; token += kBlock) {
    const T* values = a.cache + a.pages[token / kBlock] * a.page_stride + kBlock * a.dim;
    const size_t pairs = (std::min(a.length - token, kBlock) + 1) / 2;
    for (size_t i = 0; i < pairs; ++i) {
      V even[kVectors], odd[kVectors];
      MOLGEN3D_UNROLL
      for (size_t v = 0; v < kVectors; ++v) {
        load_pair(values, i, a.dim, lane + v * kLanes, even[v], odd[v]);
      }
      MOLGEN3D_UNROLL
      for (size_t h = 0; h < kHeads; ++h) {
        V w_even, w_odd;
        broadcast_pair(a.weights + (head + h) * a.stride + token + 2 * i, w_even, w_odd);
        MOLGEN3D_UNROLL
        for (size_t v = 0; v < kVectors; ++v) {
          sum[h][v] = hn::MulAdd(w_odd, odd[v], hn::MulAdd(w_even, even[v], sum[h][v]));
        }
      }
    }
  }
  MOLGEN3D_UNROLL
  for (size_t h = 0; h < kHeads; ++h) {
    const V scale = hn::Set(d, a.inverse_sums[head + h]);
    MOLGEN3D_UNROLL
    for (size_t v = 0; v < kVectors; ++v) {
      store(hn::Mul(sum[h][v], scale), a.out + (head + h) * a.dim + lane + v * kLanes);
    }
  }
}

template <size_t kHeads, typename T>
HWY_INLINE void head_values(const Attention<T>& a, size_t head) {
  size_t lane = 0;
  for (; lane + 2 * kLanes <= a.dim; lane += 2 * kLanes) weighted_values<kHeads, 2>(a, head, lane);
  for (; lane < a.dim; lane += kLanes) weighted_values<kHeads, 1>(a, head, lane);
}

template <typename T>
void values(const Attention<T>& a) {
  size_t head = 0;
  for (; head + 4 <= a.group; head += 4) head_values<4>(a, head);
  for (; head + 2 <= a.group; head += 2) head_values<2>(a, head);
  if (head < a.group) head_values<1>(a, head);
}

template <typename T>
Kernels<T> table() {
  return {product<T>, rms_norm<T>, finish_head<T>, add<T>,   gate<T>,
          round<T>,   scores<T>,   softmax<T>,     values<T>};
}

// HWY_EXPORT takes plain functions.
Kernels<BFloat16> bfloat16_table() {
  return table<BFloat16>();
}
Kernels<float> float_table() {
  return table<float>();
}
const char* target_name() {
  return hwy::TargetName(HWY_TARGET);
}

}  // namespace HWY_NAMESPACE
}  // namespace molgen3d::cpu
HWY_AFTER_NAMESPACE();

#if HWY_ONCE
namespace molgen3d::cpu {

HWY_EXPORT(bfloat16_table);
HWY_EXPORT(float_table);
HWY_EXPORT(target_name);

const char* kernel_target() {
  return HWY_DYNAMIC_DISPATCH(target_name)();
}
bool have_bfloat16_dot() {
  return avx512_bf16::supported();
}

const Kernels<BFloat16>& bfloat16_kernels(bool portable) {
  static const Kernels<BFloat16> highway = HWY_DYNAMIC_DISPATCH(bfloat16_table)();
  static const Kernels<BFloat16> best = [] {
    Kernels<BFloat16> kernels = highway;
    if (avx512_bf16::supported()) {
      kernels.product = avx512_bf16::product;
      kernels.scores = avx512_bf16::scores;
      kernels.values = avx512_bf16::values;
    }
    return kernels;
  }();
  return portable ? highway : best;
}

const Kernels<float>& float_kernels() {
  static const Kernels<float> kernels = HWY_DYNAMIC_DISPATCH(float_table)();
  return kernels;
}

}  // namespace molgen3d::cpu
#endif
