#include "testing/random_weights.h"

#include <gtest/gtest.h>

#include <bit>
#include <cmath>
#include <cstring>

#include "checkpoint/checkpoint.h"
#include "checkpoint/test_files.h"
#include "testing/model_shapes.h"

namespace molgen3d {
namespace {

const float* floats(const TensorView& view) {
  return reinterpret_cast<const float*>(view.bytes.data());
}

float from_bfloat16(uint16_t bits) {
  return std::bit_cast<float>(uint32_t{bits} << 16);
}

TEST(RandomWeights, AreBellShapedWithDeviation002) {
  ModelConfig config = tiny_shape(ModelConfig::Architecture::kQwen3, true);
  config.vocabulary = 20000;
  const auto checkpoint = random_checkpoint(config, 5, DataType::kFloat32);
  const TensorView view = checkpoint->tensor("model.embed_tokens.weight");
  const size_t count = view.elements();
  ASSERT_EQ(count, 320000U);
  double sum = 0, square = 0, within = 0, neighbours = 0;
  for (size_t i = 0; i < count; ++i) {
    const double x = floats(view)[i];
    sum += x;
    square += x * x;
    within += std::abs(x) < 0.02;
    if (i > 0) neighbours += x * floats(view)[i - 1];
  }
  const double n = static_cast<double>(count);
  EXPECT_NEAR(sum / n, 0, 5 * 0.02 / std::sqrt(n));
  EXPECT_NEAR(std::sqrt(square / n), 0.02, 0.02 * 5 / std::sqrt(2 * n));
  // P(|x| < sigma) of the sum of four uniforms: 0.6743.
  EXPECT_NEAR(within / n, 0.6743, 0.005);
  EXPECT_NEAR(neighbours / n, 0, 5 * 0.0004 / std::sqrt(n));
  const TensorView norm = checkpoint->tensor("model.layers.1.self_attn.q_norm.weight");
  for (size_t i = 0; i < norm.elements(); ++i) EXPECT_EQ(floats(norm)[i], 1.0F);
}

TEST(RandomWeights, SameSeedSameBytesAndTypesAgree) {
  const ModelConfig config = tiny_shape(ModelConfig::Architecture::kLlama, false);
  const auto full = random_checkpoint(config, 1, DataType::kFloat32);
  const auto again = random_checkpoint(config, 1, DataType::kFloat32);
  const auto other = random_checkpoint(config, 2, DataType::kFloat32);
  const auto brain = random_checkpoint(config, 1, DataType::kBFloat16);
  const auto half = random_checkpoint(config, 1, DataType::kFloat16);
  EXPECT_EQ(brain->config().data_type, DataType::kBFloat16);
  for (const std::string& name : full->tensor_names()) {
    const TensorView a = full->tensor(name), b = again->tensor(name), c = other->tensor(name);
    EXPECT_EQ(std::memcmp(a.bytes.data(), b.bytes.data(), a.bytes.size()), 0);
    if (a.shape.size() == 2) {
      EXPECT_NE(std::memcmp(a.bytes.data(), c.bytes.data(), a.bytes.size()), 0);
    }
    const auto* const brain_bits =
        reinterpret_cast<const uint16_t*>(brain->tensor(name).bytes.data());
    const auto* const half_bits =
        reinterpret_cast<const uint16_t*>(half->tensor(name).bytes.data());
    ASSERT_EQ(brain->tensor(name).elements(), a.elements());
    for (size_t i = 0; i < a.elements(); ++i) {
      EXPECT_EQ(brain_bits[i], to_bfloat16(floats(a)[i]));
      EXPECT_EQ(half_bits[i], to_float16(floats(a)[i]));
    }
  }
  EXPECT_NE(std::memcmp(full->tensor("lm_head.weight").bytes.data(),
                        full->tensor("model.embed_tokens.weight").bytes.data(), 64),
            0);
}

TEST(RandomWeights, ConversionsRoundToNearestEven) {
  EXPECT_EQ(to_bfloat16(1.0F), 0x3F80);
  EXPECT_EQ(to_bfloat16(-0.0F), 0x8000);
  EXPECT_EQ(to_bfloat16(std::bit_cast<float>(0x3F808000U)), 0x3F80);  // tie to even
  EXPECT_EQ(to_bfloat16(std::bit_cast<float>(0x3F818000U)), 0x3F82);
  EXPECT_EQ(to_bfloat16(std::bit_cast<float>(0x3F808001U)), 0x3F81);
  EXPECT_EQ(from_bfloat16(to_bfloat16(0.15625F)), 0.15625F);
#ifdef __FLT16_MANT_DIG__
  // The compiler's own half precision is the reference, over all exponents.
  uint64_t state = 1;
  for (int i = 0; i < 2'000'000; ++i) {
    state = state * 6364136223846793005ULL + 1442695040888963407ULL;
    const float x = std::bit_cast<float>(static_cast<uint32_t>(state >> 32));
    if (std::isnan(x)) continue;
    ASSERT_EQ(to_float16(x), std::bit_cast<uint16_t>(static_cast<_Float16>(x))) << x;
  }
#endif
  EXPECT_EQ(to_float16(65519.0F), 0x7BFF);
  EXPECT_EQ(to_float16(65520.0F), 0x7C00);
  EXPECT_EQ(to_float16(std::ldexp(1.0F, -24)), 0x0001);
  EXPECT_EQ(to_float16(std::ldexp(1.0F, -25)), 0x0000);  // tie to even
}

TEST(ModelShapes, HaveThePublishedSizes) {
  EXPECT_EQ(model_shape("qwen3-0.6b")->total_parameters(), 596'049'920U);
  EXPECT_NEAR(static_cast<double>(model_shape("llama-380m")->total_parameters()), 380e6, 6e6);
  EXPECT_FALSE(model_shape("gpt-2"));
}

}  // namespace
}  // namespace molgen3d
