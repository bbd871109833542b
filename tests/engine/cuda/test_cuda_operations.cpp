// The CUDA operations against the double-precision reference and transformers, and the promise that
// a row's bits depend on nothing around it.
#include "engine/cuda/cuda_backend.h"
#include "engine/cuda/cuda_operations.h"
#include "engine/golden.h"

namespace molgen3d::test {
namespace {

constexpr auto kMake = [](const std::shared_ptr<const Checkpoint>& checkpoint, size_t pages) {
  return make_cuda_operations(checkpoint, pages);
};

#define SKIP_WITHOUT_DEVICE() \
  std::string why_not;        \
  if (!cuda_available(&why_not)) GTEST_SKIP() << why_not

std::vector<OperationsCase> bf16_cases() {
  std::vector<OperationsCase> cases;
  for (const OperationsCase& c : operations_cases()) {
    if (c.type == DataType::kBFloat16) cases.push_back(c);
  }
  return cases;
}

class CudaOperationsTest : public testing::TestWithParam<OperationsCase> {};

TEST_P(CudaOperationsTest, EqualTheReference) {
  SKIP_WITHOUT_DEVICE();
  check_operations(GetParam(), kMake);
}

TEST_P(CudaOperationsTest, RowsDoNotDependOnThePass) {
  SKIP_WITHOUT_DEVICE();
  check_row_independence(GetParam(), kMake);
}

constexpr auto kMakeFp8 = [](const std::shared_ptr<const Checkpoint>& checkpoint, size_t pages) {
  return make_cuda_operations(checkpoint, pages, true);
};

// Keys and values in e4m3 are off by up to 1 / 16 each.
TEST_P(CudaOperationsTest, Fp8CacheIsNearTheReference) {
  SKIP_WITHOUT_DEVICE();
  if (!cuda_fp8_available()) GTEST_SKIP() << "the device has no fp8";
  check_operations(GetParam(), kMakeFp8, 0.06);
}

TEST_P(CudaOperationsTest, Fp8RowsDoNotDependOnThePass) {
  SKIP_WITHOUT_DEVICE();
  if (!cuda_fp8_available()) GTEST_SKIP() << "the device has no fp8";
  check_row_independence(GetParam(), kMakeFp8);
}

INSTANTIATE_TEST_SUITE_P(All, CudaOperationsTest, testing::ValuesIn(bf16_cases()), case_name);

class CudaGoldenTest : public testing::TestWithParam<std::string> {};

// What transformers computes in fp32 arithmetic. Checkpoints stored in fp32 lose their weights'
// last bits here, which a small model shows.
TEST_P(CudaGoldenTest, LogitsOfTransformers) {
  SKIP_WITHOUT_DEVICE();
  check_golden_logits(GetParam(), kMake, GetParam().ends_with("_bf16") ? 0.02 : 0.05);
}

INSTANTIATE_TEST_SUITE_P(All, CudaGoldenTest, testing::ValuesIn(golden_cases()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace molgen3d::test
