// What the device did, as spans of a TraceRecorder: kernels, copies, graph launches and the calls
// that started them, from NVIDIA's CUPTI (opened at run time; nothing links to it). Kernels of a
// graph carry the GraphOperation (base/span_sink.h) under which they were captured.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "trace/record/span_writer.h"

namespace molgen3d {

enum class KernelDetail : uint8_t {
  kNone,
  kGraph,  ///< one span for each launch of a CUDA graph
  kNode,   ///< one span for each kernel, copy and fill in it: slows short kernels down
};

struct DeviceRecorderCounts {
  uint64_t records = 0;  ///< handed to the TraceRecorder
  uint64_t dropped = 0;  ///< by CUPTI, for want of buffers
};

class DeviceRecorder {
 public:
  /// Starts recording; call it before the first context and graph are made. Null when that is not
  /// possible (built without CUDA, no libcupti, another profiler attached), with the cause in
  /// `*why_not`. The recorder must outlive the result. One at a time in a process.
  static std::unique_ptr<DeviceRecorder> start(TraceRecorder& recorder, KernelDetail detail,
                                               std::string* why_not);
  virtual ~DeviceRecorder() = default;

  /// Hands over what is left and stops; the device must be idle. Idempotent; the destructor calls
  /// it.
  virtual void stop() = 0;
  virtual DeviceRecorderCounts counts() const = 0;
};

}  // namespace molgen3d
