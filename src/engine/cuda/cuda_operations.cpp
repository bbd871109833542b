#include "engine/cuda/cuda_operations.h"

#include <algorithm>
#include <vector>

#include "engine/cuda/cuda_model.h"

namespace molgen3d {
namespace {

using cuda::check;

constexpr uint32_t kSequences = 64;
constexpr int kRows = 1024;

class CudaOperations : public Operations {
 public:
  CudaOperations(std::shared_ptr<const Checkpoint> checkpoint, size_t pages,
                 const CudaOperationsOptions& options)
      : checkpoint_(std::move(checkpoint)), options_(options) {
    const ModelConfig& config = checkpoint_->config();
    cuda::Extent extent;
    extent.slots = kSequences;
    extent.pages = pages;
    extent.context = std::min<int>(config.max_positions, static_cast<int>(pages * kPageTokens));
    extent.max_rows = kRows;
    extent.fp8 = options.fp8;
    check(cudaStreamCreate(&stream_), "stream");
    model_ = std::make_unique<cuda::CudaModel>(*checkpoint_, extent, BackendOptions{}, stream_);
  }
  ~CudaOperations() override {
    model_.reset();
    cudaStreamDestroy(stream_);
  }

  const ModelConfig& config() const override { return checkpoint_->config(); }

  void embed(const Pass& pass) override {
    const int rows = static_cast<int>(pass.tokens.size());
    const int group = config().heads / config().kv_heads;
    shape_ = {};
    shape_.max_active = static_cast<int>(pass.sequences.size());
    shape_.row_budget = rows;
    shape_.finish_residual = true;
    std::vector<int> tokens(pass.tokens.begin(), pass.tokens.end());
    std::vector<cuda::AttentionItem> items;
    std::vector<cuda::RowPlace> places;
    const size_t stride = static_cast<size_t>(model_->page_stride());
    std::vector<uint32_t> pages(kSequences * stride, 0);
    int slot = 0, tiles = 0, partial = 0;
    shape_.sequence_rows = 0;
    for (const PassSequence& sequence : pass.sequences) {
      shape_.sequence_rows = std::max(shape_.sequence_rows, static_cast<int>(sequence.rows));
    }
    shape_.fused_append = options_.fused_append && cuda::runs_hopper_code() &&
                          shape_.sequence_rows <= cuda::kFusedRows;
    for (const PassSequence& sequence : pass.sequences) {
      std::copy_n(sequence.pages.begin(), std::min(sequence.pages.size(), stride),
                  pages.begin() + static_cast<std::ptrdiff_t>(static_cast<size_t>(slot) * stride));
      const int n = static_cast<int>(sequence.rows),
                first = static_cast<int>(sequence.first_position);
      for (int i = 0; i < n; ++i) places.push_back({slot, first + i, first, i});
      const int tile_count = (n * group + cuda::kTileRows - 1) / cuda::kTileRows;
      for (int tile = 0; tile < tile_count; ++tile, ++tiles) {
        const int last = std::min(n - 1, ((tile + 1) * cuda::kTileRows - 1) / group);
        const int chunks = (first + last) / cuda::kChunk + 1;
        // Odd slots as one item, even ones chunk by chunk: the bits must not care.
        const bool cut = !shape_.fused_append && slot % 2 == 0 &&
                         partial + cuda::kTileRows * chunks <= own().partials;
        const int step = cut ? 1 : chunks;
        for (int begin = 0; begin < chunks; begin += step) {
          items.push_back({slot, static_cast<int>(sequence.first_row), n, first,
                           tile * cuda::kTileRows, begin, begin + step, chunks, partial, tiles,
                           (chunks + step - 1) / step, 0});
        }
        partial += chunks * std::min(cuda::kTileRows, n * group - tile * cuda::kTileRows);
      }
      ++slot;
    }
    const cuda::PassTables& tables = own().tables;
    const int item_count = static_cast<int>(items.size());
    upload(tables.rows, &rows, 1);
    upload(tables.items, &item_count, 1);
    upload(tables.row_token, tokens.data(), tokens.size());
    upload(tables.row_place, places.data(), places.size());
    upload(tables.item, items.data(), items.size());
    upload(model_->scratch().pages, pages.data(), pages.size());
    model_->embed(shape_);
  }
  void project_and_append(int layer) override {
    model_->project(layer, shape_);
    model_->append(layer, shape_);
  }
  void attend(int layer) override { model_->attend(layer, shape_); }
  void add_attention_output(int layer) override { model_->add_attention_output(layer, shape_); }
  void gated_feed_forward(int layer) override { model_->feed_forward(layer, shape_); }
  void add_feed_forward(int layer) override { model_->add_feed_forward(layer, shape_); }

  void output(std::span<const uint32_t> rows, std::span<const TokenId> ids,
              std::span<float> logits) override {
    const size_t columns = ids.empty() ? static_cast<size_t>(config().vocabulary) : ids.size();
    if (!ids.empty()) model_->gather(ids);
    cuda::StepShape shape = shape_;
    shape.full_output = ids.empty();
    shape.gathered = cuda::padded(static_cast<int>(ids.size()), 64);
    const size_t stride = static_cast<size_t>(model_->logit_stride(shape.full_output));
    for (size_t first = 0; first < rows.size(); first += kSequences) {
      const size_t count = std::min<size_t>(kSequences, rows.size() - first);
      const std::vector<int> map(rows.begin() + static_cast<std::ptrdiff_t>(first),
                                 rows.begin() + static_cast<std::ptrdiff_t>(first + count));
      const int n = static_cast<int>(count);
      shape.outputs = n;
      upload(own().tables.output_row, map.data(), count);
      upload(own().tables.outputs, &n, 1);
      model_->output(shape);
      check(cudaMemcpy2DAsync(logits.data() + first * columns, columns * sizeof(float),
                              own().logits, stride * sizeof(float), columns * sizeof(float), count,
                              cudaMemcpyDeviceToHost, stream_),
            "copy of logits");
      check(cudaStreamSynchronize(stream_), "output");
    }
  }

  bool read_residual(std::span<float> out) override {
    std::vector<uint16_t> bits(out.size());
    check(cudaMemcpyAsync(bits.data(), own().residual, bits.size() * sizeof(uint16_t),
                          cudaMemcpyDeviceToHost, stream_),
          "copy of the residual");
    check(cudaStreamSynchronize(stream_), "residual");
    for (size_t i = 0; i < out.size(); ++i) {
      const uint32_t word = static_cast<uint32_t>(bits[i]) << 16;
      std::copy_n(reinterpret_cast<const std::byte*>(&word), sizeof(float),
                  reinterpret_cast<std::byte*>(&out[i]));
    }
    return true;
  }

 private:
  const cuda::Activations& own() const { return model_->scratch().activations[0]; }
  template <typename T>
  void upload(T* device, const T* host, size_t count) {
    check(cudaMemcpyAsync(device, host, count * sizeof(T), cudaMemcpyHostToDevice, stream_),
          "upload");
    check(cudaStreamSynchronize(stream_), "upload");
  }

  std::shared_ptr<const Checkpoint> checkpoint_;
  CudaOperationsOptions options_;
  cudaStream_t stream_ = nullptr;
  std::unique_ptr<cuda::CudaModel> model_;
  cuda::StepShape shape_;
};

}  // namespace

std::unique_ptr<Operations> make_cuda_operations(
    const std::shared_ptr<const Checkpoint>& checkpoint, size_t pages,
    const CudaOperationsOptions& options) {
  return std::make_unique<CudaOperations>(checkpoint, pages, options);
}

}  // namespace molgen3d
