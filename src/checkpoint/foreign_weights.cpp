#include "checkpoint/foreign_weights.h"

#include <algorithm>
#include <span>
#include <vector>

#include "base/error.h"

namespace molgen3d {
namespace {

struct Form {
  const char* begin;  ///< of the file's name
  const char* end;
  const char* advice;
};

// The first that fits is named: an adapter may bring a tokenizer and other files along.
constexpr Form kForms[] = {
    {"adapter_config", ".json",
     "it is an adapter (LoRA): merge it into its base model and save that"},
    {"adapter_model", "", "it is an adapter (LoRA): merge it into its base model and save that"},
    {"pytorch_model", "", "PyTorch files are not read: save the model as safetensors"},
    {"consolidated.", ".pth", "PyTorch files are not read: save the model as safetensors"},
    {"", ".bin", "PyTorch files are not read: save the model as safetensors"},
    {"", ".pt", "PyTorch files are not read: save the model as safetensors"},
    {"", ".pth", "PyTorch files are not read: save the model as safetensors"},
    {"", ".gguf", "GGUF is not read: take the model's safetensors files"},
    {"tf_model", ".h5", "TensorFlow files are not read: save the model as safetensors"},
    {"flax_model", ".msgpack", "Flax files are not read: save the model as safetensors"},
    {"", ".onnx", "ONNX is not read: take the model's safetensors files"},
    {"", ".safetensors", "weights are read from model.safetensors, or shards with an index"},
};

constexpr Form kTokenizers[] = {
    {"tokenizer.model", "",
     "SentencePiece models are not read, and a tokenizer.json of byte-level BPE is needed"},
    {"tekken", ".json",
     "tekken files are not read: convert it to a tokenizer.json with transformers"},
    {"vocab", ".json", "save it as a fast tokenizer, which writes tokenizer.json"},
    {"", ".tiktoken", "save it as a fast tokenizer, which writes tokenizer.json"},
};

/// The first form that some file of the directory has.
std::string find_form(const std::filesystem::path& directory, std::span<const Form> forms) {
  std::vector<std::string> names;
  std::error_code failure;
  for (auto it = std::filesystem::directory_iterator(directory, failure);
       !failure && it != std::filesystem::directory_iterator(); it.increment(failure)) {
    names.push_back(it->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  for (const Form& form : forms) {
    for (const std::string& name : names) {
      if (!name.starts_with(form.begin) || !name.ends_with(form.end)) continue;
      return fmt::format("there is {}: {}", in_quotes(name), form.advice);
    }
  }
  return {};
}

}  // namespace

std::string foreign_weights(const std::filesystem::path& directory) {
  return find_form(directory, kForms);
}

std::string foreign_tokenizer(const std::filesystem::path& directory) {
  return find_form(directory, kTokenizers);
}

}  // namespace molgen3d
