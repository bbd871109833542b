// How a device's memory is divided: needs no device.
#include <gtest/gtest.h>

#include "base/error.h"
#include "engine/cuda/memory_plan.h"
#include "testing/model_shapes.h"

namespace molgen3d::cuda {
namespace {

constexpr size_t kGiB = size_t{1} << 30;

TEST(CudaMemoryPlan, KeepsTheBatchAndFitsTheCache) {
  BackendOptions options;
  options.slots = 256;
  const DevicePlan plan = plan_device(qwen3_06b_shape(), options, 140 * kGiB);
  EXPECT_EQ(plan.memory.slots, 256U);
  EXPECT_LE(plan.memory.total_bytes(), 140 * kGiB);
  EXPECT_EQ(plan.memory.page_bytes, 114688U * kPageTokens);  // 28 layers x 8 heads x 128 x 2 x 2 B
  // 256 x 40,960 positions do not fit: the rest of the memory is cache.
  EXPECT_GT(plan.memory.total_bytes(), 139 * kGiB);
}

TEST(CudaMemoryPlan, AskedTokensAreAllocatedExactly) {
  BackendOptions options;
  options.slots = 32;
  options.kv_tokens = 32 * 704;
  const DevicePlan plan = plan_device(qwen3_06b_shape(), options, 140 * kGiB);
  EXPECT_EQ(plan.memory.slots, 32U);
  EXPECT_EQ(plan.memory.pages, 32U * 44);
  EXPECT_EQ(plan.extent.context, 32 * 704);
}

TEST(CudaMemoryPlan, ShrinksTheBatchWhenMemoryLacks) {
  BackendOptions options;
  options.slots = 1024;
  options.kv_tokens = 1024 * 1024;
  const DevicePlan plan = plan_device(qwen3_06b_shape(), options, 8 * kGiB);
  EXPECT_LT(plan.memory.slots, 1024U);
  EXPECT_GE(plan.memory.slots, 8U);
  EXPECT_LE(plan.memory.total_bytes(), 8 * kGiB);
  EXPECT_GE(plan.memory.pages * kPageTokens, plan.memory.slots * size_t{1024});
}

TEST(CudaMemoryPlan, Fp8PagesHoldBytesAndScales) {
  BackendOptions options;
  options.kv_tokens = 32 * 704;
  options.fp8_cache = true;
  const DevicePlan plan = plan_device(qwen3_06b_shape(), options, 140 * kGiB);
  EXPECT_TRUE(plan.extent.fp8);
  EXPECT_EQ(plan.memory.page_bytes, 28U * 8 * 2 * kPageTokens * (128 + sizeof(float)));
}

TEST(CudaMemoryPlan, AuditKeepsARecordOfEveryToken) {
  BackendOptions options;
  options.kv_tokens = 32 * 704;
  const size_t without = plan_device(qwen3_06b_shape(), options, 140 * kGiB).memory.scratch_bytes;
  options.audit = true;
  const DevicePlan plan = plan_device(qwen3_06b_shape(), options, 140 * kGiB);
  EXPECT_EQ(plan.memory.scratch_bytes - without,
            static_cast<size_t>(plan.extent.context) * plan.memory.slots * sizeof(AuditRecord));
}

TEST(CudaMemoryPlan, LargeBatchesHaveBuffersForTwoMicroBatches) {
  BackendOptions options;
  const auto plan = [&](uint32_t slots, int micro_batches) {
    options.slots = slots;
    options.kv_tokens = slots * size_t{704};
    options.micro_batches = micro_batches;
    return plan_device(qwen3_06b_shape(), options, 140 * kGiB);
  };
  const uint32_t least = static_cast<uint32_t>(kLeastDivided);
  EXPECT_EQ(plan(least - 1, 0).extent.micro_batches, 1);
  EXPECT_EQ(plan(least, 0).extent.micro_batches, 2);
  EXPECT_EQ(plan(least, 1).extent.micro_batches, 1);
  EXPECT_EQ(plan(3, 2).extent.micro_batches, 2);
  EXPECT_EQ(plan(1, 2).extent.micro_batches, 1);
  // The second has half of the sequences, whose logits are the largest part.
  const size_t more = plan(256, 0).memory.scratch_bytes - plan(256, 1).memory.scratch_bytes;
  const size_t logits = size_t{128} * 151936 * sizeof(float);
  EXPECT_GE(more, logits);
  EXPECT_LE(more, 2 * logits);
}

TEST(CudaMemoryPlan, RefusesWhatCannotRun) {
  BackendOptions options;
  EXPECT_THROW(plan_device(qwen3_06b_shape(), options, kGiB), Error);
  ModelConfig odd = qwen3_06b_shape();
  odd.head_dim = 256;
  EXPECT_THROW(plan_device(odd, options, 140 * kGiB), Error);
  odd = qwen3_06b_shape();
  odd.intermediate = 3001;
  EXPECT_THROW(plan_device(odd, options, 140 * kGiB), Error);
}

}  // namespace
}  // namespace molgen3d::cuda
