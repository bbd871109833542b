// The CPU operations against the double-precision reference and transformers, and the promise that
// a row's bits depend on nothing around it.
#include "engine/cpu/cpu_operations.h"

#include <bit>
#include <filesystem>

#include "base/error.h"
#include "engine/engine.h"
#include "engine/golden.h"
#include "testing/checkpoint_writer.h"

namespace molgen3d::test {
namespace {

auto maker(DataType compute, size_t threads = 1, bool portable = false) {
  return [=](const std::shared_ptr<const Checkpoint>& checkpoint, size_t pages) {
    CpuOptions options;
    options.compute = compute;
    options.pages = pages;
    options.threads = threads;
    options.portable = portable;
    options.poison_cache = true;
    return make_cpu_operations(*checkpoint, options);
  };
}

class CpuOperationsTest : public testing::TestWithParam<OperationsCase> {};

TEST_P(CpuOperationsTest, EqualTheReference) {
  check_operations(GetParam(), maker(GetParam().type));
}

TEST_P(CpuOperationsTest, PortableKernelsEqualTheReference) {
  check_operations(GetParam(), maker(GetParam().type, 2, true));
}

TEST_P(CpuOperationsTest, RowsDoNotDependOnThePass) {
  for (const bool portable : {false, true}) {
    check_row_independence(GetParam(), maker(GetParam().type, 2, portable));
  }
}

INSTANTIATE_TEST_SUITE_P(All, CpuOperationsTest, testing::ValuesIn(operations_cases()), case_name);

// One sequence alone against the same one in a batch of 2..33, with 1 and with 2 threads: equal
// bits, keys and values in different pages. A prompt that almost fills a page, then three steps.
TEST(CpuOperations, SameBitsForAnyBatchAndAnyThreads) {
  for (const DataType type : {DataType::kBFloat16, DataType::kFloat32}) {
    for (const bool portable : {false, true}) {
      if (portable && type == DataType::kFloat32) continue;  // the same kernels
      const auto checkpoint = tiny_model(ModelConfig::Architecture::kQwen3, 64, 3, type);
      const int vocabulary = checkpoint->config().vocabulary;
      constexpr uint32_t kPages = 2;
      std::vector<float> expected;
      for (uint32_t batch = 1; batch <= 33; ++batch) {
        const auto operations = maker(type, 1 + batch % 2, portable)(checkpoint, batch * kPages);
        std::vector<std::vector<uint32_t>> pages(batch);
        for (uint32_t s = 0; s < batch; ++s) pages[s] = {batch * kPages - 1 - s, s};
        const uint32_t ours = batch / 2;
        std::vector<float> logits;
        uint32_t position = 0;
        for (const uint32_t count : {15U, 1U, 1U, 1U}) {
          std::vector<TokenId> tokens = random_prompt(batch + position, batch * count, vocabulary);
          std::vector<PassSequence> sequences;
          for (uint32_t s = 0; s < batch; ++s) {
            sequences.push_back({s * count, count, position, pages[s]});
          }
          for (uint32_t i = 0; i < count; ++i) {
            tokens[ours * count + i] = static_cast<TokenId>(7 * (position + i) + 3) % vocabulary;
          }
          run_layers(*operations, {tokens, sequences});
          std::vector<float> row(static_cast<size_t>(vocabulary));
          operations->output(std::vector<uint32_t>{(ours + 1) * count - 1}, {}, row);
          logits.insert(logits.end(), row.begin(), row.end());
          position += count;
        }
        if (batch == 1) expected = logits;
        ASSERT_EQ(logits, expected) << "batch " << batch << " portable " << portable;
      }
    }
  }
}

TEST(CpuOperations, GatheredColumnsHaveTheBitsOfAllColumns) {
  const auto checkpoint = tiny_model(ModelConfig::Architecture::kLlama, 64, 2, DataType::kBFloat16);
  const auto operations = maker(DataType::kBFloat16, 2)(checkpoint, 4);
  const size_t vocabulary = static_cast<size_t>(checkpoint->config().vocabulary);
  const std::vector<TokenId> tokens = random_prompt(3, 40, checkpoint->config().vocabulary);
  const std::vector<uint32_t> pages = {3, 0, 1};
  const PassSequence sequence{0, 40, 0, pages};
  run_layers(*operations, {tokens, {&sequence, 1}});
  std::vector<uint32_t> rows;
  for (uint32_t r = 0; r < 40; r += 2) rows.push_back(r);
  std::vector<float> all(rows.size() * vocabulary);
  operations->output(rows, {}, all);
  for (const auto& ids : {std::vector<TokenId>{130, 5, 7}, std::vector<TokenId>{0, 1, 64, 99}}) {
    std::vector<float> some(rows.size() * ids.size());
    operations->output(rows, ids, some);
    for (size_t r = 0; r < rows.size(); ++r) {
      for (size_t c = 0; c < ids.size(); ++c) {
        EXPECT_EQ(some[r * ids.size() + c], all[r * vocabulary + static_cast<size_t>(ids[c])]);
      }
    }
  }
}

// Leaving rows out of the last layer changes no bit of the others, nor of what later passes read.
TEST(CpuOperations, RowsThatNobodyWantsAreLeftOut) {
  for (const DataType type : {DataType::kBFloat16, DataType::kFloat32}) {
    const auto checkpoint = tiny_model(ModelConfig::Architecture::kQwen3, 64, 2, type);
    const size_t vocabulary = static_cast<size_t>(checkpoint->config().vocabulary);
    const auto whole = maker(type, 2)(checkpoint, 12);
    const auto part = maker(type, 2)(checkpoint, 12);
    const std::vector<std::vector<uint32_t>> pages = {{3, 0, 1}, {11, 5}, {2, 7, 9, 4}};
    std::vector<uint32_t> cached(3, 0);
    const std::vector<std::vector<uint32_t>> plan = {{33, 2, 40}, {1, 5, 1}, {4, 1, 7}, {1, 1, 1}};
    const std::vector<std::vector<uint32_t>> wanted_rows = {
        {0, 1, 2, 3, 20, 31, 32, 34, 50, 73, 74}, {0, 5}, {}, {0, 1, 2}};
    for (size_t step = 0; step < plan.size(); ++step) {
      std::vector<PassSequence> sequences;
      uint32_t total = 0;
      for (size_t s = 0; s < 3; ++s) {
        sequences.push_back({total, plan[step][s], cached[s], pages[s]});
        total += plan[step][s];
        cached[s] += plan[step][s];
      }
      const std::vector<TokenId> tokens =
          random_prompt(step, total, checkpoint->config().vocabulary);
      const std::vector<uint32_t>& wanted = wanted_rows[step];
      run_layers(*whole, {tokens, sequences});
      run_layers(*part, {tokens, sequences}, wanted);
      if (wanted.empty()) continue;
      std::vector<float> expected(wanted.size() * vocabulary), logits(expected.size());
      whole->output(wanted, {}, expected);
      part->output(wanted, {}, logits);
      ASSERT_EQ(logits, expected) << "step " << step;
    }
  }
}

TEST(CpuOperations, ReadsOfUnwrittenCacheShow) {
  for (const DataType type : {DataType::kBFloat16, DataType::kFloat32}) {
    const auto checkpoint = tiny_model(ModelConfig::Architecture::kQwen3, 64, 2, type);
    const auto operations = maker(type)(checkpoint, 2);
    const std::vector<TokenId> tokens = {1, 2, 3};
    const std::vector<uint32_t> pages = {0, 1};
    const PassSequence sequence{0, 3, 5, pages};  // positions 0..4 were never computed
    run_layers(*operations, {tokens, {&sequence, 1}});
    std::vector<float> logits(static_cast<size_t>(checkpoint->config().vocabulary));
    operations->output(std::vector<uint32_t>{2}, {}, logits);
    EXPECT_TRUE(std::isnan(logits[0]));
  }
}

// All weights finite and as large as they can be: activations overflow, and whatever that makes of
// the logits (NaN, infinities, equal zeros), no answer may come out.
TEST(CpuOperations, WeightsThatOverflowFailEverySample) {
  const auto small = tiny_model();
  for (const float sign : {1.0F, -1.0F}) {
    const std::vector<float> value{sign * std::bit_cast<float>(0x7F7F0000U)};  // largest bf16
    std::vector<NamedTensor> tensors;
    std::vector<std::vector<float>> storage;
    for (const std::string& name : small->tensor_names()) {
      TensorView view = small->tensor(name);
      storage.emplace_back(view.elements(), value[0]);
      view.bytes = std::as_bytes(std::span(storage.back()));
      tensors.push_back({name, view});
    }
    const auto folder = std::filesystem::temp_directory_path() / "molgen3d_maximal_weights";
    std::filesystem::remove_all(folder);
    write_checkpoint(folder, small->config(), std::vector<int32_t>{TinyTemplate::kEnd}, tensors);
    const auto checkpoint = Checkpoint::open(folder);
    for (const DataType compute : {DataType::kFloat32, DataType::kBFloat16}) {
      BackendOptions options{
          .slots = 4, .kv_tokens = 1024, .end_of_sequence = {TinyTemplate::kEnd}};
      options.compute = compute;
      Engine engine(make_cpu_backend(checkpoint, options), checkpoint->config(), {.seed = 2});
      for (uint32_t i = 0; i < 4; ++i) {
        Request request;
        request.tag = i;
        request.prompt = random_prompt(i, 5, checkpoint->config().vocabulary);
        request.max_new_tokens = 10;
        if (i % 2 == 0) request.constraint = std::make_shared<TinyTemplate>(3, 4);
        engine.submit(std::move(request));
      }
      size_t failed = 0;
      while (engine.step([&](Completion&& c) {
        failed += c.reason == FinishReason::kFailed;
        EXPECT_NE(c.error.find("not finite"), std::string::npos) << c.error;
      })) {
      }
      EXPECT_EQ(failed, 4U);
    }
    std::filesystem::remove_all(folder);
  }
}

TEST(CpuOperations, RefusesHeadsThatTheKernelsDoNotCover) {
  const auto checkpoint = tiny_model(ModelConfig::Architecture::kQwen3, 24, 2);
  EXPECT_THROW(maker(DataType::kFloat32)(checkpoint, 2), Error);
}

class CpuGolden : public testing::TestWithParam<std::string> {};

TEST_P(CpuGolden, Float32LogitsAreThoseOfTransformers) {
  check_golden_logits(GetParam(), maker(DataType::kFloat32, 2), 1e-4);
}
TEST_P(CpuGolden, GreedyAnswersAreThoseOfTransformers) {
  check_golden_greedy(GetParam(), make_cpu_backend);
}

INSTANTIATE_TEST_SUITE_P(All, CpuGolden, testing::ValuesIn(golden_cases()),
                         [](const auto& info) { return info.param; });

// Where the weights are stored in bf16, so that only the arithmetic differs.
class CpuGoldenBFloat16 : public testing::TestWithParam<std::string> {};

TEST_P(CpuGoldenBFloat16, LogitsAreNearThoseOfTransformers) {
  check_golden_logits(GetParam(), maker(DataType::kBFloat16, 2), 2e-2);
  check_golden_logits(GetParam(), maker(DataType::kBFloat16, 2, true), 2e-2);
}

std::vector<std::string> bfloat16_cases() {
  std::vector<std::string> cases = golden_cases();
  std::erase_if(cases, [](const std::string& name) { return !name.ends_with("_bf16"); });
  return cases;
}
INSTANTIATE_TEST_SUITE_P(All, CpuGoldenBFloat16, testing::ValuesIn(bfloat16_cases()),
                         [](const auto& info) { return info.param; });

}  // namespace
}  // namespace molgen3d::test
