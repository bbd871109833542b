// One test body for every Operations: compares it with the double-precision reference on random
// ragged passes (decode steps, forced runs and prompt chunks mixed, pages scattered), looking at
// the residual stream after each half layer where the backend offers it, and at the logits.
#pragma once

#include <gtest/gtest.h>

#include <cmath>
#include <memory>
#include <string>
#include <vector>

#include "engine/backend.h"
#include "engine/operations.h"
#include "engine/tiny_model.h"
#include "testing/reference_operations.h"

namespace molgen3d::test {

/// || a - b || / || b ||, NaN when either holds one.
inline double relative_l2(std::span<const float> a, std::span<const float> b) {
  double difference = 0, norm = 0;
  for (size_t i = 0; i < b.size(); ++i) {
    const double d = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    difference += d * d;
    norm += static_cast<double>(b[i]) * static_cast<double>(b[i]);
  }
  return std::sqrt(difference / norm);
}

struct OperationsCase {
  ModelConfig::Architecture architecture;
  int head_dim, group;
  DataType type;  ///< of the stored weights; the backend under test computes in it too
  double tolerance() const { return type == DataType::kFloat32 ? 1e-5 : 1e-2; }
};

/// All combinations that backends must support.
inline std::vector<OperationsCase> operations_cases() {
  std::vector<OperationsCase> cases;
  for (const auto architecture :
       {ModelConfig::Architecture::kQwen3, ModelConfig::Architecture::kLlama}) {
    for (const int head_dim : {64, 128}) {
      for (const int group : {1, 2, 4}) {
        for (const DataType type : {DataType::kFloat32, DataType::kBFloat16}) {
          cases.push_back({architecture, head_dim, group, type});
        }
      }
    }
  }
  return cases;
}

inline std::string case_name(const testing::TestParamInfo<OperationsCase>& info) {
  const OperationsCase& c = info.param;
  return std::string(c.architecture == ModelConfig::Architecture::kQwen3 ? "Qwen3" : "Llama") +
         "_dim" + std::to_string(c.head_dim) + "_group" + std::to_string(c.group) +
         (c.type == DataType::kFloat32 ? "_fp32" : "_bf16");
}

/// `make(checkpoint, pages)` gives the Operations under test. Its unwritten cache should hold NaN.
/// `tolerance`: relative L2; 0: the case's own.
template <typename Make>
void check_operations(const OperationsCase& c, Make make, double tolerance = 0) {
  constexpr size_t kPages = 48, kSequences = 3;
  const auto checkpoint = tiny_model(c.architecture, c.head_dim, c.group, c.type);
  const ModelConfig& config = checkpoint->config();
  ReferenceOperations reference(*checkpoint, kPages);
  const std::unique_ptr<Operations> tested = make(checkpoint, kPages);

  // Rows that each sequence adds, pass by pass: prompts, chunks and runs across page borders.
  const std::vector<std::vector<uint32_t>> plan = {{37, 0, 5}, {1, 16, 90}, {4, 3, 1},
                                                   {1, 1, 1},  {0, 40, 2},  {17, 1, 33}};
  std::vector<std::vector<uint32_t>> pages(kSequences);
  for (uint32_t page = 0; page < kPages; ++page) pages[(page * 7 + 2) % kSequences].push_back(page);
  std::vector<uint32_t> cached(kSequences, 0);
  const std::vector<TokenId> ids = {1, 5, 17, 64, 129, 130};
  if (tolerance == 0) tolerance = c.tolerance();

  for (size_t step = 0; step < plan.size(); ++step) {
    std::vector<PassSequence> sequences;
    std::vector<uint32_t> rows;
    uint32_t total = 0;
    for (size_t s = 0; s < kSequences; ++s) {
      const uint32_t n = plan[step][s];
      if (n == 0) continue;
      sequences.push_back({total, n, cached[s], pages[s]});
      cached[s] += n;
      total += n;
      rows.push_back(total - 1);
      if (n > 2) rows.push_back(total - 2);
    }
    const std::vector<TokenId> tokens = random_prompt(100 + step, total, config.vocabulary);
    const Pass pass{tokens, sequences};
    const std::string where = "pass " + std::to_string(step);

    std::vector<float> expected(total * static_cast<size_t>(config.hidden));
    std::vector<float> actual(expected.size());
    const auto compare_residual = [&](const std::string& after) {
      reference.read_residual(expected);
      if (tested->read_residual(actual)) {
        EXPECT_LE(relative_l2(actual, expected), tolerance) << where << " after " << after;
      }
    };
    reference.embed(pass);
    tested->embed(pass);
    compare_residual("embed");
    for (int layer = 0; layer < config.layers; ++layer) {
      for (Operations* operations : {static_cast<Operations*>(&reference), tested.get()}) {
        operations->project_and_append(layer);
        operations->attend(layer);
        operations->add_attention_output(layer);
      }
      compare_residual("attention of layer " + std::to_string(layer));
      for (Operations* operations : {static_cast<Operations*>(&reference), tested.get()}) {
        operations->gated_feed_forward(layer);
        operations->add_feed_forward(layer);
      }
      compare_residual("feed-forward of layer " + std::to_string(layer));
    }
    std::vector<float> full;
    for (const bool gathered : {false, true}) {
      const std::span<const TokenId> columns = gathered ? ids : std::span<const TokenId>();
      const size_t width = gathered ? ids.size() : static_cast<size_t>(config.vocabulary);
      std::vector<float> want(rows.size() * width), got(want.size());
      reference.output(rows, columns, want);
      tested->output(rows, columns, got);
      if (gathered) {
        // Few columns may all be near zero, so that the reference says little: the full product's
        // columns, which were compared with it, do.
        for (size_t r = 0; r < rows.size(); ++r) {
          for (size_t c = 0; c < width; ++c) {
            want[r * width + c] =
                full[r * static_cast<size_t>(config.vocabulary) + static_cast<size_t>(ids[c])];
          }
        }
        EXPECT_LE(relative_l2(got, want), 1e-5) << where << " gathered logits";
        continue;
      }
      full = got;
      for (size_t r = 0; r < rows.size(); ++r) {
        EXPECT_LE(relative_l2(std::span(got).subspan(r * width, width),
                              std::span(want).subspan(r * width, width)),
                  tolerance)
            << where << " logits of row " << rows[r];
      }
    }
    if (testing::Test::HasFailure()) return;  // later passes build on this one
  }
}

/// A row's logits are the same to the last bit whatever else is in the pass, and however its tokens
/// are cut into passes (whole prompt, forced run, token by token), when `exact_cuts` says so.
template <typename Make>
void check_row_independence(const OperationsCase& c, Make make, bool exact_cuts = true) {
  const auto checkpoint = tiny_model(c.architecture, c.head_dim, c.group, c.type);
  const ModelConfig& config = checkpoint->config();
  const std::vector<TokenId> prompt = random_prompt(7, 45, config.vocabulary);
  const std::vector<TokenId> other = random_prompt(8, 33, config.vocabulary);
  const std::vector<uint32_t> pages = {5, 0, 2}, other_pages = {4, 1, 3};
  const auto logits_of = [&](Operations& ops, uint32_t row) {
    std::vector<float> logits(static_cast<size_t>(config.vocabulary));
    ops.output(std::vector<uint32_t>{row}, {}, logits);
    return logits;
  };

  const auto alone = make(checkpoint, 6);
  {
    const PassSequence sequence{0, 45, 0, pages};
    run_layers(*alone, {prompt, {&sequence, 1}});
  }
  const std::vector<float> expected = logits_of(*alone, 44);

  const auto mixed = make(checkpoint, 6);
  {
    std::vector<TokenId> tokens = other;
    tokens.insert(tokens.end(), prompt.begin(), prompt.end());
    const std::vector<PassSequence> sequences = {{0, 33, 0, other_pages}, {33, 45, 0, pages}};
    run_layers(*mixed, {tokens, sequences});
  }
  EXPECT_EQ(logits_of(*mixed, 77), expected) << "beside another sequence";

  const auto cut = make(checkpoint, 6);
  uint32_t done = 0, last = 0;
  for (const uint32_t rows : {20U, 1U, 2U, 8U, 6U, 7U, 1U}) {
    const PassSequence sequence{0, rows, done, pages};
    run_layers(*cut, {std::span(prompt).subspan(done, rows), {&sequence, 1}});
    done += rows;
    last = rows - 1;
  }
  ASSERT_EQ(done, 45U);
  if (exact_cuts) {
    EXPECT_EQ(logits_of(*cut, last), expected) << "cut into passes";
  } else {
    EXPECT_LE(relative_l2(logits_of(*cut, last), expected), c.tolerance()) << "cut into passes";
  }
}

}  // namespace molgen3d::test
