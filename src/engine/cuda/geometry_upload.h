// Hard sets and searches as the sample kernel reads them, on the device.
#pragma once

#include <memory>
#include <unordered_map>
#include <vector>

#include "engine/cuda/device_memory.h"
#include "engine/cuda/step_types.h"
#include "geometry/program.h"

namespace molgen3d::cuda {

/// Words of a sequence's search held for every slot: the tables of 60 atoms and more; larger
/// molecules get their own memory.
inline constexpr size_t kGeometryWords = 5120;

/// Keeps what searches share (texts of tokens, directions) on the device, uploaded once.
class GeometryUpload {
 public:
  explicit GeometryUpload(cudaStream_t stream) : stream_(stream) {}

  /// The memory of one sequence's search as it enters, as words, and the struct that refers to it.
  /// `start`: the sequence before its first generated token.
  DeviceGeometry prepare(const geometry::Program& program, const geometry::Mark& start,
                         std::vector<int>& words);
  /// Points the struct into the memory that the words were copied to.
  static void place(DeviceGeometry& geometry, int atoms, int* memory);

 private:
  struct Texts {
    std::shared_ptr<const geometry::TokenTexts> keep_alive;
    DeviceMemory memory;
  };
  DeviceMemory copy(const void* data, size_t bytes);

  cudaStream_t stream_;
  DeviceMemory directions_;
  std::unordered_map<const void*, Texts> texts_;
};

}  // namespace molgen3d::cuda
