#include "engine/cpu/cpu_operations.h"
#include "engine/cpu/extent.h"

namespace molgen3d {

CpuMemory cpu_memory(const ModelConfig& config, const CpuOptions& options) {
  const cpu::Shape shape(config);
  const cpu::Extent extent(shape, config, options);
  const size_t element = size_of(options.compute);
  CpuMemory memory;
  memory.weights = element * shape.weight_elements(config.tied_embeddings,
                                                   static_cast<size_t>(config.vocabulary));
  memory.page = element * extent.page * shape.layers;
  memory.activations = element * options.rows * extent.row(shape);
  memory.gathered = element * extent.gather;
  memory.tables = sizeof(float) * extent.positions * shape.dim;
  memory.threads = extent.threads * extent.scratch_bytes(shape, element);
  return memory;
}

}  // namespace molgen3d
