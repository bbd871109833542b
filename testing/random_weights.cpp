#include "testing/random_weights.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdlib>
#include <cstring>
#include <map>
#include <new>
#include <string>

#include "base/thread_pool.h"

namespace molgen3d {
namespace {

constexpr size_t kAlignment = 64;
constexpr size_t kChunk = size_t{1} << 18;  // elements of one unit of work

/// Finalizer of SplitMix64 (Steele, Lea, Flood 2014): a bijection that passes as a counter-based
/// generator when fed multiples of an odd constant.
constexpr uint64_t mix(uint64_t x) {
  x = (x ^ (x >> 30)) * 0xBF58476D1CE4E5B9ULL;
  x = (x ^ (x >> 27)) * 0x94D049BB133111EBULL;
  return x ^ (x >> 31);
}
constexpr uint64_t kStep = 0x9E3779B97F4A7C15ULL;

/// 0.02 / sqrt(4 (2^32 - 1) / 12), the deviation of the sum of four 16-bit uniforms.
constexpr float kScale = 0.02F / 37837.22772F;

float bell(uint64_t bits) {
  const auto sum = static_cast<int32_t>((bits & 0xFFFF) + (bits >> 16 & 0xFFFF) +
                                        (bits >> 32 & 0xFFFF) + (bits >> 48));
  return static_cast<float>(sum - 2 * 65535) * kScale;
}

template <typename T, typename Convert>
void fill(std::byte* memory, size_t begin, size_t end, uint64_t base, bool norm, Convert convert) {
  T* const out = reinterpret_cast<T*>(memory);
  if (norm) {
    std::fill(out + begin, out + end, convert(1.0F));
    return;
  }
  for (size_t i = begin; i < end; ++i) out[i] = convert(bell(mix(base + i * kStep)));
}

}  // namespace

void WeightArena::Free::operator()(std::byte* memory) const {
  std::free(memory);
}

uint16_t to_bfloat16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  return static_cast<uint16_t>((bits + 0x7FFF + (bits >> 16 & 1)) >> 16);
}

uint16_t to_float16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  const uint32_t sign = bits >> 16 & 0x8000;
  const uint32_t magnitude = bits & 0x7FFFFFFF;
  if (magnitude > 0x7F800000) return static_cast<uint16_t>(sign | 0x7E00);   // NaN
  if (magnitude >= 0x477FF000) return static_cast<uint16_t>(sign | 0x7C00);  // >= 65520
  if (magnitude < 0x38800000) {  // below 2^-14: subnormal, in units of 2^-24
    const float units = std::bit_cast<float>(magnitude) * 16777216.0F;
    return static_cast<uint16_t>(sign | static_cast<uint32_t>(std::nearbyint(units)));
  }
  const uint32_t rebased = magnitude - (112U << 23);
  return static_cast<uint16_t>(sign | (rebased + 0xFFF + (rebased >> 13 & 1)) >> 13);
}

WeightArena random_weights(const std::vector<ExpectedTensor>& layout, uint64_t seed,
                           DataType type) {
  struct Work {
    size_t tensor, begin, end;
  };
  std::vector<size_t> offsets;
  std::vector<Work> work;
  size_t total = 0;
  const size_t element = size_of(type);
  std::vector<size_t> counts;
  for (size_t t = 0; t < layout.size(); ++t) {
    size_t count = 1;
    for (const int64_t length : layout[t].shape) count *= static_cast<size_t>(length);
    counts.push_back(count);
    offsets.push_back(total);
    total += (count * element + kAlignment - 1) / kAlignment * kAlignment;
    for (size_t begin = 0; begin < count; begin += kChunk) {
      work.push_back({t, begin, std::min(begin + kChunk, count)});
    }
  }
  WeightArena arena;
  arena.memory.reset(
      static_cast<std::byte*>(std::aligned_alloc(kAlignment, std::max(total, kAlignment))));
  if (!arena.memory) throw std::bad_alloc();
  for (size_t t = 0; t < layout.size(); ++t) {
    arena.tensors.emplace_back(arena.memory.get() + offsets[t], counts[t] * element);
  }
  ThreadPool pool;
  pool.parallel_for(work.size(), 1, [&](size_t first, size_t last) {
    for (size_t w = first; w < last; ++w) {
      const Work& unit = work[w];
      std::byte* const memory = arena.memory.get() + offsets[unit.tensor];
      const uint64_t base = mix(mix(seed + kStep) + (unit.tensor + 1) * kStep);
      const bool norm = layout[unit.tensor].is_norm();
      switch (type) {
        case DataType::kFloat32:
          fill<float>(memory, unit.begin, unit.end, base, norm, [](float x) { return x; });
          break;
        case DataType::kFloat16:
          fill<uint16_t>(memory, unit.begin, unit.end, base, norm, to_float16);
          break;
        case DataType::kBFloat16:
          fill<uint16_t>(memory, unit.begin, unit.end, base, norm, to_bfloat16);
          break;
      }
    }
  });
  return arena;
}

std::shared_ptr<const Checkpoint> random_checkpoint(const ModelConfig& config, uint64_t seed,
                                                    DataType type) {
  const std::vector<ExpectedTensor> layout = tensor_layout(config);
  auto arena = std::make_shared<WeightArena>(random_weights(layout, seed, type));
  std::map<std::string, TensorView> tensors;
  for (size_t i = 0; i < layout.size(); ++i) {
    tensors.emplace(layout[i].name, TensorView{type, layout[i].shape, arena->tensors[i]});
  }
  ModelConfig stored = config;
  stored.data_type = type;
  GenerationConfig generation;
  generation.end_of_sequence = {config.vocabulary - 1};
  return Checkpoint::in_memory(stored, generation, tensors, std::move(arena));
}

}  // namespace molgen3d
