// The inner loops of the CPU backend, chosen once per process for the instruction set at hand.
// kernels.cpp holds them for every target of Highway; kernels_avx512_bf16.cpp replaces three of
// them where the processor multiplies bf16 pairs itself (VDPBF16PS; Highway 1.0.3 does not expose
// it).
//
// Order of additions: every output element is one chain (attention scores: two) over its inner
// index, whatever the number of rows, panels or threads, so that a row never depends on the others.
#pragma once

#include <cstddef>
#include <cstdint>

namespace molgen3d::cpu {

using BFloat16 = uint16_t;  ///< bits; the high half of a float

/// Columns of a weight panel.
inline constexpr size_t kPanel = 32;
/// Tokens of a key-value page (engine/backend.h asserts equality).
inline constexpr size_t kBlock = 16;

/// out [rows, panels * kPanel] = x [rows, inner] times `panels` panels, each
///   bf16:  [inner / 2][kPanel][2]  (pairs along the inner index)
///   fp32:  [inner][kPanel]
/// `inner` is even. Strides in elements.
template <typename T>
struct Product {
  const T* x;
  size_t x_stride, rows, inner;
  const T* weights;
  size_t panels;
  float* out;
  size_t out_stride;
};

/// The query heads of one row that share a key-value head. A page's block for that head holds
///   bf16:  keys [dim / 2][kBlock][2], values [kBlock / 2][dim][2]
///   fp32:  keys [dim][kBlock],        values [kBlock][dim]
template <typename T>
struct Attention {
  const T* cache;      ///< of this layer and head, page 0
  size_t page_stride;  ///< elements from page to page
  const uint32_t* pages;
  size_t length;      ///< tokens to attend to, > 0
  size_t group, dim;  ///< dim a multiple of 16
  const T* query;     ///< [group, dim]
  float* scores;      ///< [group, stride], stride a multiple of 32 and at least length
  T* weights;         ///< [group, stride], zero from length to the page's end
  size_t stride;
  const float* inverse_sums;  ///< [group]
  T* out;                     ///< [group, dim]
};

template <typename T>
struct Kernels {
  void (*product)(const Product<T>&);
  /// y = round(round(x / rms(x)) * weight); the rows are zero between n and `padded`, a multiple
  /// of kPanel.
  void (*rms_norm)(const T* x, const T* weight, float eps, size_t n, size_t padded, T* y);
  /// One query or key head: v rounded, RMSNorm (weight null: none), rotated by the position whose
  /// cosines and sines [dim / 2] are given, rounded. v is overwritten.
  void (*finish_head)(float* v, const T* weight, float eps, const float* cosines,
                      const float* sines, size_t dim, T* out);
  /// x = round(x + round(v)), n values.
  void (*add)(const float* v, size_t n, T* x);
  /// y = round(round(silu(round(gate))) * round(up)), kPanel values.
  void (*gate)(const float* gate, const float* up, T* y);
  /// y = round(v), n values.
  void (*round)(const float* v, size_t n, T* y);
  /// scores = query times keys, for whole pages.
  void (*scores)(const Attention<T>&);
  /// weights = round(exp(scale * (scores - max))), zero from length to padded (a multiple of
  /// kBlock); returns their sum. A NaN score gives a NaN sum.
  float (*softmax)(float* scores, size_t length, size_t padded, float scale, T* weights);
  /// out = round(weights times values, times inverse_sums).
  void (*values)(const Attention<T>&);
};

/// `portable`: without the bf16 dot product, as on processors that lack it (for tests).
const Kernels<BFloat16>& bfloat16_kernels(bool portable = false);
const Kernels<float>& float_kernels();
/// Whether bfloat16_kernels() uses the processor's bf16 dot product.
bool have_bfloat16_dot();
/// Name of Highway's target in use, e.g. "AVX3".
const char* kernel_target();

namespace avx512_bf16 {  // kernels_avx512_bf16.cpp; call only when supported()
bool supported();
void product(const Product<BFloat16>&);
void scores(const Attention<BFloat16>&);
void values(const Attention<BFloat16>&);
}  // namespace avx512_bf16

}  // namespace molgen3d::cpu
