#include "checkpoint/checkpoint.h"

#include "base/error.h"
#include "checkpoint/model_directory.h"
#include "checkpoint/tensor_layout.h"

namespace molgen3d {

struct Checkpoint::Impl {
  ModelConfig config;
  GenerationConfig generation;
  ConformerFormat format;
  std::filesystem::path directory;
  std::map<std::string, TensorView, std::less<>> tensors;
  std::vector<std::shared_ptr<const void>> storage;
  std::vector<std::shared_ptr<const MappedFile>> files;
};

size_t TensorView::elements() const {
  return bytes.size() / size_of(type);
}

Checkpoint::Checkpoint(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Checkpoint::~Checkpoint() = default;

std::shared_ptr<const Checkpoint> Checkpoint::open(const std::filesystem::path& directory) {
  ModelDirectory model = read_model_directory(directory);
  if (!model.problems.empty()) {
    std::string all;
    for (const std::string& problem : model.problems) all += (all.empty() ? "" : "; ") + problem;
    throw Error(all);
  }
  auto impl = std::make_unique<Impl>();
  impl->config = *model.config;
  impl->generation = std::move(model.generation);
  impl->format = std::move(model.format);
  impl->directory = directory;
  for (const ExpectedTensor& tensor : tensor_layout(impl->config)) {
    impl->tensors.emplace(tensor.name, model.tensors.at(tensor.name));
  }
  impl->storage = std::move(model.storage);
  impl->files = std::move(model.files);
  return std::shared_ptr<const Checkpoint>(new Checkpoint(std::move(impl)));
}

std::shared_ptr<const Checkpoint> Checkpoint::in_memory(
    const ModelConfig& config, const GenerationConfig& generation,
    const std::map<std::string, TensorView>& tensors, std::shared_ptr<const void> storage) {
  auto impl = std::make_unique<Impl>();
  impl->config = config;
  impl->generation = generation;
  for (const ExpectedTensor& tensor : tensor_layout(config)) {
    const auto found = tensors.find(tensor.name);
    if (found == tensors.end()) throw Error::format("tensor {} is missing", tensor.name);
    impl->tensors.emplace(*found);
  }
  impl->storage.push_back(std::move(storage));
  return std::shared_ptr<const Checkpoint>(new Checkpoint(std::move(impl)));
}

const ModelConfig& Checkpoint::config() const {
  return impl_->config;
}
const GenerationConfig& Checkpoint::generation() const {
  return impl_->generation;
}
const ConformerFormat& Checkpoint::format() const {
  return impl_->format;
}
const std::filesystem::path& Checkpoint::directory() const {
  return impl_->directory;
}

TensorView Checkpoint::tensor(std::string_view name) const {
  if (name == "lm_head.weight" && impl_->config.tied_embeddings) name = "model.embed_tokens.weight";
  const auto found = impl_->tensors.find(name);
  if (found == impl_->tensors.end()) {
    throw Error::format("{}: no tensor {}",
                        impl_->directory.empty() ? "random checkpoint" : impl_->directory.string(),
                        in_quotes(name));
  }
  return found->second;
}

std::vector<std::string> Checkpoint::tensor_names() const {
  std::vector<std::string> names;
  for (const auto& [name, view] : impl_->tensors) names.push_back(name);
  return names;
}

void Checkpoint::require_unchanged_files() const {
  for (const auto& file : impl_->files) file->require_unchanged();
}

}  // namespace molgen3d
