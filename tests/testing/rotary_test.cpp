#include "engine/rotary.h"

#include <gtest/gtest.h>

#include <cmath>
#include <numbers>

#include "engine/tiny_model.h"
#include "testing/reference_operations.h"

namespace molgen3d::test {
namespace {

ModelConfig llama(int head_dim) {
  ModelConfig config = tiny_config(ModelConfig::Architecture::kLlama, head_dim, 1);
  config.rope_theta = 500000;
  config.rope_scaling = Llama3RopeScaling{8, 1, 4, 8192};
  return config;
}

TEST(Rotary, FrequenciesOfLlama3) {
  ModelConfig config = llama(64);
  const auto scaled = rotary_inverse_frequencies(config);
  config.rope_scaling.reset();
  const auto plain = rotary_inverse_frequencies(config);
  EXPECT_EQ(scaled.front(), plain.front()) << "short wavelengths stay";
  EXPECT_DOUBLE_EQ(scaled.back(), plain.back() / 8) << "long ones are stretched";
  EXPECT_NEAR(plain[1], std::pow(500000.0, -2.0 / 64), 1e-15);
}

// The oracle does not share the product's function: two ways to the same figures.
TEST(Rotary, TheOracleAgrees) {
  for (const int head_dim : {64, 128}) {
    for (const bool scaled : {false, true}) {
      ModelConfig config = llama(head_dim);
      if (!scaled) config.rope_scaling.reset();
      const auto product = rotary_inverse_frequencies(config);
      const ReferenceOperations reference(*random_checkpoint(config, 1, DataType::kFloat32), 1);
      const auto oracle = reference.rotary_frequencies();
      ASSERT_EQ(oracle.size(), product.size());
      size_t between = 0;
      for (size_t i = 0; i < product.size(); ++i) {
        EXPECT_NEAR(oracle[i], product[i], 1e-12 * product[i]) << i;
        const double turns =
            8192 * std::pow(500000.0, -2.0 * i / head_dim) / (2 * std::numbers::pi);
        between += turns > 1 && turns < 4;
      }
      EXPECT_GT(between, 0U) << "the smooth part is among them";
    }
  }
}

}  // namespace
}  // namespace molgen3d::test
