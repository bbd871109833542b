#include "checkpoint/weight_scan.h"

#include <algorithm>
#include <atomic>
#include <vector>

#include "base/error.h"
#include "base/thread_pool.h"

namespace molgen3d {
namespace {

/// An element is not finite when its exponent bits are all ones, that is, when its magnitude as an
/// integer is at least `exponent`. The largest magnitude of a block is a reduction that compilers
/// vectorize (signed: SSE2 has no unsigned 16-bit maximum); only a bad block is searched.
template <typename T>
std::optional<size_t> first_above(const std::byte* bytes, size_t count, T magnitude, T exponent) {
  constexpr size_t kBlock = 4096;
  const T* const data = reinterpret_cast<const T*>(bytes);
  for (size_t begin = 0; begin < count; begin += kBlock) {
    const size_t end = std::min(begin + kBlock, count);
    T largest = 0;
    for (size_t i = begin; i < end; ++i) {
      largest = std::max(largest, static_cast<T>(data[i] & magnitude));
    }
    if (largest < exponent) continue;
    for (size_t i = begin; i < end; ++i) {
      if ((data[i] & magnitude) >= exponent) return i;
    }
  }
  return std::nullopt;
}

bool nan_at(const TensorView& tensor, size_t index) {
  const std::byte* const bytes = tensor.bytes.data();
  switch (tensor.type) {
    case DataType::kFloat32:
      return (reinterpret_cast<const int32_t*>(bytes)[index] & 0x7FFFFFFF) > 0x7F800000;
    case DataType::kFloat16:
      return (reinterpret_cast<const int16_t*>(bytes)[index] & 0x7FFF) > 0x7C00;
    case DataType::kBFloat16:
      return (reinterpret_cast<const int16_t*>(bytes)[index] & 0x7FFF) > 0x7F80;
  }
  return false;
}

}  // namespace

std::optional<size_t> first_non_finite(const TensorView& tensor) {
  const std::byte* const data = tensor.bytes.data();
  const size_t count = tensor.elements();
  switch (tensor.type) {
    case DataType::kFloat32:
      return first_above<int32_t>(data, count, 0x7FFFFFFF, 0x7F800000);
    case DataType::kFloat16:
      return first_above<int16_t>(data, count, 0x7FFF, 0x7C00);
    case DataType::kBFloat16:
      return first_above<int16_t>(data, count, 0x7FFF, 0x7F80);
  }
  return std::nullopt;
}

std::optional<NonFinite> find_non_finite(const Checkpoint& checkpoint) {
  constexpr size_t kChunk = size_t{1} << 20;  // elements
  struct Work {
    size_t tensor, begin;
    TensorView part;
  };
  const std::vector<std::string> names = checkpoint.tensor_names();
  std::vector<Work> work;
  for (size_t t = 0; t < names.size(); ++t) {
    const TensorView whole = checkpoint.tensor(names[t]);
    const size_t element = size_of(whole.type);
    for (size_t begin = 0; begin < whole.elements(); begin += kChunk) {
      const size_t count = std::min(kChunk, whole.elements() - begin);
      work.push_back(
          {t, begin, {whole.type, {}, whole.bytes.subspan(begin * element, count * element)}});
    }
  }
  // Smallest unit of work with a hit: the answer does not depend on which thread is faster.
  std::atomic<size_t> first{work.size()};
  ThreadPool pool;
  pool.parallel_for(work.size(), 1, [&](size_t begin, size_t end) {
    for (size_t w = begin; w < end; ++w) {
      if (w > first.load(std::memory_order_relaxed) || !first_non_finite(work[w].part)) continue;
      size_t seen = first.load(std::memory_order_relaxed);
      while (w < seen && !first.compare_exchange_weak(seen, w, std::memory_order_relaxed)) {
      }
    }
  });
  if (first == work.size()) return std::nullopt;
  const Work& hit = work[first];
  const size_t index = *first_non_finite(hit.part);
  return NonFinite{names[hit.tensor], hit.begin + index, nan_at(hit.part, index)};
}

void require_finite_weights(const Checkpoint& checkpoint) {
  const auto bad = find_non_finite(checkpoint);
  checkpoint.require_unchanged_files();
  if (!bad) return;
  throw Error::format(
      "{}: tensor {} holds {} (element {})",
      checkpoint.directory().empty() ? "random checkpoint" : checkpoint.directory().string(),
      bad->tensor, bad->is_nan ? "a NaN" : "an infinity", bad->index);
}

}  // namespace molgen3d
