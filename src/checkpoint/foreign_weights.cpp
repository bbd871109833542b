#include "checkpoint/foreign_weights.h"

#include <algorithm>
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

}  // namespace

std::string foreign_weights(const std::filesystem::path& directory) {
  std::vector<std::string> names;
  std::error_code failure;
  for (auto it = std::filesystem::directory_iterator(directory, failure);
       !failure && it != std::filesystem::directory_iterator(); it.increment(failure)) {
    names.push_back(it->path().filename().string());
  }
  std::sort(names.begin(), names.end());
  for (const Form& form : kForms) {
    for (const std::string& name : names) {
      if (!name.starts_with(form.begin) || !name.ends_with(form.end)) continue;
      return fmt::format("there is {}: {}", in_quotes(name), form.advice);
    }
  }
  return {};
}

}  // namespace molgen3d
