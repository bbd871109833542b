// Built without CUPTI's headers (CUDA 13 or later).
#include "trace/record/device_recorder.h"

namespace molgen3d {

std::unique_ptr<DeviceRecorder> DeviceRecorder::start(TraceRecorder& /*recorder*/,
                                                      KernelDetail detail, std::string* why_not) {
  if (why_not != nullptr) {
    *why_not = detail == KernelDetail::kNone ? "not asked for" : "built without CUPTI";
  }
  return nullptr;
}

}  // namespace molgen3d
