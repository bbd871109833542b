// Reading a mapped file that has become shorter ends a process (SIGBUS). Guarded mappings read as
// zeros there instead, and the owner finds out afterwards: RegularFile::require_unchanged().
#pragma once

#include <cstddef>

namespace molgen3d {

/// Guards [data, data + size), a mapping of whole pages, while it lives. The process's handler of
/// SIGBUS is set by the first guard; faults elsewhere go on to the handler that was there before.
class MappingGuard {
 public:
  MappingGuard(const void* data, size_t size);
  ~MappingGuard();
  MappingGuard(const MappingGuard&) = delete;
  MappingGuard& operator=(const MappingGuard&) = delete;

  struct Range;

 private:
  Range* range_ = nullptr;
};

}  // namespace molgen3d
