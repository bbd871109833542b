// `eos_token_id` as a list: what a model's answers are worth does not depend on what else stands in
// it, nor on the order.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/error.h"
#include "generation/conformer.h"
#include "generation/generator.h"
#include "generation/prompt_stream.h"

namespace molgen3d {
namespace {

namespace fs = std::filesystem;

/// A shipped checkpoint with another generation_config.json.
class EndOfSequenceList : public testing::Test {
 protected:
  EndOfSequenceList()
      : folder_(fs::temp_directory_path() /
                (std::string("molgen3d_end_") +
                 testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    const fs::path shipped = fs::canonical(find_model("qwen3-conformer"));
    for (const char* file :
         {"config.json", "conformer_format.json", "model.safetensors", "tokenizer.json"}) {
      fs::create_symlink(shipped / file, folder_ / file);
    }
  }
  ~EndOfSequenceList() override { fs::remove_all(folder_); }

  std::shared_ptr<const Model> model(const std::string& ids) const {
    std::ofstream(folder_ / "generation_config.json") << R"({"eos_token_id": )" << ids << "}";
    return load_model(folder_);
  }

  static Sample greedy(const std::shared_ptr<const Model>& model, ConstraintRule rule) {
    BackendOptions backend;
    backend.slots = 1;
    backend.compute = DataType::kFloat32;
    backend.audit = true;
    backend.end_of_sequence = model->end_of_sequence;
    GenerationOptions options;
    options.rule = rule;
    options.sampling.greedy = true;
    options.samples = 1;
    Generator generator(model, make_cpu_backend(model->checkpoint, backend), options);
    bool asked = false;
    Sample result;
    GenerationCallbacks callbacks;
    callbacks.next = [&]() -> std::optional<Prompt> {
      if (std::exchange(asked, true)) return std::nullopt;
      InputRecord record;
      record.smiles = record.text = "CCO";
      return make_prompt(record, "test", {});
    };
    callbacks.deliver = [&](std::span<const Sample> samples) { result = samples.back(); };
    EXPECT_TRUE(generator.run(callbacks));
    return result;
  }

  fs::path folder_;
};

// 461 is what this model was trained to end with; 300 and 120 are tokens that it never writes
// there.
TEST_F(EndOfSequenceList, OrderAndOtherIdsDoNotChangeWhatAnAnswerIsWorth) {
  for (const auto rule : {ConstraintRule::kExact, ConstraintRule::kQwen}) {
    const auto alone_model = model("461");
    const Sample alone = greedy(alone_model, rule);
    ASSERT_EQ(alone.completion.reason, FinishReason::kEndOfSequence) << alone.completion.error;
    for (const char* list : {"[300, 461]", "[461, 300]", "[120, 300, 461, 300]"}) {
      const auto listed_model = model(list);
      const Sample listed = greedy(listed_model, rule);
      EXPECT_EQ(listed.completion.reason, FinishReason::kEndOfSequence);
      EXPECT_EQ(listed.completion.tokens, alone.completion.tokens) << list;
      EXPECT_NEAR(listed.completion.raw_log_probability, alone.completion.raw_log_probability, 1e-9)
          << list;
      // More may end the answer, so that more of the model's mass is legal there.
      EXPECT_GE(listed.completion.log_kept_mass, alone.completion.log_kept_mass - 1e-6);
      EXPECT_EQ(answer_text(*listed_model, listed.completion),
                answer_text(*alone_model, alone.completion));
    }
  }
}

TEST_F(EndOfSequenceList, AnIdThatIsNoTokenIsRefused) {
  for (const char* list : {"466", "[461, 466]", "[471]"}) {
    try {
      model(list);
      FAIL() << list;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find("end-of-sequence id"), std::string::npos)
          << error.what();
    }
  }
}

}  // namespace
}  // namespace molgen3d
