#include <unistd.h>

#include <algorithm>
#include <fstream>
#include <string>
#include <thread>

#include "base/error.h"
#include "engine/cpu/cpu_operations.h"
#include "engine/host_backend.h"

namespace molgen3d {
namespace {

/// Bytes that can be had without swapping: the kernel's estimate, else half of what is installed.
size_t available_memory() {
  std::ifstream info("/proc/meminfo");
  for (std::string key, unit; info >> key;) {
    size_t kib = 0;
    if (!(info >> kib)) break;
    if (key == "MemAvailable:") return kib * 1024;
    std::getline(info, unit);
  }
  const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
  return pages > 0 && size > 0 ? static_cast<size_t>(pages) * static_cast<size_t>(size) / 2 : 0;
}

CpuOptions cpu_options(const BackendOptions& options, size_t pages) {
  CpuOptions cpu;
  cpu.compute = options.compute;
  cpu.pages = pages;
  cpu.threads = options.threads;
  cpu.rows = host_pass_rows(options);
  return cpu;
}

}  // namespace

MemoryPlan plan_cpu_memory(const ModelConfig& config, const BackendOptions& options) {
  const auto plan_for = [&](size_t pages) {
    const CpuMemory memory = cpu_memory(config, cpu_options(options, pages));
    MemoryPlan plan;
    plan.weight_bytes = memory.weights;
    plan.page_bytes = memory.page;
    plan.pages = pages;
    plan.scratch_bytes = memory.scratch() + host_scratch_bytes(config, options);
    plan.slots = options.slots;
    return plan;
  };
  const size_t available = available_memory();
  const size_t wanted = options.kv_tokens != 0
                            ? options.kv_tokens
                            : options.slots * static_cast<size_t>(config.max_positions);
  MemoryPlan plan = plan_for(std::max<size_t>((wanted + kPageTokens - 1) / kPageTokens, 1));
  if (options.kv_tokens == 0) {
    // Leave a tenth to the rest of the system.
    const size_t fixed = plan.weight_bytes + plan.scratch_bytes, room = available / 10 * 9;
    const size_t most = room > fixed ? (room - fixed) / plan.page_bytes : 0;
    plan = plan_for(std::clamp<size_t>(most, 1, plan.pages));
  }
  if (plan.total_bytes() > available) {
    throw Error::format(
        "cpu: weights, {} pages of keys and values and scratch need {:.1f} MiB, but {:.1f} MiB are "
        "free",
        plan.pages, static_cast<double>(plan.total_bytes()) / (1 << 20),
        static_cast<double>(available) / (1 << 20));
  }
  return plan;
}

std::unique_ptr<Backend> make_cpu_backend(std::shared_ptr<const Checkpoint> checkpoint,
                                          const BackendOptions& options) {
  if (options.fp8_cache) throw Error("cpu: keys and values in fp8 need the CUDA backend");
  const MemoryPlan plan = plan_cpu_memory(checkpoint->config(), options);
  const CpuOptions cpu = cpu_options(options, plan.pages);
  const size_t threads =
      cpu.threads != 0 ? cpu.threads : std::max(1U, std::thread::hardware_concurrency());
  std::string description = "CPU (" + cpu_kernels_description(cpu) + ", " +
                            data_type_name(cpu.compute) + ", " + std::to_string(threads) +
                            (threads == 1 ? " thread)" : " threads)");
  return make_host_backend(make_cpu_operations(*checkpoint, cpu), plan, options,
                           std::move(description));
}

}  // namespace molgen3d
