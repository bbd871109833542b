#include "checkpoint/mapping_guard.h"

#include <sys/mman.h>
#include <unistd.h>

#include <atomic>
#include <csignal>
#include <cstdint>
#include <mutex>

namespace molgen3d {

/// One guarded mapping. Never freed, but used again: the handler may look at any time.
struct MappingGuard::Range {
  std::atomic<uintptr_t> begin{0};  ///< 0: not in use
  std::atomic<uintptr_t> end{0};
  Range* next = nullptr;
};

namespace {

std::mutex adding;
std::atomic<MappingGuard::Range*> ranges{nullptr};
struct sigaction previous;
uintptr_t page_size = 4096;

/// Only calls that are safe in a handler. What lies behind the missing page is missing, too.
void fill_with_zeros(int, siginfo_t* info, void*) {
  const auto address = reinterpret_cast<uintptr_t>(info->si_addr);
  for (const MappingGuard::Range* range = ranges.load(std::memory_order_acquire); range != nullptr;
       range = range->next) {
    const uintptr_t begin = range->begin.load(std::memory_order_acquire), end = range->end.load();
    if (begin == 0 || address < begin || address >= end) continue;
    const uintptr_t page = address & ~(page_size - 1);
    const void* const filled =
        ::mmap(reinterpret_cast<void*>(page), end - page, PROT_READ,
               MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_NORESERVE, -1, 0);
    if (filled != MAP_FAILED) return;
  }
  // Not ours: the access is repeated and meets whoever was there before.
  ::sigaction(SIGBUS, &previous, nullptr);
}

void install_once() {
  static const bool installed = [] {
    page_size = static_cast<uintptr_t>(::sysconf(_SC_PAGESIZE));
    struct sigaction action {};
    action.sa_sigaction = fill_with_zeros;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    ::sigemptyset(&action.sa_mask);
    return ::sigaction(SIGBUS, &action, &previous) == 0;
  }();
  static_cast<void>(installed);
}

}  // namespace

MappingGuard::MappingGuard(const void* data, size_t size) {
  const std::lock_guard lock(adding);
  install_once();
  range_ = ranges.load();
  while (range_ != nullptr && range_->begin != 0) range_ = range_->next;
  if (range_ == nullptr) {
    range_ = new Range;
    range_->next = ranges.load();
    ranges.store(range_, std::memory_order_release);
  }
  const auto begin = reinterpret_cast<uintptr_t>(data);
  range_->end = begin + size;
  range_->begin.store(begin, std::memory_order_release);
}

MappingGuard::~MappingGuard() {
  if (range_ != nullptr) range_->begin = 0;
}

}  // namespace molgen3d
