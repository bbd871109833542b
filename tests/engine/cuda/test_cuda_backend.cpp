// The decoding loop on the device with the default model: the same tokens whatever the batch, the
// cuts, the sharing of prompts and the options; every ending.
#include <cmath>
#include <filesystem>

#include "base/error.h"
#include "checkpoint/shipped_models.h"
#include "constraint/compiler.h"
#include "engine/cuda/cuda_backend.h"
#include "engine/engine.h"
#include "engine/tiny_model.h"
#include "geometry/token_text.h"
#include "gtest/gtest.h"
#include "text/tags.h"
#include "text/template.h"
#include "tokenizer/tokenizer.h"

namespace molgen3d::test {
namespace {

const std::vector<std::string> kMolecules = {"CC(=O)Oc1ccccc1C(=O)O",
                                             "CCO",
                                             "C[C@@H](N)C(=O)O",
                                             "c1ccc2[nH]ccc2c1",
                                             "O=C(NCc1ccccn1)C1CCCC1",
                                             "N#Cc1ccc(Cl)cc1",
                                             "C",
                                             "CC(C)Cn1cnc2c1c(=O)[nH]c(=O)n2C"};

class CudaBackendTest : public testing::Test {
 protected:
  void SetUp() override {
    std::string why_not;
    if (!cuda_available(&why_not)) GTEST_SKIP() << why_not;
    const std::string directory = shipped_model("qwen3-conformer").string();
    ASSERT_TRUE(std::filesystem::exists(directory)) << directory << " is absent";
    checkpoint_ = Checkpoint::open(directory);
    tokenizer_ = Tokenizer::from_file(directory + "/tokenizer.json");
    end_ = checkpoint_->generation().end_of_sequence.front();
    compiler_ = std::make_unique<TemplateCompiler>(tokenizer_, checkpoint_->format().numbers, end_);
  }

  struct Options {
    uint32_t slots = 8;
    uint32_t samples = 3;
    bool constrained = true, merge = true, gather = true, share = true, audit = false;
    bool cpu = false;
    uint32_t max_new_tokens = 0;
    size_t kv_tokens = 0;
    int micro_batches = 0;
    std::optional<uint32_t> drafts;
  };
  /// Tokens by [molecule x samples + sample].
  std::vector<Completion> run(const Options& o) {
    BackendOptions backend;
    backend.slots = o.slots;
    backend.kv_tokens = o.kv_tokens != 0 ? o.kv_tokens : o.slots * size_t{1024};
    backend.merge_forced_runs = o.merge;
    backend.gather_output = o.gather;
    backend.audit = o.audit;
    backend.micro_batches = o.micro_batches;
    backend.drafts = o.drafts;
    backend.texts = std::make_shared<const geometry::TokenTexts>(
        geometry::token_texts(*tokenizer_, checkpoint_->format().numbers));
    backend.end_of_sequence = {end_};
    EngineOptions options;
    options.seed = 5;
    options.share_prompt = o.share;
    Engine engine(
        o.cpu ? make_cpu_backend(checkpoint_, backend) : make_cuda_backend(checkpoint_, backend),
        checkpoint_->config(), options);
    for (size_t i = 0; i < kMolecules.size(); ++i) {
      Request request;
      request.item = request.tag = i;
      request.samples = o.samples;
      request.prompt = tokenizer_->encode(prompt_text(kMolecules[i]));
      request.max_new_tokens = o.max_new_tokens;
      if (o.constrained) request.constraint = compiler_->compile(literals_of_smiles(kMolecules[i]));
      engine.submit(std::move(request));
    }
    std::vector<Completion> answers(kMolecules.size() * o.samples);
    while (engine.step([&](Completion&& c) {
      const size_t at = c.tag * o.samples + c.sample;
      answers[at] = std::move(c);
    })) {
    }
    return answers;
  }
  static std::vector<std::vector<TokenId>> tokens(const std::vector<Completion>& answers) {
    std::vector<std::vector<TokenId>> out;
    for (const Completion& c : answers) {
      EXPECT_EQ(c.error, "");
      out.push_back(c.tokens);
    }
    return out;
  }

  std::shared_ptr<const Checkpoint> checkpoint_;
  std::shared_ptr<const Tokenizer> tokenizer_;
  TokenId end_ = -1;
  std::unique_ptr<TemplateCompiler> compiler_;
};

TEST_F(CudaBackendTest, TokensDependOnNothingButTheRequest) {
  const auto expected = tokens(run({}));
  Options o;
  o.slots = 1;
  EXPECT_EQ(tokens(run(o)), expected) << "batch 1";
  o.slots = 24;
  EXPECT_EQ(tokens(run(o)), expected) << "batch 24";
  o.micro_batches = 2;
  EXPECT_EQ(tokens(run(o)), expected) << "batch 24 in two micro-batches";
  o.slots = 5;
  EXPECT_EQ(tokens(run(o)), expected) << "batch 5 in two micro-batches";
  o = {};
  o.merge = false;
  EXPECT_EQ(tokens(run(o)), expected) << "one forced token a pass";
  o = {};
  o.gather = false;
  EXPECT_EQ(tokens(run(o)), expected) << "whole output matrix";
  o = {};
  o.share = false;
  EXPECT_EQ(tokens(run(o)), expected) << "no shared prompt pages";
  o = {};
  o.slots = 3;
  o.kv_tokens = 2048;  // admission waits for pages
  EXPECT_EQ(tokens(run(o)), expected) << "little cache";
}

TEST_F(CudaBackendTest, DraftsChangeNothingButThePasses) {
  Options o;
  o.drafts = 0;
  const std::vector<Completion> off = run(o);
  for (const uint32_t drafts : {1U, 2U, 3U, 5U, 7U, 8U}) {
    for (const uint32_t slots : {1U, 7U, 24U}) {
      o.drafts = drafts;
      o.slots = slots;
      const std::vector<Completion> drafted = run(o);
      EXPECT_EQ(tokens(drafted), tokens(off)) << drafts << " drafts, batch " << slots;
      uint64_t before = 0, after = 0;
      for (size_t i = 0; i < off.size(); ++i) {
        EXPECT_EQ(drafted[i].sampled_tokens, off[i].sampled_tokens);
        EXPECT_EQ(drafted[i].forced_tokens, off[i].forced_tokens);
        EXPECT_EQ(drafted[i].masked_log_probability, off[i].masked_log_probability);
        before += off[i].passes;
        after += drafted[i].passes;
      }
      EXPECT_LT(10 * after, 8 * before) << drafts << " drafts, batch " << slots;
    }
  }
}

TEST_F(CudaBackendTest, CountsAndEndings) {
  Options plain;
  plain.drafts = 0;
  for (const Completion& c : run(plain)) {
    EXPECT_EQ(c.reason, FinishReason::kEndOfSequence);
    EXPECT_EQ(c.tokens.back(), end_);
    EXPECT_EQ(c.sampled_tokens + c.forced_tokens, c.tokens.size());
    EXPECT_LE(c.passes, c.tokens.size());
    EXPECT_GE(c.passes, c.sampled_tokens - 1);
    EXPECT_LT(c.masked_log_probability, 0);
  }
  Options o;
  o.max_new_tokens = 11;
  o.constrained = false;
  for (const Completion& c : run(o)) {
    EXPECT_EQ(c.reason, FinishReason::kLength);
    EXPECT_EQ(c.tokens.size(), 11U);
    EXPECT_EQ(c.forced_tokens, 0U);
  }
}

TEST_F(CudaBackendTest, ValidFreeAnswersAreReproduced) {
  Options o;
  o.constrained = false;
  o.max_new_tokens = 900;
  const std::vector<Completion> free_run = run(o), constrained = run({});
  size_t same = 0;
  for (size_t i = 0; i < free_run.size(); ++i) same += free_run[i].tokens == constrained[i].tokens;
  EXPECT_GE(same, free_run.size() / 2);  // nine in ten free answers of this model are valid
}

TEST_F(CudaBackendTest, AuditChangesNoToken) {
  Options o;
  o.audit = true;
  const std::vector<Completion> plain = run({}), audited = run(o);
  EXPECT_EQ(tokens(audited), tokens(plain));
  for (size_t i = 0; i < plain.size(); ++i) {
    const Completion& c = audited[i];
    ASSERT_EQ(c.audit.size(), c.tokens.size());
    EXPECT_TRUE(std::isnan(plain[i].raw_log_probability));
    EXPECT_EQ(c.forced_tokens, plain[i].forced_tokens);
    EXPECT_NEAR(c.masked_log_probability, plain[i].masked_log_probability, 1e-6);
    // p(token) = p(token among the legal) x p(legal).
    EXPECT_NEAR(c.raw_log_probability, c.masked_log_probability + c.log_kept_mass,
                1e-3 + 1e-5 * std::abs(c.raw_log_probability));
  }
}

// Both in bf16, so their last bits differ: as long as they write the same, they judge alike.
TEST_F(CudaBackendTest, AuditsAsTheCpu) {
  Options o;
  o.audit = true;
  o.samples = 1;
  const std::vector<Completion> device = run(o);
  o.cpu = true;
  const std::vector<Completion> host = run(o);
  size_t compared = 0, same_favourite = 0;
  double difference = 0;
  for (size_t i = 0; i < host.size(); ++i) {
    ASSERT_EQ(host[i].audit.size(), host[i].tokens.size());
    for (size_t t = 0; t < std::min(host[i].audit.size(), device[i].audit.size()); ++t) {
      if (host[i].tokens[t] != device[i].tokens[t]) break;
      const auto &a = device[i].audit[t], &b = host[i].audit[t];
      ++compared;
      same_favourite += a.favourite == b.favourite;
      difference += std::abs(a.kept_mass - b.kept_mass) +
                    std::abs(a.raw_log_probability - b.raw_log_probability);
    }
  }
  ASSERT_GE(compared, 100U);
  EXPECT_GE(static_cast<double>(same_favourite), 0.9 * static_cast<double>(compared));
  EXPECT_LT(difference / static_cast<double>(compared), 0.05);
}

TEST_F(CudaBackendTest, RefusesWhatItCannotDo) {
  BackendOptions options;
  options.compute = DataType::kFloat32;
  EXPECT_THROW(make_cuda_backend(checkpoint_, options), Error);
  options = {};
  options.device = 99;
  EXPECT_THROW(make_cuda_backend(checkpoint_, options), Error);
  options = {};
  options.kv_tokens = 4096;
  const auto backend = make_cuda_backend(checkpoint_, options);
  SequenceStart start;
  const std::vector<TokenId> prompt = {1, 2, 3};
  const std::vector<uint32_t> pages = {0, 1};
  start.prompt = prompt;
  start.pages = pages;
  start.max_new_tokens = 8;
  start.constraint = std::make_shared<TinyTemplate>(2, 3);  // a class without tables for the device
  backend->start(start);
  std::vector<SlotProgress> finished;
  EXPECT_THROW(backend->run(finished, nullptr), Error);
}

}  // namespace
}  // namespace molgen3d::test
