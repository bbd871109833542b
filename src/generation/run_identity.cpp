#include "generation/run_identity.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>

#include "base/thread_pool.h"
#include "files/content_hash.h"
#include "generation/sampling_presets.h"

namespace molgen3d {

namespace {

namespace fs = std::filesystem;

std::string yes_no(bool value) {
  return value ? "yes" : "no";
}

std::string geometry_words(const GenerationOptions& generation) {
  std::string words = geometry::demand_name(generation.geometry);
  if (generation.geometry_draws != GenerationOptions().geometry_draws)
    words += fmt::format(", {} draws", generation.geometry_draws);
  return words;
}

/// Names, shapes and values of all tensors, however they are spread over files.
std::string content_of_weights(const Checkpoint& checkpoint) {
  constexpr size_t kPiece = size_t{1} << 22;
  std::vector<std::string_view> pieces;
  uint64_t shapes = 0;
  for (const std::string& name : checkpoint.tensor_names()) {
    const TensorView tensor = checkpoint.tensor(name);
    const std::string head =
        fmt::format("{} {} {}", name, static_cast<int>(tensor.type), fmt::join(tensor.shape, "x"));
    shapes = content_hash(head, shapes);
    std::string_view bytes(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
    for (; !bytes.empty(); bytes.remove_prefix(std::min(kPiece, bytes.size())))
      pieces.push_back(bytes.substr(0, kPiece));
  }
  std::vector<uint64_t> hashes(pieces.size());
  ThreadPool pool;
  pool.parallel_for(pieces.size(), 1, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) hashes[i] = content_hash(pieces[i]);
  });
  const std::string_view all(reinterpret_cast<const char*>(hashes.data()),
                             hashes.size() * sizeof(uint64_t));
  return hash_text(content_hash(all, shapes));
}

std::string content_of_config(const fs::path& directory) {
  std::vector<std::string> files;
  for (const char* name : {"config.json", "generation_config.json", "conformer_format.json"})
    files.push_back((directory / name).string());
  return content_of_files(files);
}

}  // namespace

std::string content_of_files(const std::vector<std::string>& files) {
  uint64_t hash = 0;
  for (const std::string& file : files) {
    std::error_code ignored;
    const bool readable = file != "-" && fs::is_regular_file(file, ignored);
    hash = content_hash(readable ? hash_text(file_hash(file)) : "no file", hash);
  }
  return hash_text(hash);
}

RunIdentity run_identity(const RunSettings& settings, const GenerationOptions& generation,
                         const Model& model, const std::string& device) {
  const Checkpoint& checkpoint = *model.checkpoint;
  return {{"version", MOLGEN3D_VERSION},
          {"weights", content_of_weights(checkpoint)},
          {"config", content_of_config(checkpoint.directory())},
          {"tokenizer", hash_text(model.tokenizer->fingerprint())},
          {"device", device.substr(0, device.find(':'))},
          {"dtype", settings.dtype},
          {"kv_dtype", settings.kv_dtype},
          {"constraint", settings.constraint},
          {"prompt", settings.prompt},
          {"descriptors", settings.descriptors.value_or("")},
          {"sampling", describe(generation.sampling)},
          {"seed", std::to_string(generation.seed)},
          {"samples", std::to_string(generation.samples)},
          {"max_new_tokens", std::to_string(generation.max_new_tokens)},
          {"geometry", geometry_words(generation)},
          {"on_failure", settings.on_failure},
          {"geometry_budget", fmt::format("{}", generation.geometry_budget)},
          {"audit", yes_no(settings.audit)}};
}

RunIdentity input_identity(const std::vector<std::string>& inputs, const ReaderOptions& reader,
                           size_t limit) {
  static constexpr const char* kFormats[] = {"auto", "smi", "csv", "sdf"};
  return {{"inputs", fmt::format("{}", fmt::join(inputs, "\n"))},
          {"input content", content_of_files(inputs)},
          {"input format", kFormats[static_cast<size_t>(reader.format)]},
          {"smiles column", reader.smiles_column},
          {"title column", reader.title_column},
          {"header", yes_no(reader.csv_header)},
          {"delimiter", reader.delimiter == 0 ? "" : std::string(1, reader.delimiter)},
          {"limit", std::to_string(limit)}};
}

}  // namespace molgen3d
