#include "checkpoint/model_report.h"

#include <gtest/gtest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "checkpoint/shipped_models.h"
#include "checkpoint/test_files.h"
#include "testing/random_weights.h"

namespace molgen3d {
namespace {

std::string all_problems(const ModelReport& report) {
  std::string text;
  for (const std::string& problem : report.problems) text += problem + "\n";
  return text;
}

TEST(ModelReport, DescribesAShippedModel) {
  const auto path = shipped_model("qwen3-conformer");
  const ModelReport report = describe_checkpoint(path);
  EXPECT_TRUE(report.usable()) << all_problems(report);
  EXPECT_EQ(report.tokenizer_ids, 466U);
  EXPECT_EQ(report.weight_file_bytes, std::filesystem::file_size(path / "model.safetensors"));
  const std::string text = to_text(report);
  EXPECT_CONTAINS(text, "Qwen3ForCausalLM");
  EXPECT_CONTAINS(text, "15919232 (31838464 bytes)");
  EXPECT_CONTAINS(text, "5120 bytes per token in bfloat16");
  EXPECT_CONTAINS(text, "6 rows of the embedding belong to no token");
  EXPECT_CONTAINS(text, "temperature 0.7, top_p 1 (used by --sampling checkpoint)");
  const auto json = nlohmann::json::parse(to_json(report));
  EXPECT_EQ(json["parameters"]["total"], 15919232);
  EXPECT_EQ(json["kv_bytes_per_token"]["bfloat16"], 5120);
  EXPECT_EQ(json["number_format"]["trailing_zeros"], "strip");
  EXPECT_EQ(json["usable"], true);
  EXPECT_EQ(json["head_dim"], 64);
}

TEST(ModelReport, CollectsEveryProblem) {
  const TemporaryDirectory directory;
  const auto& path = directory.path();
  const auto random = random_checkpoint(tiny_shape(ModelConfig::Architecture::kLlama, false), 1,
                                        DataType::kFloat32);
  auto tensors = tensors_of(*random);
  std::erase_if(tensors, [](const auto& item) { return item.name == "model.norm.weight"; });
  std::vector<float> bad(20 * 16, 0.5F);
  bad[3] = std::numeric_limits<float>::infinity();
  for (NamedTensor& item : tensors) {
    if (item.name == "lm_head.weight") item.tensor.bytes = std::as_bytes(std::span(bad));
  }
  write_checkpoint(path, random->config(), std::vector<int32_t>{19}, tensors);
  write_file(path / "conformer_format.json", R"({"decimals":9})");
  write_file(path / "generation_config.json", R"({"eos_token_id":18,"top_p":7})");
  write_file(path / "tokenizer.json",
             R"({"model":{"vocab":{"a":0,"b":1}},"added_tokens":[{"id":20,"content":"x"}]})");
  const ModelReport report = describe_checkpoint(path);
  const std::string problems = all_problems(report);
  EXPECT_CONTAINS(problems, "decimals \"9\"");
  EXPECT_CONTAINS(problems, "top_p \"7\"");
  EXPECT_CONTAINS(problems, "1 missing tensor: model.norm.weight");
  EXPECT_CONTAINS(problems, "token ids up to 20, but vocab_size is 20");
  EXPECT_CONTAINS(problems, "tensor lm_head.weight holds a NaN or an infinity (element 3)");
  EXPECT_EQ(report.problems.size(), 5U) << problems;
  EXPECT_CONTAINS(to_text(report), "no, 5 problems");
  EXPECT_EQ(nlohmann::json::parse(to_json(report))["problems"].size(), 5U);
}

TEST(ModelReport, TokenizerProblems) {
  const TemporaryDirectory directory;
  const auto& path = directory.path();
  write_checkpoint(path, *random_checkpoint(tiny_shape(ModelConfig::Architecture::kQwen3, true), 1,
                                            DataType::kFloat16));
  EXPECT_CONTAINS(all_problems(describe_checkpoint(path)), "tokenizer.json: missing");
  for (const char* broken :
       {"{}", "{\"model\":3}", "{\"model\":{\"vocab\":[]}}", "nonsense",
        "{\"model\":{\"vocab\":{\"a\":-1}}}", "{\"model\":{\"vocab\":{\"a\":\"b\"}}}"}) {
    write_file(path / "tokenizer.json", broken);
    EXPECT_EQ(describe_checkpoint(path).problems.size(), 1U) << broken;
  }
  write_file(path / "tokenizer.json", R"({"model":{"vocab":{"a":0,"b":18}}})");
  EXPECT_CONTAINS(all_problems(describe_checkpoint(path)), "end-of-sequence id 19 is no token");
  write_file(path / "tokenizer.json", R"({"model":{"vocab":{"a":0,"b":19}}})");
  EXPECT_TRUE(describe_checkpoint(path).usable());
}

TEST(ModelReport, SurvivesAnything) {
  EXPECT_EQ(describe_checkpoint("/nonexistent/model").problems.size(), 1U);
  const TemporaryDirectory directory;
  const ModelReport report = describe_checkpoint(directory.path());
  EXPECT_EQ(report.problems.size(), 3U) << all_problems(report);
  EXPECT_FALSE(to_text(report).empty());
  EXPECT_FALSE(nlohmann::json::parse(to_json(report))["usable"]);
}

}  // namespace
}  // namespace molgen3d
