// The functions of NVIDIA's CUPTI that we call, found at run time: the library is closed, belongs
// to the CUDA toolkit, and is needed by nobody who does not profile.
#pragma once

#include <cupti.h>

#include <string>

namespace molgen3d {

struct CuptiLibrary {
  decltype(&::cuptiSubscribe) subscribe;
  decltype(&::cuptiUnsubscribe) unsubscribe;
  decltype(&::cuptiEnableCallback) enable_callback;
  decltype(&::cuptiGetCallbackName) callback_name;
  decltype(&::cuptiGetResultString) result_string;
  decltype(&::cuptiGetVersion) version;
  decltype(&::cuptiGetGraphNodeId) graph_node_id;
  decltype(&::cuptiSetThreadIdType) set_thread_id_type;
  decltype(&::cuptiActivityRegisterTimestampCallback) register_timestamp;
  decltype(&::cuptiActivityRegisterCallbacks) register_callbacks;
  decltype(&::cuptiActivityEnable) enable;
  decltype(&::cuptiActivityDisable) disable;
  decltype(&::cuptiActivityEnableRuntimeApi) enable_runtime_api;
  decltype(&::cuptiActivityFlushPeriod) flush_period;
  decltype(&::cuptiActivityFlushAll) flush_all;
  decltype(&::cuptiActivityGetNextRecord) next_record;
  decltype(&::cuptiActivityGetNumDroppedRecords) dropped_records;

  /// Loads it once, for good. Null when it is not there or too old, with the cause in `why_not`.
  /// $MOLGEN3D_CUPTI names another file than the ones that the loader and the toolkit know.
  static const CuptiLibrary* load(std::string& why_not);
};

}  // namespace molgen3d
