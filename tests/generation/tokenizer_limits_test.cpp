// A text that a tokenizer cannot write is a failure of its own samples; one that cannot write
// coordinates at all is refused when the model is loaded.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "generation/conformer.h"
#include "generation/generator.h"
#include "generation/prompt_stream.h"

namespace molgen3d {
namespace {

namespace fs = std::filesystem;
using Json = nlohmann::json;

/// The shipped checkpoint, its tokenizer without the tokens that hold `removed`.
class TokenizerLimits : public testing::Test {
 protected:
  TokenizerLimits()
      : folder_(fs::temp_directory_path() /
                (std::string("molgen3d_limits_") +
                 testing::UnitTest::GetInstance()->current_test_info()->name())) {
    fs::remove_all(folder_);
    fs::create_directories(folder_);
    const fs::path shipped = fs::canonical(find_model("qwen3-conformer"));
    for (const auto& file : fs::directory_iterator(shipped)) {
      fs::create_symlink(file.path(), folder_ / file.path().filename());
    }
  }
  ~TokenizerLimits() override { fs::remove_all(folder_); }

  std::shared_ptr<const Model> without(const std::string& removed) const {
    Json json = Json::parse(std::ifstream(folder_ / "tokenizer.json"));
    Json& model = json["model"];
    Json kept = Json::object(), merges = Json::array();
    for (const auto& [token, id] : model["vocab"].items()) {
      if (token.find(removed) == std::string::npos) kept[token] = id;
    }
    for (const Json& merge : model["merges"]) {
      if (merge.dump().find(removed) == std::string::npos) merges.push_back(merge);
    }
    model["vocab"] = kept;
    model["merges"] = merges;
    fs::remove(folder_ / "tokenizer.json");
    std::ofstream(folder_ / "tokenizer.json") << json.dump();
    return load_model(folder_);
  }

  fs::path folder_;
};

TEST_F(TokenizerLimits, AMoleculeThatCannotBeWrittenFailsByItself) {
  const auto model = without("#");
  BackendOptions backend;
  backend.slots = 4;
  backend.end_of_sequence = model->end_of_sequence;
  GenerationOptions options;
  options.sampling.greedy = true;
  options.samples = 2;
  Generator generator(model, make_cpu_backend(model->checkpoint, backend), options);
  const std::vector<std::string> smiles = {"CCO", "CC#N", "CC"};
  size_t next = 0;
  GenerationCallbacks callbacks;
  callbacks.next = [&]() -> std::optional<Prompt> {
    if (next == smiles.size()) return std::nullopt;
    InputRecord record;
    record.index = next;
    record.smiles = record.text = smiles[next++];
    return make_prompt(record, "test", {});
  };
  std::vector<std::pair<uint64_t, Conformer>> found;
  callbacks.deliver = [&](std::span<const Sample> samples) {
    for (const Sample& sample : samples)
      found.emplace_back(sample.prompt->index, read_conformer(*model, sample));
  };
  EXPECT_TRUE(generator.run(callbacks));
  ASSERT_EQ(found.size(), 6U);
  for (size_t i = 0; i < found.size(); ++i) {
    const auto& [molecule, conformer] = found[i];
    EXPECT_EQ(molecule, i / 2);
    EXPECT_EQ(conformer.ok, molecule != 1) << conformer.cause;
    if (molecule == 1) {
      EXPECT_NE(conformer.cause.find("cannot write"), std::string::npos) << conformer.cause;
    }
  }
}

TEST_F(TokenizerLimits, ATokenizerThatCannotWriteCoordinatesIsRefused) {
  try {
    without("-");
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("no token for the single character \"-\""),
              std::string::npos)
        << error.what();
  }
}

}  // namespace
}  // namespace molgen3d
