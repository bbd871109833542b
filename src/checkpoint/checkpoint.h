// A Hugging Face model directory: configuration, tensors, tokenizer path, generation settings.
#pragma once

#include <filesystem>
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "checkpoint/model_config.h"
#include "text/number_format.h"

namespace molgen3d {

/// Read-only view of one tensor, row-major; valid while its Checkpoint lives.
struct TensorView {
  DataType type = DataType::kBFloat16;
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;
  size_t elements() const;
};

/// `generation_config.json`: shown to the user, used only where a command says so.
struct GenerationConfig {
  std::vector<int32_t> end_of_sequence;  ///< at least one id (falls back to config.json)
  std::optional<bool> do_sample;
  std::optional<double> temperature, top_p, min_p;
  std::optional<int> top_k;
  /// Settings of the file that would change answers and are not applied, as "key value".
  std::vector<std::string> not_applied;
};

/// `conformer_format.json`; defaults when absent, and then `declared` is false.
struct ConformerFormat {
  bool declared = false;
  NumberFormat numbers;
  bool hydrogen_counts =
      false;  ///< descriptors "hcount": `[NH2]`, `[CH3]` as older training text has
};

/// Names follow Hugging Face without the `model.` prefix rules hidden: see tensor().
class Checkpoint {
 public:
  /// Opens a directory, checks every tensor's name, shape and extent (files are memory-mapped).
  /// Throws Error naming the file and every missing, extra or mis-shaped tensor.
  static std::shared_ptr<const Checkpoint> open(const std::filesystem::path& directory);

  /// A model without files: `tensors` by full Hugging Face name, as config's layout has them;
  /// `storage` keeps their bytes. Throws Error naming a tensor that is missing.
  static std::shared_ptr<const Checkpoint> in_memory(
      const ModelConfig& config, const GenerationConfig& generation,
      const std::map<std::string, TensorView>& tensors, std::shared_ptr<const void> storage);
  ~Checkpoint();

  const ModelConfig& config() const;
  const GenerationConfig& generation() const;
  const ConformerFormat& format() const;
  const std::filesystem::path& directory() const;  ///< empty without files

  /// By full Hugging Face name, e.g. "model.layers.0.self_attn.q_proj.weight" with shape
  /// [heads*head_dim, hidden]; "lm_head.weight" gives the embedding when tied. Throws Error if
  /// absent.
  TensorView tensor(std::string_view name) const;
  std::vector<std::string> tensor_names() const;

  /// Throws Error naming a weight file that has changed since open(). To be asked once weights have
  /// been read: what a file no longer held then was read as zeros.
  void require_unchanged_files() const;

 private:
  struct Impl;
  explicit Checkpoint(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace molgen3d
