// The oracle: the model in plain double-precision loops on the stored weights. Nothing is rounded
// between operations, so every other backend may only differ from it by its own rounding.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "engine/operations.h"

namespace molgen3d {

class ReferenceOperations : public Operations {
 public:
  /// Copies the weights to double; `pages` pages of kPageTokens tokens, filled with NaN so that a
  /// read of an unwritten entry cannot pass unnoticed.
  ReferenceOperations(const Checkpoint& checkpoint, size_t pages);

  const ModelConfig& config() const override { return config_; }
  void embed(const Pass& pass) override;
  void project_and_append(int layer) override;
  void attend(int layer) override;
  void add_attention_output(int layer) override;
  void gated_feed_forward(int layer) override;
  void add_feed_forward(int layer) override;
  void output(std::span<const uint32_t> rows, std::span<const TokenId> ids,
              std::span<float> logits) override;
  bool read_residual(std::span<float> x) override;

  /// Radians per position of each pair of elements, [head_dim / 2].
  std::span<const double> rotary_frequencies() const { return inverse_frequencies_; }

 private:
  using Vector = std::vector<double>;
  struct Layer {
    Vector input_norm, query, key, value, query_norm, key_norm, attention_output;
    Vector feed_forward_norm, gate, up, down;
  };
  double* cached(Vector& cache, int layer, uint32_t page, size_t offset, size_t kv_head);
  void rotate(double* head, size_t position) const;

  ModelConfig config_;
  Vector embedding_, output_, final_norm_, inverse_frequencies_;
  std::vector<Layer> layers_;
  size_t pages_;
  Vector keys_, values_;  ///< [layers, pages, kPageTokens, kv_heads, head_dim]

  Pass pass_;
  Vector x_;          ///< [rows, hidden]
  Vector query_;      ///< [rows, heads, head_dim]
  Vector attention_;  ///< [rows, heads, head_dim]
  Vector feed_;       ///< [rows, intermediate]
};

}  // namespace molgen3d
