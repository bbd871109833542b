#include "trace/record/cupti_library.h"

#include <dlfcn.h>
#include <fmt/format.h>

#include <cstdlib>

namespace molgen3d {

namespace {

void* open_library() {
  if (const char* path = std::getenv("MOLGEN3D_CUPTI")) return dlopen(path, RTLD_NOW);
  for (const char* path : {"libcupti.so.13", "/usr/local/cuda/lib64/libcupti.so.13",
                           "/usr/local/cuda/extras/CUPTI/lib64/libcupti.so.13", "libcupti.so"}) {
    if (void* handle = dlopen(path, RTLD_NOW)) return handle;
  }
  return nullptr;
}

template <typename Function>
bool find(void* handle, const char* name, Function& function) {
  function = reinterpret_cast<Function>(dlsym(handle, name));
  return function != nullptr;
}

bool find_all(void* handle, CuptiLibrary& c) {
  return find(handle, "cuptiSubscribe", c.subscribe) &&
         find(handle, "cuptiUnsubscribe", c.unsubscribe) &&
         find(handle, "cuptiEnableCallback", c.enable_callback) &&
         find(handle, "cuptiGetCallbackName", c.callback_name) &&
         find(handle, "cuptiGetResultString", c.result_string) &&
         find(handle, "cuptiGetVersion", c.version) &&
         find(handle, "cuptiGetGraphNodeId", c.graph_node_id) &&
         find(handle, "cuptiSetThreadIdType", c.set_thread_id_type) &&
         find(handle, "cuptiActivityRegisterTimestampCallback", c.register_timestamp) &&
         find(handle, "cuptiActivityRegisterCallbacks", c.register_callbacks) &&
         find(handle, "cuptiActivityEnable", c.enable) &&
         find(handle, "cuptiActivityDisable", c.disable) &&
         find(handle, "cuptiActivityEnableRuntimeApi", c.enable_runtime_api) &&
         find(handle, "cuptiActivityFlushPeriod", c.flush_period) &&
         find(handle, "cuptiActivityFlushAll", c.flush_all) &&
         find(handle, "cuptiActivityGetNextRecord", c.next_record) &&
         find(handle, "cuptiActivityGetNumDroppedRecords", c.dropped_records);
}

}  // namespace

const CuptiLibrary* CuptiLibrary::load(std::string& why_not) {
  static CuptiLibrary library;
  static bool loaded = false;
  if (loaded) return &library;
  void* handle = open_library();
  if (handle == nullptr) {
    const char* cause = dlerror();
    why_not = fmt::format("CUPTI cannot be loaded: {}", cause != nullptr ? cause : "not found");
    return nullptr;
  }
  if (!find_all(handle, library)) {
    why_not = "this libcupti lacks functions that recording needs";
    return nullptr;
  }
  // Records have the layout of the library's version, and only grow at the end.
  uint32_t version = 0;
  library.version(&version);
  if (version < CUPTI_API_VERSION / 10000 * 10000) {
    why_not = fmt::format("libcupti has version {}, but {} is needed", version, CUPTI_API_VERSION);
    return nullptr;
  }
  loaded = true;
  return &library;
}

}  // namespace molgen3d
