// The product kernels alone: every number of rows and panels gives the bits of one row and panel.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

#include "engine/cpu/kernels.h"

namespace molgen3d::cpu {
namespace {

float as_float(BFloat16 v) {
  const uint32_t bits = static_cast<uint32_t>(v) << 16;
  float out;
  __builtin_memcpy(&out, &bits, sizeof out);
  return out;
}
float as_float(float v) {
  return v;
}

template <typename T>
void check_product(const Kernels<T>& kernels, size_t inner) {
  constexpr size_t kRows = 40, kPanels = 5;
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  std::vector<T> x(kRows * inner), weights(kPanels * kPanel * inner + 4096);
  for (auto* values : {&x, &weights}) {
    for (size_t i = 0; i + kPanel <= values->size(); i += kPanel) {
      float v[kPanel];
      for (float& value : v) value = normal(random);
      kernels.round(v, kPanel, values->data() + i);
    }
  }
  const auto weight = [&](size_t k, size_t column) {
    const T* panel = weights.data() + column / kPanel * kPanel * inner;
    const size_t lane = column % kPanel;
    return as_float(sizeof(T) == 2 ? panel[(k / 2 * kPanel + lane) * 2 + k % 2]
                                   : panel[k * kPanel + lane]);
  };
  // One row and one panel at a time, which must be close to a sum in double precision.
  constexpr size_t kColumns = kPanels * kPanel;
  std::vector<float> expected(kRows * kColumns);
  for (size_t r = 0; r < kRows; ++r) {
    for (size_t p = 0; p < kPanels; ++p) {
      kernels.product({&x[r * inner], inner, 1, inner, &weights[p * kPanel * inner], 1,
                       &expected[r * kColumns + p * kPanel], kColumns});
    }
    for (size_t c = 0; c < kColumns; ++c) {
      double sum = 0, size = 0;
      for (size_t k = 0; k < inner; ++k) {
        const double term =
            static_cast<double>(as_float(x[r * inner + k])) * static_cast<double>(weight(k, c));
        sum += term;
        size += std::abs(term);
      }
      ASSERT_NEAR(static_cast<double>(expected[r * kColumns + c]), sum, 1e-6 * size);
    }
  }
  for (size_t rows = 1; rows <= kRows; ++rows) {
    for (size_t panels = 1; panels <= kPanels; ++panels) {
      const size_t width = panels * kPanel;
      std::vector<float> out(rows * width);
      kernels.product({x.data(), inner, rows, inner, weights.data(), panels, out.data(), width});
      for (size_t r = 0; r < rows; ++r) {
        for (size_t c = 0; c < width; ++c) {
          ASSERT_EQ(out[r * width + c], expected[r * kColumns + c])
              << rows << " rows, " << panels << " panels, row " << r << " column " << c;
        }
      }
    }
  }
}

TEST(CpuKernels, ProductBFloat16) {
  check_product(bfloat16_kernels(), 96);
}
TEST(CpuKernels, ProductBFloat16Portable) {
  check_product(bfloat16_kernels(true), 96);
}
TEST(CpuKernels, ProductFloat32) {
  check_product(float_kernels(), 96);
}

TEST(CpuKernels, SoftmaxSumsToOneAndKeepsNan) {
  std::vector<float> scores(48), weights(48);
  for (size_t i = 0; i < 48; ++i) scores[i] = static_cast<float>(i % 7) - 3;
  auto work = scores;
  const float sum = float_kernels().softmax(work.data(), 37, 48, 0.5F, weights.data());
  double expected = 0;
  for (size_t i = 0; i < 37; ++i) expected += std::exp(0.5 * (static_cast<double>(scores[i]) - 3));
  EXPECT_NEAR(static_cast<double>(sum), expected, 1e-5 * expected);
  for (size_t i = 37; i < 48; ++i) EXPECT_EQ(weights[i], 0);
  work = scores;
  work[20] = NAN;
  EXPECT_TRUE(std::isnan(float_kernels().softmax(work.data(), 37, 48, 0.5F, weights.data())));
}

// Finite values whose squares overflow must not come out as zeros, which look sound.
template <typename T>
void check_overflow(const Kernels<T>& kernels) {
  constexpr size_t kWidth = 2 * kPanel;
  for (const float large : {1e18F, 3e38F}) {
    const bool overflows = large > 1e19F;
    std::vector<float> values(kWidth, 1.0F), ones(kWidth, 1.0F);
    values[3] = large;
    std::vector<T> x(kWidth), weight(kWidth), y(kWidth);
    kernels.round(values.data(), kWidth, x.data());
    kernels.round(ones.data(), kWidth, weight.data());
    kernels.rms_norm(x.data(), weight.data(), 1e-6F, kWidth, kWidth, y.data());
    for (const T v : y) EXPECT_EQ(std::isnan(as_float(v)), overflows) << large;
    const std::vector<float> cosines(kWidth / 2, 1.0F), sines(kWidth / 2, 0.0F);
    kernels.finish_head(values.data(), weight.data(), 1e-6F, cosines.data(), sines.data(), kWidth,
                        y.data());
    for (const T v : y) EXPECT_EQ(std::isnan(as_float(v)), overflows) << large;
  }
}

TEST(CpuKernels, NormsThatOverflowShow) {
  check_overflow(bfloat16_kernels());
  check_overflow(float_kernels());
}

}  // namespace
}  // namespace molgen3d::cpu
