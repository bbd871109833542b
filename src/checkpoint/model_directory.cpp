#include "checkpoint/model_directory.h"

#include <algorithm>
#include <cstring>
#include <set>

#include "base/error.h"
#include "base/regular_file.h"
#include "checkpoint/companion_files.h"
#include "checkpoint/config_reader.h"
#include "checkpoint/foreign_weights.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/tensor_layout.h"

namespace molgen3d {
namespace {

namespace fs = std::filesystem;

std::optional<nlohmann::json> read_optional_json(const fs::path& path, Problems& problems) {
  if (!is_present(path)) return std::nullopt;
  try {
    return read_json_object(path);
  } catch (const Error& error) {
    problems.emplace_back(error.what());
    return std::nullopt;
  }
}

void read_settings(const fs::path& directory, ModelDirectory& model) {
  Problems& problems = model.problems;
  const fs::path config_path = directory / "config.json";
  std::vector<int32_t> config_eos;
  if (!is_present(config_path)) {
    problems.push_back(fmt::format("{}: missing", config_path.string()));
  } else if (const auto json = read_optional_json(config_path, problems)) {
    Problems found;
    const ConfigFile file = read_config(*json, config_path.string(), found);
    if (found.empty()) model.config = file.model;
    config_eos = file.end_of_sequence;
    problems.insert(problems.end(), found.begin(), found.end());
  }
  const int vocabulary = model.config ? model.config->vocabulary : INT32_MAX;
  const fs::path generation_path = directory / "generation_config.json";
  if (const auto json = read_optional_json(generation_path, problems)) {
    model.generation =
        read_generation_config(*json, vocabulary, generation_path.string(), problems);
  }
  if (model.generation.end_of_sequence.empty()) model.generation.end_of_sequence = config_eos;
  if (model.generation.end_of_sequence.empty() && problems.empty()) {
    problems.push_back(
        fmt::format("{}: eos_token_id is missing in generation_config.json and config.json",
                    directory.string()));
  }
  const fs::path format_path = directory / "conformer_format.json";
  if (const auto json = read_optional_json(format_path, problems)) {
    model.format = read_conformer_format(*json, format_path.string(), problems);
  }
}

/// Where each tensor is promised to be; empty for a single file.
using WeightMap = std::map<std::string, std::string>;

/// Like transformers, a single model.safetensors wins over an index.
WeightMap find_weight_files(const fs::path& directory, ModelDirectory& model) {
  WeightMap map;
  const fs::path single = directory / "model.safetensors";
  const fs::path index = directory / "model.safetensors.index.json";
  if (is_present(single)) {
    model.weight_files.push_back(single);
    return map;
  }
  if (!is_present(index)) {
    const std::string other = foreign_weights(directory);
    model.problems.push_back(
        fmt::format("{}: neither model.safetensors nor model.safetensors.index.json{}{}",
                    directory.string(), other.empty() ? "" : "; ", other));
    return map;
  }
  const auto json = read_optional_json(index, model.problems);
  if (!json) return map;
  const auto list = json->find("weight_map");
  if (list == json->end() || !list->is_object() || list->empty()) {
    model.problems.push_back(fmt::format("{}: weight_map is missing or empty", index.string()));
    return map;
  }
  std::set<std::string> names;
  for (const auto& [tensor, file] : list->items()) {
    const std::string name = file.is_string() ? file.get<std::string>() : "";
    // A shard is a file of this directory: an index must not reach outside.
    if (name.empty() || name.find('/') != std::string::npos || name == "." || name == "..") {
      model.problems.push_back(fmt::format("{}: tensor {}: {} is no file name", index.string(),
                                           in_quotes(tensor), shown_json(file)));
      continue;
    }
    map[tensor] = name;
    names.insert(name);
  }
  for (const std::string& name : names) model.weight_files.push_back(directory / name);
  return map;
}

std::optional<DataType> weight_type(const std::string& type) {
  if (type == "F32") return DataType::kFloat32;
  if (type == "F16") return DataType::kFloat16;
  if (type == "BF16") return DataType::kBFloat16;
  return std::nullopt;
}

/// The view of one entry; its bytes are copied where the file does not align them for their type.
TensorView view_of(const SafetensorsEntry& entry, DataType type, const MappedFile& file,
                   std::vector<std::shared_ptr<const void>>& storage) {
  TensorView view{type, entry.shape, file.bytes().subspan(entry.offset, entry.size)};
  if (reinterpret_cast<uintptr_t>(view.bytes.data()) % size_of(type) != 0) {
    const auto copy =
        std::make_shared<std::vector<std::byte>>(view.bytes.begin(), view.bytes.end());
    view.bytes = *copy;
    storage.push_back(copy);
  }
  return view;
}

void read_weights(const fs::path& directory, ModelDirectory& model) {
  const WeightMap map = find_weight_files(directory, model);
  std::set<std::string> seen;
  bool all_read = !model.weight_files.empty();
  for (const fs::path& path : model.weight_files) {
    try {
      const auto file = std::make_shared<MappedFile>(path);
      std::map<std::string, std::vector<std::string>> unsupported;  // tensors by data type
      for (const SafetensorsEntry& entry : read_safetensors_header(file->bytes(), path.string())) {
        if (!seen.insert(entry.name).second) {
          model.problems.push_back(fmt::format("{}: tensor {} stands in another shard too",
                                               path.string(), in_quotes(entry.name)));
          continue;
        }
        if (!map.empty()) {
          const auto promised = map.find(entry.name);
          if (promised == map.end() || promised->second != path.filename().string()) {
            model.problems.push_back(fmt::format("{}: tensor {} is not where the index says",
                                                 path.string(), in_quotes(entry.name)));
          }
        }
        if (is_recomputed_buffer(entry.name)) {
          model.ignored.push_back(entry.name);
          continue;
        }
        const auto type = weight_type(entry.type);
        if (!type) {
          unsupported[entry.type].push_back(in_quotes(entry.name));
          // Counted as present, so that it is not reported missing as well.
          model.tensors[entry.name] = TensorView{DataType::kFloat32, entry.shape, {}};
          continue;
        }
        model.tensors[entry.name] = view_of(entry, *type, *file, model.storage);
      }
      for (const auto& [type, tensors] : unsupported) {
        const bool one = tensors.size() == 1;
        model.problems.push_back(fmt::format(
            "{}: {} {} dtype {}; supported: F32, F16, BF16{}", path.string(),
            one ? "tensor " + tensors[0] : fmt::format("{} tensors", tensors.size()),
            one ? "has" : "have", type, one ? "" : " (" + joined_list(tensors, 3) + ")"));
      }
      model.storage.push_back(file);
      model.files.push_back(file);
    } catch (const Error& error) {
      model.problems.emplace_back(error.what());
      all_read = false;
    }
  }
  // With an unreadable file "missing" would blame the wrong thing.
  if (!all_read) model.config.reset();
}

bool same_bytes(const TensorView& a, const TensorView& b) {
  return a.type == b.type && a.bytes.size() == b.bytes.size() &&
         std::memcmp(a.bytes.data(), b.bytes.data(), a.bytes.size()) == 0;
}

void check_layout(const std::string& place, const ModelConfig& config, ModelDirectory& model) {
  std::vector<std::string> missing, extra, misshaped;
  std::set<std::string> expected;
  for (const ExpectedTensor& tensor : tensor_layout(config)) {
    expected.insert(tensor.name);
    const auto found = model.tensors.find(tensor.name);
    if (found == model.tensors.end()) {
      missing.push_back(tensor.name);
    } else if (found->second.shape != tensor.shape) {
      misshaped.push_back(fmt::format("{} is {}, config.json needs {}", tensor.name,
                                      shape_text(found->second.shape), shape_text(tensor.shape)));
    }
  }
  for (const auto& [name, view] : model.tensors) {
    if (expected.count(name) != 0) continue;
    if (name == "lm_head.weight" && config.tied_embeddings) {
      // Some exports store the tied matrix twice. Readers disagree on which copy counts when they
      // differ, so only equal ones are accepted.
      const auto embedding = model.tensors.find("model.embed_tokens.weight");
      if (embedding != model.tensors.end() && same_bytes(view, embedding->second)) {
        model.ignored.push_back(name);
      } else {
        model.problems.push_back(
            fmt::format("{}: tie_word_embeddings is true, yet lm_head.weight differs from "
                        "model.embed_tokens.weight",
                        place));
      }
      continue;
    }
    extra.push_back(in_quotes(name, 120));
  }
  const auto report = [&](const char* what, const std::vector<std::string>& items) {
    if (items.empty()) return;
    model.problems.push_back(fmt::format("{}: {} {} tensor{}: {}", place, items.size(), what,
                                         items.size() == 1 ? "" : "s", joined_list(items)));
  };
  report("missing", missing);
  report("unexpected", extra);
  report("mis-shaped", misshaped);
}

}  // namespace

std::string joined_list(const std::vector<std::string>& items, size_t limit) {
  std::string text;
  for (size_t i = 0; i < std::min(limit, items.size()); ++i) {
    if (i > 0) text += ", ";
    text += items[i];
  }
  if (items.size() > limit) text += fmt::format(", and {} more", items.size() - limit);
  return text;
}

ModelDirectory read_model_directory(const fs::path& directory) {
  ModelDirectory model;
  if (!is_directory_there(directory)) {
    model.problems.push_back(fmt::format("{}: not a directory", directory.string()));
    return model;
  }
  read_settings(directory, model);
  const std::optional<ModelConfig> config = model.config;
  read_weights(directory, model);
  if (model.config) check_layout(directory.string(), *model.config, model);
  model.config = config;  // the report shows what config.json says, whatever the weights are like
  const auto embedding = model.tensors.find("model.embed_tokens.weight");
  if (model.config && embedding != model.tensors.end()) {
    model.config->data_type = embedding->second.type;
  }
  return model;
}

}  // namespace molgen3d
