// The oracle itself: its structure against a second way to compute the same, its numbers against
// logits written by Hugging Face transformers (tests/golden/logits).
#include <gtest/gtest.h>

#include "engine/operations_check.h"

namespace molgen3d::test {
namespace {

class ReferenceCases : public testing::TestWithParam<OperationsCase> {};

TEST_P(ReferenceCases, RowsDoNotDependOnThePass) {
  check_row_independence(GetParam(), [](const auto& checkpoint, size_t pages) {
    return std::make_unique<ReferenceOperations>(*checkpoint, pages);
  });
}

INSTANTIATE_TEST_SUITE_P(All, ReferenceCases, testing::ValuesIn(operations_cases()), case_name);

// The check must be able to fail: a reference with one weight type less precise is off by more than
// the fp32 tolerance and less than the bf16 one.
TEST(OperationsCheck, SeesTheRoundingOfWeights) {
  const auto exact = tiny_model(ModelConfig::Architecture::kQwen3, 64, 2, DataType::kFloat32);
  const auto rounded = tiny_model(ModelConfig::Architecture::kQwen3, 64, 2, DataType::kBFloat16);
  const std::vector<TokenId> prompt = random_prompt(1, 20, exact->config().vocabulary);
  const std::vector<uint32_t> pages = {0, 1};
  const PassSequence sequence{0, 20, 0, pages};
  std::vector<float> logits[2];
  for (int i = 0; i < 2; ++i) {
    ReferenceOperations reference(i == 0 ? *exact : *rounded, 2);
    run_layers(reference, {prompt, {&sequence, 1}});
    logits[i].resize(static_cast<size_t>(exact->config().vocabulary));
    reference.output(std::vector<uint32_t>{19}, {}, logits[i]);
  }
  EXPECT_GT(relative_l2(logits[1], logits[0]), 1e-4);
  EXPECT_LT(relative_l2(logits[1], logits[0]), 1e-2);
}

TEST(Reference, UnwrittenCacheIsPoisoned) {
  const auto checkpoint = tiny_model();
  ReferenceOperations reference(*checkpoint, 2);
  const std::vector<TokenId> tokens = {1, 2, 3};
  const std::vector<uint32_t> pages = {0, 1};
  const PassSequence sequence{0, 3, 5, pages};  // positions 0..4 were never computed
  run_layers(reference, {tokens, {&sequence, 1}});
  std::vector<float> logits(static_cast<size_t>(checkpoint->config().vocabulary));
  reference.output(std::vector<uint32_t>{2}, {}, logits);
  EXPECT_TRUE(std::isnan(logits[0]));
}

}  // namespace
}  // namespace molgen3d::test
