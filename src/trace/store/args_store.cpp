#include "trace/store/args_store.h"

#include "base/error.h"

namespace molgen3d::trace {

std::string args_text(const Trace& trace, uint32_t row) {
  const ArgsRef ref = trace.slices.args[row];
  if (ref == 0 || !trace.source) return "";
  if (!trace.source_scanned) {
    std::vector<char> buffer(1 << 20);
    while (trace.source->read(buffer.data(), buffer.size()) == buffer.size()) {
    }
    trace.source_scanned = true;
  }
  return trace.source->read_at(args_offset(ref), args_length(ref));
}

const ArgLeaf* find_arg(const std::vector<ArgLeaf>& leaves, std::string_view key) {
  for (const std::string_view prefix : {"args.", "debug."}) {
    if (key.starts_with(prefix)) {
      key.remove_prefix(prefix.size());
      break;
    }
  }
  for (const ArgLeaf& leaf : leaves) {
    if (leaf.key == key) return &leaf;
  }
  return nullptr;
}

}  // namespace molgen3d::trace
