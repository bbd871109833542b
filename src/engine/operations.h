// The fused step operations of a model, declared once. Every backend implements them (cpu/ with
// Highway, cuda/ with kernels, the oracle in testing/ in double precision), and one test body
// compares them.
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "checkpoint/model_config.h"
#include "constraint/constraint.h"

namespace molgen3d {

/// One sequence of a pass: `rows` new tokens (a decode step, a forced run or a prompt chunk: the
/// same thing), whose keys and values are appended before anyone attends.
struct PassSequence {
  uint32_t first_row = 0;  ///< its rows are [first_row, first_row + rows)
  uint32_t rows = 0;
  uint32_t first_position = 0;  ///< position of its first new token = tokens already in the cache
  std::span<const uint32_t> pages;
};

/// A ragged batch.
struct Pass {
  std::span<const TokenId> tokens;  ///< one per row
  std::span<const PassSequence> sequences;
};

/// Weights, cache and activations of one model on one device. The residual stream x [rows, hidden]
/// and the other activations live inside; the order of calls for a pass is that of run_layers().
/// Numerics as Hugging Face: RMSNorm in fp32, rounded to the compute type, then times the weight;
/// softmax in fp32; logits fp32. The result of a row never depends on the other rows of the pass.
class Operations {
 public:
  virtual ~Operations() = default;
  virtual const ModelConfig& config() const = 0;

  /// x = embedding rows. Also takes in the pass; its spans must live until the pass ends.
  virtual void embed(const Pass& pass) = 0;
  /// RMSNorm, query/key/value products, q/k norms (Qwen3), rotary embedding, keys and values
  /// appended.
  virtual void project_and_append(int layer) = 0;
  /// From here to the end of the pass only these rows (ascending, at least one) are computed;
  /// output() may be asked for no others, and still names them by their number in the pass. For the
  /// last layer, after project_and_append(). A backend may go on with all.
  virtual void keep_rows(std::span<const uint32_t> /*rows*/) {}
  /// Causal attention of the new rows over their sequences' pages (grouped query heads).
  virtual void attend(int layer) = 0;
  /// x += attention output x W_o.
  virtual void add_attention_output(int layer) = 0;
  /// RMSNorm, silu(gate) * up.
  virtual void gated_feed_forward(int layer) = 0;
  /// x += feed-forward x W_down.
  virtual void add_feed_forward(int layer) = 0;
  /// Final RMSNorm of the given rows and their products with the output matrix rows `ids` (empty:
  /// all rows). logits [rows.size(), ids.size() or vocabulary], row-major, fp32. A logit depends
  /// neither on the other rows nor on which other ids are asked for.
  virtual void output(std::span<const uint32_t> rows, std::span<const TokenId> ids,
                      std::span<float> logits) = 0;

  /// Copies the residual stream x [rows of the pass, hidden], so that tests can look between the
  /// operations; false (and nothing copied) where a backend does not offer it.
  virtual bool read_residual(std::span<float> /*x*/) { return false; }
};

/// All layers of one pass, embed() included. `wanted`: the rows that output() will be asked for,
/// ascending; of all others the last layer needs keys and values only, and those are most rows of
/// prompts and of forced runs. Without it: every row.
inline void run_layers(Operations& ops, const Pass& pass,
                       std::optional<std::span<const uint32_t>> wanted = std::nullopt) {
  ops.embed(pass);
  for (int layer = 0; layer < ops.config().layers; ++layer) {
    ops.project_and_append(layer);
    if (wanted && layer + 1 == ops.config().layers) {
      if (wanted->empty()) return;
      if (wanted->size() < pass.tokens.size()) ops.keep_rows(*wanted);
    }
    ops.attend(layer);
    ops.add_attention_output(layer);
    ops.gated_feed_forward(layer);
    ops.add_feed_forward(layer);
  }
}

}  // namespace molgen3d
