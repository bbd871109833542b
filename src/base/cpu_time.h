// Processor time of this process.
#pragma once

#include <time.h>

namespace molgen3d {

/// Of all threads since the process began, seconds: what else the machine does changes it little.
inline double cpu_seconds() {
  timespec used{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
  return static_cast<double>(used.tv_sec) + 1e-9 * static_cast<double>(used.tv_nsec);
}

}  // namespace molgen3d
