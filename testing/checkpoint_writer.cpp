#include "testing/checkpoint_writer.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace molgen3d {
namespace {

const char* safetensors_type(DataType type) {
  switch (type) {
    case DataType::kFloat32:
      return "F32";
    case DataType::kFloat16:
      return "F16";
    case DataType::kBFloat16:
      return "BF16";
  }
  return "";
}

class OutputFile {
 public:
  explicit OutputFile(const std::filesystem::path& path)
      : path_(path), file_(path, std::ios::binary) {
    check();
  }
  void write(const void* data, size_t size) {
    file_.write(static_cast<const char*>(data), static_cast<std::streamsize>(size));
  }
  void close() {
    file_.close();
    check();
  }

 private:
  void check() const {
    if (!file_) throw Error::format("{}: cannot be written", path_.string());
  }
  std::filesystem::path path_;
  std::ofstream file_;
};

void write_text(const std::filesystem::path& path, const std::string& text) {
  OutputFile file(path);
  file.write(text.data(), text.size());
  file.close();
}

}  // namespace

void write_safetensors(const std::filesystem::path& path, std::span<const NamedTensor> tensors) {
  nlohmann::ordered_json header = {{"__metadata__", {{"format", "pt"}}}};
  size_t offset = 0;
  for (const NamedTensor& item : tensors) {
    const size_t size = item.tensor.bytes.size();
    header[item.name] = {{"dtype", safetensors_type(item.tensor.type)},
                         {"shape", item.tensor.shape},
                         {"data_offsets", {offset, offset + size}}};
    offset += size;
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8, ' ');
  OutputFile file(path);
  for (int byte = 0; byte < 8; ++byte) {
    const char value = static_cast<char>(text.size() >> (8 * byte) & 0xFF);
    file.write(&value, 1);
  }
  file.write(text.data(), text.size());
  for (const NamedTensor& item : tensors) {
    file.write(item.tensor.bytes.data(), item.tensor.bytes.size());
  }
  file.close();
}

std::string config_json(const ModelConfig& config, std::span<const int32_t> end_of_sequence) {
  const bool qwen = config.architecture == ModelConfig::Architecture::kQwen3;
  nlohmann::ordered_json rope = {{"rope_theta", config.rope_theta}, {"rope_type", "default"}};
  if (config.rope_scaling) {
    rope["rope_type"] = "llama3";
    rope["factor"] = config.rope_scaling->factor;
    rope["low_freq_factor"] = config.rope_scaling->low_frequency_factor;
    rope["high_freq_factor"] = config.rope_scaling->high_frequency_factor;
    rope["original_max_position_embeddings"] = config.rope_scaling->original_max_positions;
  }
  const nlohmann::ordered_json json = {
      {"architectures", {qwen ? "Qwen3ForCausalLM" : "LlamaForCausalLM"}},
      {"model_type", qwen ? "qwen3" : "llama"},
      {"hidden_size", config.hidden},
      {"intermediate_size", config.intermediate},
      {"num_hidden_layers", config.layers},
      {"num_attention_heads", config.heads},
      {"num_key_value_heads", config.kv_heads},
      {"head_dim", config.head_dim},
      {"vocab_size", config.vocabulary},
      {"max_position_embeddings", config.max_positions},
      {"rms_norm_eps", config.rms_norm_eps},
      {"rope_parameters", rope},
      {"hidden_act", "silu"},
      {"attention_bias", false},
      {"tie_word_embeddings", config.tied_embeddings},
      {"dtype", data_type_name(config.data_type)},
      {"eos_token_id", std::vector<int32_t>(end_of_sequence.begin(), end_of_sequence.end())}};
  return json.dump(2) + "\n";
}

void write_checkpoint(const std::filesystem::path& directory, const ModelConfig& config,
                      std::span<const int32_t> end_of_sequence,
                      std::span<const NamedTensor> tensors) {
  std::error_code failure;
  std::filesystem::create_directories(directory, failure);
  if (failure) throw Error::format("{}: {}", directory.string(), failure.message());
  write_text(directory / "config.json", config_json(config, end_of_sequence));
  const nlohmann::json generation = {
      {"eos_token_id", std::vector<int32_t>(end_of_sequence.begin(), end_of_sequence.end())}};
  write_text(directory / "generation_config.json", generation.dump() + "\n");
  write_safetensors(directory / "model.safetensors", tensors);
}

void write_checkpoint(const std::filesystem::path& directory, const Checkpoint& checkpoint) {
  std::vector<NamedTensor> tensors;
  for (const std::string& name : checkpoint.tensor_names()) {
    tensors.push_back({name, checkpoint.tensor(name)});
  }
  write_checkpoint(directory, checkpoint.config(), checkpoint.generation().end_of_sequence,
                   tensors);
}

}  // namespace molgen3d
