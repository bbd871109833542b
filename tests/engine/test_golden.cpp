#include "engine/golden.h"
#include "testing/reference_backend.h"

namespace molgen3d::test {
namespace {

class Golden : public testing::TestWithParam<std::string> {};

TEST_P(Golden, ReferenceLogitsAreThoseOfTransformers) {
  check_golden_logits(
      GetParam(),
      [](const auto& checkpoint, size_t pages) {
        return std::make_unique<ReferenceOperations>(*checkpoint, pages);
      },
      1e-5);
}

TEST_P(Golden, GreedyAnswersAreThoseOfTransformers) {
  check_golden_greedy(GetParam(), make_reference_backend);
}

INSTANTIATE_TEST_SUITE_P(All, Golden, testing::ValuesIn(golden_cases()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace molgen3d::test
