#include "engine/cuda/geometry_upload.h"

#include <cstring>

#include "engine/cuda/launch.h"
#include "geometry/candidates.h"
#include "geometry/projection.h"

namespace molgen3d::cuda {

namespace {

/// Where the parts of a search's memory begin, in words; marks first, since they hold doubles.
struct Layout {
  explicit Layout(int atoms) {
    const auto n = static_cast<size_t>(atoms);
    size_t next = 0;
    const auto take = [&](size_t bytes) {
      const size_t at = next;
      next += (bytes + 7) / 8 * 2;
      return at;
    };
    marks = take((n + 1) * sizeof(geometry::Mark));
    at = take(n * sizeof(geometry::Position));
    witness = take(n * sizeof(geometry::Position));
    z_separator = take(n * sizeof(int32_t));
    feasible = take(geometry::kMaskWords * sizeof(uint32_t));
    projection = take(static_cast<size_t>(geometry::projection_words(atoms)) * sizeof(int32_t));
    set = next;
  }
  size_t marks, at, witness, z_separator, feasible, projection, set;
};

}  // namespace

DeviceMemory GeometryUpload::copy(const void* data, size_t bytes) {
  DeviceMemory memory(bytes, "geometry tables");
  check(cudaMemcpyAsync(memory.data(), data, bytes, cudaMemcpyHostToDevice, stream_),
        "copy of geometry tables");
  check(cudaStreamSynchronize(stream_), "copy of geometry tables");
  return memory;
}

DeviceGeometry GeometryUpload::prepare(const geometry::Program& program,
                                       const geometry::Mark& start, std::vector<int>& words) {
  if (directions_.data() == nullptr) {
    directions_ = copy(geometry::candidate_directions(),
                       geometry::kDirectionTable * sizeof(geometry::Position));
  }
  Texts& texts = texts_[program.texts.get()];
  if (texts.keep_alive == nullptr) {
    const std::vector<geometry::TokenText>& all = program.texts->of_token;
    texts.memory = copy(all.data(), all.size() * sizeof(geometry::TokenText));
    texts.keep_alive = program.texts;
  }
  DeviceGeometry out;
  out.texts = texts.memory.as<geometry::TokenText>();
  out.directions = directions_.as<geometry::Position>();
  out.numbers = program.texts->numbers;
  out.policy = program.policy;
  const Layout layout(program.set.view().atoms());
  words.assign(layout.set, 0);
  std::memcpy(words.data() + layout.marks, &start, sizeof start);
  words.insert(words.end(), program.set.words.begin(), program.set.words.end());
  return out;
}

void GeometryUpload::place(DeviceGeometry& geometry, int atoms, int* memory) {
  const Layout layout(atoms);
  geometry.set = memory + layout.set;
  geometry.memory.marks = reinterpret_cast<geometry::Mark*>(memory + layout.marks);
  geometry.memory.at = reinterpret_cast<geometry::Position*>(memory + layout.at);
  geometry.memory.witness = reinterpret_cast<geometry::Position*>(memory + layout.witness);
  geometry.memory.z_separator = memory + layout.z_separator;
  geometry.memory.feasible = reinterpret_cast<uint32_t*>(memory + layout.feasible);
  geometry.memory.projection = memory + layout.projection;
}

}  // namespace molgen3d::cuda
