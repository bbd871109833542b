// Events that come in halves: begin with end on a thread, asynchronous ones by their id.
#include <algorithm>

#include "trace/trace_builder.h"

namespace molgen3d::trace {

// Begin and end events in time order: an end closes the innermost open begin of its thread with
// its name (an end without a name closes any).
void TraceBuilder::pair_threads() {
  std::stable_sort(halves_.begin(), halves_.end(),
                   [](const Half& a, const Half& b) { return a.ts < b.ts; });
  std::unordered_map<uint32_t, std::vector<uint32_t>> open;
  for (uint32_t i = 0; i < halves_.size(); ++i) {
    const Half& h = halves_[i];
    std::vector<uint32_t>& stack = open[h.track];
    if (h.phase == 'B') {
      stack.push_back(i);
      continue;
    }
    // A hostile file could open millions and close none of them; nobody nests this deep.
    const size_t deepest = stack.size() > 4096 ? stack.size() - 4096 : 0;
    size_t at = stack.size();
    while (at > deepest) {
      const Half& b = halves_[stack[at - 1]];
      if ((h.name == 0 || h.name == b.name) &&
          (h.category == 0 || b.category == 0 || h.category == b.category)) {
        break;
      }
      --at;
    }
    if (at == deepest) {
      ++trace_.issue_counts["an end without a begin"];
      continue;
    }
    const Half b = halves_[stack[at - 1]];
    stack.erase(stack.begin() + static_cast<std::ptrdiff_t>(at) - 1);
    add_row(b.ts, h.ts - b.ts, b.name, b.category, b.track, SliceKind::kBeginEnd, nullptr,
            b.args != 0 ? b.args : h.args);
  }
  std::vector<uint32_t> unclosed;
  for (const auto& [track, stack] : open)
    unclosed.insert(unclosed.end(), stack.begin(), stack.end());
  std::sort(unclosed.begin(), unclosed.end());
  for (const uint32_t i : unclosed) {
    const Half& b = halves_[i];
    add_row(b.ts, kOpen, b.name, b.category, b.track, SliceKind::kUnclosed, nullptr, b.args);
  }
  halves_ = {};
}

void TraceBuilder::pair_async() {
  std::stable_sort(async_halves_.begin(), async_halves_.end(),
                   [](const Half& a, const Half& b) { return a.ts < b.ts; });
  std::unordered_map<uint64_t, std::vector<uint32_t>> open;
  for (uint32_t i = 0; i < async_halves_.size(); ++i) {
    const Half& h = async_halves_[i];
    if (h.phase == 'n' || h.phase == 'T' || h.phase == 'p') {
      add_row(h.ts, 0, h.name, h.category, h.track, SliceKind::kAsync, nullptr, h.args);
      continue;
    }
    std::vector<uint32_t>& stack = open[h.key];
    if (h.phase == 'b' || h.phase == 'S') {
      stack.push_back(i);
    } else if (stack.empty()) {
      ++trace_.issue_counts["an end without a begin"];
    } else {
      const Half& b = async_halves_[stack.back()];
      stack.pop_back();
      add_row(b.ts, h.ts - b.ts, b.name, b.category, b.track, SliceKind::kAsync, nullptr, b.args);
    }
  }
  std::vector<uint32_t> unclosed;
  for (const auto& [key, stack] : open) unclosed.insert(unclosed.end(), stack.begin(), stack.end());
  std::sort(unclosed.begin(), unclosed.end());
  for (const uint32_t i : unclosed) {
    const Half& b = async_halves_[i];
    add_row(b.ts, kOpen, b.name, b.category, b.track, SliceKind::kUnclosed, nullptr, b.args);
  }
  async_halves_ = {};
}

}  // namespace molgen3d::trace
