#include "checkpoint/config_reader.h"

#include <gtest/gtest.h>

#include <functional>

#include "checkpoint/test_files.h"

namespace molgen3d {
namespace {

using Json = nlohmann::json;
using Edit = std::function<void(Json&)>;

Json qwen3_v5() {
  return Json::parse(
      R"({"architectures":["Qwen3ForCausalLM"],"model_type":"qwen3","attention_bias":false,
    "dtype":"bfloat16","eos_token_id":151645,"head_dim":128,"hidden_act":"silu","hidden_size":1024,
    "intermediate_size":3072,"max_position_embeddings":40960,"max_window_layers":28,
    "layer_types":["full_attention","full_attention"],
    "num_attention_heads":16,"num_hidden_layers":28,"num_key_value_heads":8,"rms_norm_eps":1e-06,
    "rope_parameters":{"rope_theta":1000000,"rope_type":"default"},"sliding_window":null,
    "tie_word_embeddings":true,"use_sliding_window":false,"vocab_size":151936})");
}

Json llama_v4() {
  return Json::parse(
      R"({"architectures":["LlamaForCausalLM"],"model_type":"llama","attention_bias":false,
    "torch_dtype":"float32","eos_token_id":[7,8],"hidden_act":"silu","hidden_size":2048,
    "intermediate_size":8192,"max_position_embeddings":131072,"mlp_bias":false,
    "num_attention_heads":32,"num_hidden_layers":16,"num_key_value_heads":8,"rms_norm_eps":1e-05,
    "rope_theta":500000.0,"rope_scaling":{"factor":32.0,"low_freq_factor":1.0,"high_freq_factor":4.0,
    "original_max_position_embeddings":8192,"rope_type":"llama3"},"vocab_size":128256})");
}

ConfigFile accepted(const Json& json) {
  Problems problems;
  const ConfigFile file = read_config(json, "config.json", problems);
  EXPECT_TRUE(problems.empty()) << problems.front();
  return file;
}

std::string refusal(Json json, const Edit& edit) {
  edit(json);
  Problems problems;
  read_config(json, "config.json", problems);
  std::string all;
  for (const std::string& problem : problems) all += problem + "\n";
  EXPECT_FALSE(problems.empty()) << json.dump();
  return all;
}

TEST(ConfigReader, Version5Spelling) {
  const ConfigFile file = accepted(qwen3_v5());
  EXPECT_EQ(file.model.architecture, ModelConfig::Architecture::kQwen3);
  EXPECT_EQ(file.model.head_dim, 128);  // not 1024 / 16
  EXPECT_EQ(file.model.kv_heads, 8);
  EXPECT_EQ(file.model.rope_theta, 1e6);
  EXPECT_EQ(file.model.rms_norm_eps, 1e-6F);
  EXPECT_TRUE(file.model.tied_embeddings);
  EXPECT_EQ(file.model.data_type, DataType::kBFloat16);
  EXPECT_EQ(file.end_of_sequence, std::vector<int32_t>{151645});
  EXPECT_FALSE(file.model.rope_scaling);
}

TEST(ConfigReader, Version4Spelling) {
  const ConfigFile file = accepted(llama_v4());
  EXPECT_EQ(file.model.architecture, ModelConfig::Architecture::kLlama);
  EXPECT_EQ(file.model.head_dim, 64);
  EXPECT_EQ(file.model.rope_theta, 5e5);
  EXPECT_EQ(file.model.data_type, DataType::kFloat32);
  EXPECT_FALSE(file.model.tied_embeddings);
  EXPECT_EQ(file.end_of_sequence, (std::vector<int32_t>{7, 8}));
  ASSERT_TRUE(file.model.rope_scaling);
  EXPECT_EQ(file.model.rope_scaling->factor, 32);
  EXPECT_EQ(file.model.rope_scaling->original_max_positions, 8192);
}

TEST(ConfigReader, BothSpellingsGiveTheSameModel) {
  Json json = llama_v4();
  json["rope_parameters"] = json["rope_scaling"];
  json["rope_parameters"]["rope_theta"] = json["rope_theta"];
  json["dtype"] = json["torch_dtype"];
  for (const char* key : {"rope_scaling", "rope_theta", "torch_dtype"}) json.erase(key);
  const ModelConfig v5 = accepted(json).model;
  EXPECT_EQ(v5.rope_theta, 5e5);
  EXPECT_EQ(v5.rope_scaling->factor, 32);
  EXPECT_EQ(v5.data_type, DataType::kFloat32);
  json = llama_v4();
  json["rope_scaling"].erase("rope_type");
  json["rope_scaling"]["type"] = "llama3";  // the spelling before rope_type
  EXPECT_EQ(accepted(json).model.rope_scaling->low_frequency_factor, 1);
}

TEST(ConfigReader, Defaults) {
  Json json = llama_v4();
  for (const char* key : {"num_key_value_heads", "rope_theta", "rope_scaling", "rms_norm_eps",
                          "max_position_embeddings", "hidden_act", "torch_dtype", "eos_token_id"}) {
    json.erase(key);
  }
  const ConfigFile file = accepted(json);
  EXPECT_EQ(file.model.kv_heads, 32);
  EXPECT_EQ(file.model.rope_theta, 10000);
  EXPECT_EQ(file.model.rms_norm_eps, 1e-6F);
  EXPECT_EQ(file.model.max_positions, 2048);
  EXPECT_TRUE(file.end_of_sequence.empty());

  json = qwen3_v5();
  json.erase("head_dim");
  json.erase("num_key_value_heads");
  EXPECT_EQ(accepted(json).model.head_dim, 128);
  EXPECT_EQ(accepted(json).model.kv_heads, 16);
  json["head_dim"] = nullptr;
  EXPECT_EQ(accepted(json).model.head_dim, 64);
  json = llama_v4();
  json["head_dim"] = nullptr;
  json["num_key_value_heads"] = nullptr;
  json["eos_token_id"] = nullptr;
  EXPECT_EQ(accepted(json).model.head_dim, 64);
  EXPECT_EQ(accepted(json).model.kv_heads, 32);
}

TEST(ConfigReader, ArchitectureFromModelType) {
  Json json = qwen3_v5();
  json.erase("architectures");
  EXPECT_EQ(accepted(json).model.architecture, ModelConfig::Architecture::kQwen3);
  EXPECT_CONTAINS(refusal(json, [](Json& j) { j["model_type"] = "mistral"; }), "only Qwen3");
  EXPECT_CONTAINS(refusal(json, [](Json& j) { j.erase("model_type"); }), "only Qwen3");
  EXPECT_CONTAINS(refusal(qwen3_v5(), [](Json& j) { j["architectures"] = {"Qwen2ForCausalLM"}; }),
                  "Qwen2ForCausalLM");
}

TEST(ConfigReader, RefusesWhatWouldChangeTheLogits) {
  const auto llama = [](const Edit& edit) { return refusal(llama_v4(), edit); };
  const auto qwen = [](const Edit& edit) { return refusal(qwen3_v5(), edit); };
  EXPECT_CONTAINS(llama([](Json& j) { j["attention_bias"] = true; }),
                  "attention_bias \"true\": biases");
  EXPECT_CONTAINS(llama([](Json& j) { j["mlp_bias"] = true; }), "mlp_bias");
  EXPECT_CONTAINS(llama([](Json& j) { j["hidden_act"] = "gelu"; }), "only silu");
  EXPECT_CONTAINS(llama([](Json& j) { j["quantization_config"] = Json::object(); }), "quantized");
  EXPECT_CONTAINS(llama([](Json& j) { j["partial_rotary_factor"] = 0.5; }), "partial rotary");
  EXPECT_CONTAINS(llama([](Json& j) { j["sliding_window"] = 4096; }), "sliding-window");
  EXPECT_CONTAINS(llama([](Json& j) { j["rope_scaling"]["rope_type"] = "yarn"; }),
                  "unknown rope type");
  EXPECT_CONTAINS(qwen([](Json& j) { j["rope_parameters"]["rope_type"] = "dynamic"; }),
                  "rope_parameters: rope_type \"dynamic\"");
  EXPECT_CONTAINS(qwen([](Json& j) { j["layer_types"][1] = "sliding_attention"; }), "layer_types");
  EXPECT_CONTAINS(qwen([](Json& j) {
                    j.erase("layer_types");
                    j["use_sliding_window"] = true;
                    j["sliding_window"] = 4096;
                    j["max_window_layers"] = 20;
                  }),
                  "sliding-window");
  EXPECT_CONTAINS(qwen([](Json& j) { j["dtype"] = "float8_e4m3fn"; }), "supported: float32");
  EXPECT_CONTAINS(qwen([](Json& j) { j["rope_theta"] = 10000; }), "contradicts");
  EXPECT_CONTAINS(qwen([](Json& j) { j["rope_parameters"].erase("rope_theta"); }),
                  "rope_theta is missing");
}

TEST(ConfigReader, AcceptsASlidingWindowThatIsOff) {
  Json json = qwen3_v5();
  json.erase("layer_types");
  json["sliding_window"] = 4096;
  accepted(json);
  json["use_sliding_window"] = true;  // from layer 28 of 28 on
  accepted(json);
}

TEST(ConfigReader, RefusesBadShapes) {
  const auto llama = [](const Edit& edit) { return refusal(llama_v4(), edit); };
  for (const char* key : {"hidden_size", "intermediate_size", "num_hidden_layers",
                          "num_attention_heads", "vocab_size"}) {
    EXPECT_CONTAINS(llama([&](Json& j) { j.erase(key); }), std::string(key) + " is missing");
    for (const Json& bad :
         {Json(0), Json(-1), Json("12"), Json(1.5), Json(true), Json(1ULL << 63)}) {
      EXPECT_CONTAINS(llama([&](Json& j) { j[key] = bad; }), std::string(key) + " ");
    }
  }
  EXPECT_CONTAINS(llama([](Json& j) { j["num_key_value_heads"] = 5; }), "must divide");
  EXPECT_CONTAINS(llama([](Json& j) { j["num_attention_heads"] = 24; }), "no multiple");
  EXPECT_CONTAINS(llama([](Json& j) { j["head_dim"] = 63; }), "odd");
  EXPECT_CONTAINS(llama([](Json& j) { j["tie_word_embeddings"] = 1; }), "true or false");
  EXPECT_CONTAINS(llama([](Json& j) { j["rms_norm_eps"] = -1; }), "must be a number");
  EXPECT_CONTAINS(llama([](Json& j) { j["eos_token_id"] = 128256; }), "eos_token_id");
  EXPECT_CONTAINS(llama([](Json& j) { j["eos_token_id"] = {7, -1}; }), "eos_token_id");
  EXPECT_CONTAINS(llama([](Json& j) { j["rope_scaling"].erase("factor"); }), "factor is missing");
  EXPECT_CONTAINS(llama([](Json& j) { j["rope_scaling"]["high_freq_factor"] = 1.0; }),
                  "must be above");
  EXPECT_CONTAINS(llama([](Json& j) { j["rope_scaling"] = 2; }), "must be an object");
}

TEST(ConfigReader, ReportsEveryProblem) {
  Json json = llama_v4();
  json["attention_bias"] = true;
  json["hidden_act"] = "relu";
  json.erase("vocab_size");
  Problems problems;
  read_config(json, "config.json", problems);
  EXPECT_GE(problems.size(), 3U);
  for (const std::string& problem : problems)
    EXPECT_EQ(problem.rfind("config.json: ", 0), 0U) << problem;
}

TEST(ModelConfig, CountsParameters) {
  Json json = qwen3_v5();
  const ModelConfig config = accepted(json).model;
  EXPECT_EQ(config.layer_parameters(), 440'467'456U);
  EXPECT_EQ(config.output_parameters(), 155'582'464U);
  EXPECT_EQ(config.total_parameters(), 596'049'920U);  // as published for Qwen3-0.6B
  EXPECT_EQ(config.kv_elements_per_token() * 2, 114'688U);
}

}  // namespace
}  // namespace molgen3d
