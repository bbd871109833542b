// Activity records of CUPTI to spans. CUPTI fills buffers on threads of its own and gives them back
// full or every kFlushMs; one static recorder receives them, because CUPTI's callbacks carry no
// user data. Nothing of ours is locked while CUPTI is called: it holds locks of its own in
// callbacks.
#include <cupti.h>
#include <cxxabi.h>
#include <fmt/format.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <mutex>
#include <unordered_map>
#include <vector>

#include "trace/record/cupti_library.h"
#include "trace/record/device_recorder.h"

namespace molgen3d {
namespace {

constexpr size_t kBufferBytes = size_t{4} << 20;
constexpr size_t kBufferAlignment = 8;
constexpr uint32_t kFlushMs = 200;

/// Calls that start nothing and that frameworks make all the time.
constexpr CUpti_CallbackId kChatty[] = {CUPTI_RUNTIME_TRACE_CBID_cudaGetDevice_v3020,
                                        CUPTI_RUNTIME_TRACE_CBID_cudaSetDevice_v3020,
                                        CUPTI_RUNTIME_TRACE_CBID_cudaGetLastError_v3020,
                                        CUPTI_RUNTIME_TRACE_CBID_cudaPeekAtLastError_v3020,
                                        CUPTI_RUNTIME_TRACE_CBID_cudaDeviceGetAttribute_v5000,
                                        CUPTI_RUNTIME_TRACE_CBID_cudaFuncSetAttribute_v9000,
                                        CUPTI_RUNTIME_TRACE_CBID_cudaStreamIsCapturing_v10000,
                                        CUPTI_RUNTIME_TRACE_CBID___cudaPushCallConfiguration_v13000,
                                        CUPTI_RUNTIME_TRACE_CBID___cudaPopCallConfiguration_v13000};

std::string demangled(const char* name) {
  int status = 0;
  char* text = abi::__cxa_demangle(name, nullptr, nullptr, &status);
  std::string out = status == 0 && text != nullptr ? text : name;
  std::free(text);
  return out;
}

/// "cudaGraphLaunch_v10000" -> "cudaGraphLaunch".
std::string call_name(const char* name) {
  std::string out = name;
  const size_t at = out.rfind("_v");
  if (at != std::string::npos && at + 2 < out.size() &&
      out.find_first_not_of("0123456789", at + 2) == std::string::npos) {
    out.resize(at);
  }
  return out;
}

const char* copy_name(uint8_t kind) {
  switch (kind) {
    case CUPTI_ACTIVITY_MEMCPY_KIND_HTOD:
      return "Memcpy HtoD";
    case CUPTI_ACTIVITY_MEMCPY_KIND_DTOH:
      return "Memcpy DtoH";
    case CUPTI_ACTIVITY_MEMCPY_KIND_DTOD:
      return "Memcpy DtoD";
    case CUPTI_ACTIVITY_MEMCPY_KIND_HTOH:
      return "Memcpy HtoH";
    case CUPTI_ACTIVITY_MEMCPY_KIND_PTOP:
      return "Memcpy PtoP";
    default:
      return "Memcpy";
  }
}

class CuptiRecorder : public DeviceRecorder {
 public:
  CuptiRecorder(TraceRecorder& recorder, const CuptiLibrary& cupti, KernelDetail detail);
  ~CuptiRecorder() override { stop(); }

  /// Empty on success, else the cause.
  std::string begin();
  void stop() override;
  DeviceRecorderCounts counts() const override { return {records_.load(), dropped_.load()}; }

 private:
  static void CUPTIAPI request(uint8_t** buffer, size_t* size, size_t* most);
  static void CUPTIAPI complete(CUcontext context, uint32_t stream, uint8_t* buffer, size_t size,
                                size_t valid);
  static void CUPTIAPI on_resource(void* self, CUpti_CallbackDomain domain, CUpti_CallbackId id,
                                   const void* data);
  static uint64_t CUPTIAPI timestamp() { return SpanSink::now_ns(); }

  void take(CUcontext context, uint32_t stream, uint8_t* buffer, size_t valid);
  bool convert(const CUpti_Activity& record, DeviceSpan& span);
  void set_node(uint64_t node, DeviceSpan& span);
  uint32_t name_of(const char* text, std::string (*spelled)(const char*));
  std::string failed(const char* what, CUptiResult result) const;

  TraceRecorder& recorder_;
  const CuptiLibrary& cupti_;
  KernelDetail detail_;
  CUpti_SubscriberHandle subscriber_ = nullptr;
  std::vector<CUpti_ActivityKind> enabled_;
  bool running_ = false;
  std::atomic<uint64_t> records_{0}, dropped_{0};

  std::mutex mutex_;  // names and nodes; never held while CUPTI is called
  std::unordered_map<const char*, uint32_t> names_;  ///< CUPTI shares one text per kernel
  std::unordered_map<uint64_t, GraphOperation> nodes_;
};

// Buffers may come back as long as the process lives.
std::atomic<CuptiRecorder*> active{nullptr};
std::atomic<int> receiving{0};

CuptiRecorder::CuptiRecorder(TraceRecorder& recorder, const CuptiLibrary& cupti,
                             KernelDetail detail)
    : recorder_(recorder), cupti_(cupti), detail_(detail) {}

std::string CuptiRecorder::failed(const char* what, CUptiResult result) const {
  const char* text = nullptr;
  cupti_.result_string(result, &text);
  return fmt::format("CUPTI: {}: {}", what, text != nullptr ? text : "unknown error");
}

std::string CuptiRecorder::begin() {
  if (const auto r = cupti_.subscribe(&subscriber_, on_resource, this); r != CUPTI_SUCCESS) {
    subscriber_ = nullptr;
    return failed("no driver, or another profiler is attached", r);
  }
  // Before any kind of record is enabled: the clock of our own spans.
  if (const auto r = cupti_.register_timestamp(timestamp); r != CUPTI_SUCCESS)
    return failed("clock", r);
  for (const CUpti_CallbackId id :
       {CUPTI_CBID_RESOURCE_GRAPHNODE_CREATED, CUPTI_CBID_RESOURCE_GRAPHNODE_CLONED}) {
    if (const auto r = cupti_.enable_callback(1, subscriber_, CUPTI_CB_DOMAIN_RESOURCE, id);
        r != CUPTI_SUCCESS)
      return failed("graph nodes", r);
  }
  cupti_.set_thread_id_type(CUPTI_ACTIVITY_THREAD_ID_TYPE_SYSTEM);
  if (const auto r = cupti_.register_callbacks(request, complete); r != CUPTI_SUCCESS)
    return failed("buffers", r);
  active = this;
  running_ = true;
  std::vector<CUpti_ActivityKind> wanted = {CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL,
                                            CUPTI_ACTIVITY_KIND_MEMCPY, CUPTI_ACTIVITY_KIND_MEMSET,
                                            CUPTI_ACTIVITY_KIND_RUNTIME};
  if (detail_ == KernelDetail::kGraph) wanted.push_back(CUPTI_ACTIVITY_KIND_GRAPH_TRACE);
  for (const CUpti_ActivityKind kind : wanted) {
    if (const auto r = cupti_.enable(kind); r != CUPTI_SUCCESS) return failed("activity", r);
    enabled_.push_back(kind);
  }
  for (const CUpti_CallbackId id : kChatty) cupti_.enable_runtime_api(id, 0);
  cupti_.flush_period(kFlushMs);
  return "";
}

void CuptiRecorder::stop() {
  if (running_) {
    running_ = false;
    cupti_.flush_period(0);
    cupti_.flush_all(CUPTI_ACTIVITY_FLAG_FLUSH_FORCED);
    for (const CUpti_ActivityKind kind : enabled_) cupti_.disable(kind);
    active = nullptr;
    while (receiving.load() > 0) {
    }
  }
  if (subscriber_ != nullptr) {
    cupti_.unsubscribe(subscriber_);
    subscriber_ = nullptr;
  }
}

void CuptiRecorder::request(uint8_t** buffer, size_t* size, size_t* most) {
  *most = 0;  // as many as fit
  *buffer = static_cast<uint8_t*>(std::aligned_alloc(kBufferAlignment, kBufferBytes));
  *size = *buffer != nullptr ? kBufferBytes : 0;
}

void CuptiRecorder::complete(CUcontext context, uint32_t stream, uint8_t* buffer, size_t /*size*/,
                             size_t valid) {
  ++receiving;
  CuptiRecorder* self = active;
  try {
    if (self != nullptr && valid > 0) self->take(context, stream, buffer, valid);
  } catch (const std::bad_alloc&) {
    ++self->dropped_;
  }
  --receiving;
  std::free(buffer);
}

void CuptiRecorder::take(CUcontext context, uint32_t stream, uint8_t* buffer, size_t valid) {
  std::vector<DeviceSpan> spans;
  CUpti_Activity* record = nullptr;
  while (cupti_.next_record(buffer, valid, &record) == CUPTI_SUCCESS) {
    DeviceSpan span;
    if (convert(*record, span)) spans.push_back(span);
  }
  // Lanes are filled in the order of the beginnings; CUPTI writes records as they end.
  std::stable_sort(spans.begin(), spans.end(), [](const DeviceSpan& a, const DeviceSpan& b) {
    return a.begin_ns < b.begin_ns;
  });
  recorder_.add_device_spans(spans);
  records_ += spans.size();
  size_t lost = 0;
  if (cupti_.dropped_records(context, stream, &lost) == CUPTI_SUCCESS) dropped_ += lost;
}

uint32_t CuptiRecorder::name_of(const char* text, std::string (*spelled)(const char*)) {
  {
    const std::lock_guard lock(mutex_);
    if (const auto found = names_.find(text); found != names_.end()) return found->second;
  }
  const uint32_t id = recorder_.intern(spelled(text));
  const std::lock_guard lock(mutex_);
  names_.emplace(text, id);
  return id;
}

void CuptiRecorder::set_node(uint64_t node, DeviceSpan& span) {
  if (node == 0) return;
  span.graph_node = static_cast<int64_t>(node);
  GraphOperation operation;
  {
    const std::lock_guard lock(mutex_);
    const auto found = nodes_.find(node);
    if (found == nodes_.end()) return;
    operation = found->second;
  }
  span.operation = name_of(operation.name, [](const char* name) { return std::string(name); });
  span.layer = operation.layer;
}

bool CuptiRecorder::convert(const CUpti_Activity& record, DeviceSpan& span) {
  constexpr auto as_is = [](const char* name) { return std::string(name); };
  const auto fill = [&](const auto& r, DeviceSpanKind kind) {
    span.kind = kind;
    span.begin_ns = r.start;
    span.end_ns = r.end;
    span.correlation = r.correlationId;
  };
  const auto on_stream = [&](const auto& r) {
    span.device = static_cast<int>(r.deviceId);
    span.lane = r.streamId;
  };
  switch (record.kind) {
    case CUPTI_ACTIVITY_KIND_KERNEL:
    case CUPTI_ACTIVITY_KIND_CONCURRENT_KERNEL: {
      const auto& r = reinterpret_cast<const CUpti_ActivityKernel10&>(record);
      fill(r, DeviceSpanKind::kKernel);
      on_stream(r);
      span.name = name_of(r.name != nullptr ? r.name : "kernel", demangled);
      set_node(r.graphNodeId, span);
      return true;
    }
    case CUPTI_ACTIVITY_KIND_MEMCPY: {
      const auto& r = reinterpret_cast<const CUpti_ActivityMemcpy6&>(record);
      fill(r, DeviceSpanKind::kCopy);
      on_stream(r);
      span.name = name_of(copy_name(r.copyKind), as_is);
      span.bytes = static_cast<int64_t>(r.bytes);
      set_node(r.graphNodeId, span);
      return true;
    }
    case CUPTI_ACTIVITY_KIND_MEMSET: {
      const auto& r = reinterpret_cast<const CUpti_ActivityMemset4&>(record);
      fill(r, DeviceSpanKind::kFill);
      on_stream(r);
      span.name = name_of("Memset", as_is);
      span.bytes = static_cast<int64_t>(r.bytes);
      set_node(r.graphNodeId, span);
      return true;
    }
    case CUPTI_ACTIVITY_KIND_GRAPH_TRACE: {
      const auto& r = reinterpret_cast<const CUpti_ActivityGraphTrace2&>(record);
      fill(r, DeviceSpanKind::kGraph);
      on_stream(r);
      span.name = recorder_.intern(fmt::format("graph {}", r.graphId));
      return true;
    }
    case CUPTI_ACTIVITY_KIND_RUNTIME: {
      const auto& r = reinterpret_cast<const CUpti_ActivityAPI&>(record);
      fill(r, DeviceSpanKind::kRuntime);
      span.lane = r.threadId;
      const char* name = nullptr;
      if (cupti_.callback_name(CUPTI_CB_DOMAIN_RUNTIME_API, r.cbid, &name) != CUPTI_SUCCESS ||
          name == nullptr) {
        name = "cuda call";
      }
      span.name = name_of(name, call_name);
      return true;
    }
    default:
      return false;
  }
}

// A captured node is cloned when the graph is instantiated; what runs is the clone.
void CuptiRecorder::on_resource(void* user, CUpti_CallbackDomain domain, CUpti_CallbackId id,
                                const void* data) {
  if (domain != CUPTI_CB_DOMAIN_RESOURCE) return;
  auto& self = *static_cast<CuptiRecorder*>(user);
  const auto* resource = static_cast<const CUpti_ResourceData*>(data);
  const auto* graph = static_cast<const CUpti_GraphData*>(resource->resourceDescriptor);
  uint64_t node = 0, original = 0;
  if (self.cupti_.graph_node_id(graph->node, &node) != CUPTI_SUCCESS) return;
  if (id == CUPTI_CBID_RESOURCE_GRAPHNODE_CLONED &&
      self.cupti_.graph_node_id(graph->originalNode, &original) != CUPTI_SUCCESS) {
    return;
  }
  try {
    const std::lock_guard lock(self.mutex_);
    if (id == CUPTI_CBID_RESOURCE_GRAPHNODE_CREATED) {
      if (graph_operation.name != nullptr) self.nodes_[node] = graph_operation;
    } else if (const auto found = self.nodes_.find(original); found != self.nodes_.end()) {
      const GraphOperation operation = found->second;
      self.nodes_[node] = operation;
    }
  } catch (const std::bad_alloc&) {
    ++self.dropped_;  // the kernel stays without its operation
  }
}

}  // namespace

std::unique_ptr<DeviceRecorder> DeviceRecorder::start(TraceRecorder& recorder, KernelDetail detail,
                                                      std::string* why_not) {
  std::string ignored;
  std::string& cause = why_not != nullptr ? *why_not : ignored;
  if (detail == KernelDetail::kNone) {
    cause = "not asked for";
    return nullptr;
  }
  if (active.load() != nullptr) {
    cause = "another recording runs";
    return nullptr;
  }
  const CuptiLibrary* cupti = CuptiLibrary::load(cause);
  if (cupti == nullptr) return nullptr;
  auto out = std::make_unique<CuptiRecorder>(recorder, *cupti, detail);
  cause = out->begin();
  if (!cause.empty()) return nullptr;
  return out;
}

}  // namespace molgen3d
