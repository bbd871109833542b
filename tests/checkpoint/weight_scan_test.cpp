#include "checkpoint/weight_scan.h"

#include <gtest/gtest.h>

#include <bit>
#include <limits>

#include "checkpoint/test_files.h"
#include "testing/random_weights.h"

namespace molgen3d {
namespace {

template <typename T>
TensorView view_of(const std::vector<T>& values, DataType type) {
  return {type, {static_cast<int64_t>(values.size())}, std::as_bytes(std::span(values))};
}

TEST(WeightScan, FindsTheFirstOfEachType) {
  std::vector<float> floats(10000, std::numeric_limits<float>::max());
  floats[3] = -std::numeric_limits<float>::max();
  floats[4] = std::numeric_limits<float>::denorm_min();
  EXPECT_FALSE(first_non_finite(view_of(floats, DataType::kFloat32)));
  for (const size_t index : {0, 4095, 4096, 9999}) {
    for (const float bad :
         {std::numeric_limits<float>::quiet_NaN(), -std::numeric_limits<float>::infinity()}) {
      auto copy = floats;
      copy[index] = bad;
      copy.back() = bad;
      EXPECT_EQ(first_non_finite(view_of(copy, DataType::kFloat32)), index);
    }
  }
  // Every 16-bit pattern alone.
  for (uint32_t bits = 0; bits < 65536; ++bits) {
    const std::vector<uint16_t> one = {static_cast<uint16_t>(bits)};
    EXPECT_EQ(first_non_finite(view_of(one, DataType::kBFloat16)).has_value(),
              (bits & 0x7F80) == 0x7F80);
    EXPECT_EQ(first_non_finite(view_of(one, DataType::kFloat16)).has_value(),
              (bits & 0x7C00) == 0x7C00);
  }
}

TEST(WeightScan, NamesTensorAndElement) {
  const TemporaryDirectory directory;
  const auto random =
      random_checkpoint(tiny_shape(ModelConfig::Architecture::kQwen3, true), 3, DataType::kFloat32);
  EXPECT_FALSE(find_non_finite(*random));
  EXPECT_NO_THROW(require_finite_weights(*random));
  auto tensors = tensors_of(*random);
  std::vector<std::byte> changed;
  for (NamedTensor& item : tensors) {
    if (item.name != "model.layers.1.mlp.up_proj.weight") continue;
    changed.assign(item.tensor.bytes.begin(), item.tensor.bytes.end());
    const float bad = std::numeric_limits<float>::quiet_NaN();
    std::memcpy(changed.data() + 4 * 77, &bad, 4);
    item.tensor.bytes = changed;
  }
  write_checkpoint(directory.path(), random->config(), random->generation().end_of_sequence,
                   tensors);
  const auto checkpoint = Checkpoint::open(directory.path());
  const auto found = find_non_finite(*checkpoint);
  ASSERT_TRUE(found);
  EXPECT_EQ(found->tensor, "model.layers.1.mlp.up_proj.weight");
  EXPECT_EQ(found->index, 77U);
  EXPECT_TRUE(found->is_nan);
  const std::string message = error_of([&] { require_finite_weights(*checkpoint); });
  EXPECT_EQ(message, directory.path().string() +
                         ": tensor model.layers.1.mlp.up_proj.weight holds a NaN (element 77)");
}

}  // namespace
}  // namespace molgen3d
