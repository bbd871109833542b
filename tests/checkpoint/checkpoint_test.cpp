#include "checkpoint/checkpoint.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <nlohmann/json.hpp>

#include "checkpoint/shipped_models.h"
#include "checkpoint/test_files.h"
#include "testing/random_weights.h"

namespace molgen3d {
namespace {

using Architecture = ModelConfig::Architecture;

/// A good tiny checkpoint on disk whose parts each test replaces.
class CheckpointFiles : public testing::Test {
 protected:
  void SetUp() override { make(Architecture::kQwen3, true); }

  void make(Architecture architecture, bool tied) {
    random_ = random_checkpoint(tiny_shape(architecture, tied), 7, DataType::kBFloat16);
    tensors_ = tensors_of(*random_);
    write();
  }
  void write() { write_checkpoint(path(), random_->config(), std::vector<int32_t>{19}, tensors_); }
  const std::filesystem::path& path() const { return directory_.path(); }
  NamedTensor& tensor(const std::string& name) {
    for (NamedTensor& item : tensors_) {
      if (item.name == name) return item;
    }
    throw Error("test: no tensor " + name);
  }
  void drop(const std::string& name) {
    std::erase_if(tensors_, [&](const NamedTensor& item) { return item.name == name; });
  }
  std::string open_error() {
    return error_of([&] { Checkpoint::open(path()); });
  }
  void edit_config(const std::function<void(nlohmann::json&)>& edit) {
    auto json = nlohmann::json::parse(std::ifstream(path() / "config.json"));
    edit(json);
    write_file(path() / "config.json", json.dump());
  }

  TemporaryDirectory directory_;
  std::shared_ptr<const Checkpoint> random_;
  std::vector<NamedTensor> tensors_;
};

TEST_F(CheckpointFiles, RoundTripOfEveryFamilyAndType) {
  for (const Architecture architecture : {Architecture::kQwen3, Architecture::kLlama}) {
    for (const bool tied : {true, false}) {
      for (const DataType type : {DataType::kFloat32, DataType::kFloat16, DataType::kBFloat16}) {
        ModelConfig config = tiny_shape(architecture, tied);
        if (!tied) config.rope_scaling = Llama3RopeScaling{4, 1, 4, 64};
        const auto random = random_checkpoint(config, 7, type);
        write_checkpoint(path(), *random);
        const auto read = Checkpoint::open(path());
        EXPECT_EQ(read->config().architecture, architecture);
        EXPECT_EQ(read->config().head_dim, 6);
        EXPECT_EQ(read->config().tied_embeddings, tied);
        EXPECT_EQ(read->config().data_type, type);
        EXPECT_EQ(read->config().rope_scaling.has_value(), !tied);
        EXPECT_EQ(read->config().total_parameters(), config.total_parameters());
        EXPECT_EQ(read->directory(), path());
        ASSERT_EQ(read->tensor_names(), random->tensor_names());
        size_t elements = 0;
        for (const std::string& name : read->tensor_names()) {
          const TensorView a = read->tensor(name), b = random->tensor(name);
          EXPECT_EQ(a.shape, b.shape);
          ASSERT_EQ(a.bytes.size(), b.bytes.size());
          EXPECT_EQ(std::memcmp(a.bytes.data(), b.bytes.data(), a.bytes.size()), 0);
          elements += a.elements();
        }
        EXPECT_EQ(elements, config.total_parameters());
        EXPECT_EQ(read->tensor("lm_head.weight").shape, (std::vector<int64_t>{20, 16}));
      }
    }
  }
}

TEST_F(CheckpointFiles, TiedOutputIsTheEmbedding) {
  const auto checkpoint = Checkpoint::open(path());
  EXPECT_EQ(checkpoint->tensor("lm_head.weight").bytes.data(),
            checkpoint->tensor("model.embed_tokens.weight").bytes.data());
  EXPECT_CONTAINS(error_of([&] { checkpoint->tensor("model.layers.2.mlp.up_proj.weight"); }),
                  "no tensor \"model.layers.2.mlp.up_proj.weight\"");
}

TEST_F(CheckpointFiles, TiedWithASecondCopy) {
  tensors_.push_back({"lm_head.weight", tensor("model.embed_tokens.weight").tensor});
  write();
  EXPECT_NO_THROW(Checkpoint::open(path()));
  std::vector<std::byte> other(tensors_.back().tensor.bytes.begin(),
                               tensors_.back().tensor.bytes.end());
  other.back() ^= std::byte{1};
  tensors_.back().tensor.bytes = other;
  write();
  EXPECT_CONTAINS(open_error(), "lm_head.weight differs");
}

TEST_F(CheckpointFiles, UntiedNeedsItsOutputMatrix) {
  edit_config([](auto& json) { json["tie_word_embeddings"] = false; });
  EXPECT_CONTAINS(open_error(), "1 missing tensor: lm_head.weight");
}

TEST_F(CheckpointFiles, NamesEveryBadTensor) {
  drop("model.norm.weight");
  drop("model.layers.0.self_attn.q_norm.weight");
  tensors_.push_back({"model.layers.0.self_attn.q_proj.bias",
                      tensor("model.layers.0.input_layernorm.weight").tensor});
  tensor("model.layers.1.mlp.down_proj.weight").tensor.shape = {24, 16};
  write();
  const std::string message = open_error();
  EXPECT_CONTAINS(message,
                  "2 missing tensors: model.layers.0.self_attn.q_norm.weight, model.norm.weight");
  EXPECT_CONTAINS(message, "1 unexpected tensor: \"model.layers.0.self_attn.q_proj.bias\"");
  EXPECT_CONTAINS(message,
                  "model.layers.1.mlp.down_proj.weight is [24, 16], config.json needs [16, 24]");
  EXPECT_EQ(message.find('\n'), std::string::npos);
}

TEST_F(CheckpointFiles, LongListsAreCapped) {
  edit_config([](auto& json) { json["num_hidden_layers"] = 1000; });
  const std::string message = open_error();
  EXPECT_CONTAINS(message, "10978 missing tensors: model.layers.2.");
  EXPECT_CONTAINS(message, "and 10958 more");
  EXPECT_LT(message.size(), 2000U);
}

TEST_F(CheckpointFiles, ALlamaHasNoQueryNorms) {
  edit_config([](auto& json) { json["architectures"] = {"LlamaForCausalLM"}; });
  EXPECT_CONTAINS(open_error(), "4 unexpected tensors: \"model.layers.0.self_attn.k_norm.weight\"");
}

TEST_F(CheckpointFiles, RecomputedBuffersAreIgnored) {
  tensors_.push_back(
      {"model.layers.0.self_attn.rotary_emb.inv_freq", tensor("model.norm.weight").tensor});
  write();
  const auto names = Checkpoint::open(path())->tensor_names();
  EXPECT_EQ(std::count(names.begin(), names.end(), tensors_.back().name), 0);
}

TEST_F(CheckpointFiles, OtherDataTypesAreRefusedByName) {
  std::string file = safetensors_bytes(
      R"({"model.norm.weight":{"dtype":"I16","shape":[16],"data_offsets":[0,32]}})", 32);
  write_file(path() / "model.safetensors", file);
  EXPECT_CONTAINS(open_error(),
                  "tensor \"model.norm.weight\" has dtype I16; supported: F32, F16, BF16");
}

TEST_F(CheckpointFiles, DataAtOddAddressesAreReadable) {
  // A header whose length is no multiple of 8, as some writers leave it.
  std::ifstream in(path() / "model.safetensors", std::ios::binary);
  std::string file{std::istreambuf_iterator<char>(in), {}};
  const auto length =
      static_cast<unsigned char>(file[0]) + 256U * static_cast<unsigned char>(file[1]);
  file.insert(8 + length, " ");
  file[0] = static_cast<char>((length + 1) & 0xFF);
  file[1] = static_cast<char>((length + 1) >> 8);
  write_file(path() / "model.safetensors", file);
  const auto checkpoint = Checkpoint::open(path());
  for (const std::string& name : checkpoint->tensor_names()) {
    const TensorView a = checkpoint->tensor(name), b = random_->tensor(name);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(a.bytes.data()) % 2, 0U);
    EXPECT_EQ(std::memcmp(a.bytes.data(), b.bytes.data(), a.bytes.size()), 0);
  }
}

TEST_F(CheckpointFiles, Shards) {
  const size_t half = tensors_.size() / 2;
  const std::span<const NamedTensor> all(tensors_);
  write_safetensors(path() / "model-00001-of-00002.safetensors", all.first(half));
  write_safetensors(path() / "model-00002-of-00002.safetensors", all.subspan(half));
  std::filesystem::remove(path() / "model.safetensors");
  nlohmann::json map;
  for (size_t i = 0; i < tensors_.size(); ++i) {
    map[tensors_[i].name] =
        i < half ? "model-00001-of-00002.safetensors" : "model-00002-of-00002.safetensors";
  }
  const auto write_index = [&](const nlohmann::json& weight_map) {
    write_file(
        path() / "model.safetensors.index.json",
        nlohmann::json{{"metadata", {{"total_size", 1}}}, {"weight_map", weight_map}}.dump());
  };
  write_index(map);
  EXPECT_EQ(Checkpoint::open(path())->tensor_names(), random_->tensor_names());

  auto wrong = map;
  wrong[tensors_[0].name] = "model-00002-of-00002.safetensors";
  write_index(wrong);
  EXPECT_CONTAINS(open_error(), "is not where the index says");
  wrong = map;
  wrong[tensors_[0].name] = "../model-00001-of-00002.safetensors";
  write_index(wrong);
  EXPECT_CONTAINS(open_error(), "is no file name");
  wrong = map;
  wrong[tensors_[0].name] = "model-00003-of-00003.safetensors";
  write_index(wrong);
  EXPECT_CONTAINS(open_error(), "model-00003-of-00003.safetensors: cannot open");
  write_index(nlohmann::json::object());
  EXPECT_CONTAINS(open_error(), "weight_map is missing or empty");
  write_index(map);
  write_safetensors(path() / "model-00002-of-00002.safetensors", all.subspan(half - 1));
  EXPECT_CONTAINS(open_error(), "stands in another shard too");
}

TEST_F(CheckpointFiles, EndOfSequenceFallsBackToConfig) {
  write_file(path() / "generation_config.json", R"({"eos_token_id":[3,4]})");
  EXPECT_EQ(Checkpoint::open(path())->generation().end_of_sequence, (std::vector<int32_t>{3, 4}));
  std::filesystem::remove(path() / "generation_config.json");
  EXPECT_EQ(Checkpoint::open(path())->generation().end_of_sequence, std::vector<int32_t>{19});
  edit_config([](auto& json) { json.erase("eos_token_id"); });
  EXPECT_CONTAINS(open_error(), "eos_token_id is missing");
}

TEST_F(CheckpointFiles, NumberFormatIsOptionalAndDeclared) {
  EXPECT_FALSE(Checkpoint::open(path())->format().declared);
  EXPECT_EQ(Checkpoint::open(path())->format().numbers.zeros, NumberFormat::Zeros::kEither);
  write_file(path() / "conformer_format.json", R"({"trailing_zeros":"fixed"})");
  EXPECT_TRUE(Checkpoint::open(path())->format().declared);
  EXPECT_EQ(Checkpoint::open(path())->format().numbers.zeros, NumberFormat::Zeros::kFixed);
  write_file(path() / "conformer_format.json", R"({"trailing_zeroes":"fixed"})");
  EXPECT_CONTAINS(open_error(), "unknown key \"trailing_zeroes\"");
}

TEST_F(CheckpointFiles, MissingAndBrokenFiles) {
  EXPECT_CONTAINS(error_of([&] { Checkpoint::open(path() / "absent"); }), "not a directory");
  write_file(path() / "config.json", "{\"a\":1,\"a\":2}");
  EXPECT_CONTAINS(open_error(), "\"a\" stands there twice");
  write_file(path() / "config.json", "[]");
  EXPECT_CONTAINS(open_error(), "not a JSON object");
  write_file(path() / "config.json", "{\n");
  EXPECT_CONTAINS(open_error(), "not valid JSON");
  EXPECT_EQ(open_error().find('\n'), std::string::npos);
  std::filesystem::remove(path() / "config.json");
  std::filesystem::remove(path() / "model.safetensors");
  const std::string message = open_error();
  EXPECT_CONTAINS(message, "config.json: missing");
  EXPECT_CONTAINS(message, "neither model.safetensors nor");
  std::filesystem::create_directory(path() / "model.safetensors");
  EXPECT_CONTAINS(open_error(), "not a regular file");
}

TEST(Checkpoint, OpensTheShippedModels) {
  const auto qwen = Checkpoint::open(shipped_model("qwen3-conformer"));
  EXPECT_EQ(qwen->config().total_parameters(), 15'919'232U);
  EXPECT_EQ(qwen->config().vocabulary, 472);
  EXPECT_EQ(qwen->generation().end_of_sequence, std::vector<int32_t>{461});
  EXPECT_EQ(qwen->format().numbers, (NumberFormat{4, NumberFormat::Zeros::kStrip, 2}));
  const auto llama = Checkpoint::open(shipped_model("llama-conformer-undertrained"));
  EXPECT_EQ(llama->config().rope_theta, 5e5);
  EXPECT_EQ(llama->config().rms_norm_eps, 1e-5F);
  EXPECT_EQ(llama->generation().temperature, 0.8);
}

}  // namespace
}  // namespace molgen3d
