// Events that come in halves: begin with end on a thread, asynchronous ones by their id.
#include <algorithm>

#include "trace/read/trace_builder.h"

namespace molgen3d::trace {
namespace {

// Begins that wait for their end: those of one id, name and scope, newest last; and the same begins
// again with name or scope left open, for ends that do not say them.
class OpenBegins {
 public:
  void add(uint32_t begin, uint32_t group, StringId name, StringId scope) {
    for (const uint32_t open : {kExact, kAnyScope, kAnyName, kAnyName | kAnyScope}) {
      stacks_[key(group, name, scope, open)].push_back(begin);
    }
  }

  /// The newest begin that an end with this name and scope closes, kNoRow when there is none. An
  /// end's name (0: none) is the begin's, unless one of them has none; scopes likewise.
  uint32_t take(uint32_t group, StringId name, StringId scope) {
    const StringId names[] = {name, 0};
    for (int i = 0; i < (name != 0 ? 2 : 1); ++i) {
      const uint32_t any_name = name == 0 ? kAnyName : kExact;
      uint32_t found = pop(key(group, names[i], scope, any_name));
      if (found == kNoRow && scope != 0) found = pop(key(group, names[i], 0, any_name));
      if (found == kNoRow && scope == 0) found = pop(key(group, names[i], 0, any_name | kAnyScope));
      if (found != kNoRow) return found;
    }
    return kNoRow;
  }

 private:
  static constexpr uint32_t kExact = 0;
  static constexpr uint32_t kAnyScope = 1;
  static constexpr uint32_t kAnyName = 2;
  struct Key {
    uint32_t group;
    StringId name, scope;
    uint32_t open;
    bool operator==(const Key&) const = default;
  };
  static Key key(uint32_t group, StringId name, StringId scope, uint32_t open) {
    return {group, open & kAnyName ? 0 : name, open & kAnyScope ? 0 : scope, open};
  }

  uint32_t pop(const Key& key) {
    const auto at = stacks_.find(key);
    if (at == stacks_.end()) return kNoRow;
    std::vector<uint32_t>& stack = at->second;
    while (!stack.empty()) {
      const uint32_t begin = stack.back();
      stack.pop_back();
      if (begin >= taken_.size()) taken_.resize(begin + 1, false);
      if (taken_[begin]) continue;  // through another of its stacks
      taken_[begin] = true;
      return begin;
    }
    return kNoRow;
  }

  std::unordered_map<Key, std::vector<uint32_t>, SeededValueHash<Key>> stacks_;
  std::vector<bool> taken_;
};

}  // namespace

// Begin and end events in time order: an end closes the innermost open begin of its thread with
// its name (an end without a name closes any). Rows come in the order of the begins, so that slices
// of the same times keep the order of the file's stack.
void TraceBuilder::pair_threads() {
  std::stable_sort(halves_.begin(), halves_.end(),
                   [](const Half& a, const Half& b) { return a.ts < b.ts; });
  std::vector<uint32_t> end_of(halves_.size(), kNoRow);
  std::vector<uint32_t> inside(halves_.size(), kNoRow);  // begin that was innermost at a begin
  std::unordered_map<uint32_t, std::vector<uint32_t>> open;
  for (uint32_t i = 0; i < halves_.size(); ++i) {
    const Half& h = halves_[i];
    std::vector<uint32_t>& stack = open[h.track];
    if (h.phase == 'B') {
      if (!stack.empty()) inside[i] = stack.back();
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
    end_of[stack[at - 1]] = i;
    stack.erase(stack.begin() + static_cast<std::ptrdiff_t>(at) - 1);
  }
  paired_.first = static_cast<uint32_t>(trace_.slices.size());
  std::vector<uint32_t> row_of(halves_.size(), kNoRow);
  for (uint32_t i = 0, row = paired_.first; i < halves_.size(); ++i) {
    const Half& b = halves_[i];
    if (b.phase != 'B') continue;
    row_of[i] = row++;
    paired_.rows_before.push_back(b.rows_before);
    if (end_of[i] == kNoRow) {
      add_row(b.ts, kOpen, b.name, b.category, b.track, SliceKind::kUnclosed, nullptr, b.args);
      continue;
    }
    const Half& e = halves_[end_of[i]];
    add_row(b.ts, e.ts - b.ts, b.name, b.category, b.track, SliceKind::kBeginEnd, nullptr,
            b.args != 0 ? b.args : e.args);
    if (e.ts == b.ts) {
      stack_order_.push_back({row_of[i], inside[i] == kNoRow ? kNoRow : row_of[inside[i]]});
    }
  }
  halves_ = {};
}

// Asynchronous events of one id: an end closes the newest begin with its name and scope.
void TraceBuilder::pair_async() {
  std::stable_sort(async_halves_.begin(), async_halves_.end(),
                   [](const Half& a, const Half& b) { return a.ts < b.ts; });
  std::vector<uint32_t> end_of(async_halves_.size(), kNoRow);
  OpenBegins open;
  for (uint32_t i = 0; i < async_halves_.size(); ++i) {
    const Half& h = async_halves_[i];
    if (h.phase == 'b' || h.phase == 'S') {
      open.add(i, h.group, h.name, h.scope);
    } else if (h.phase == 'e' || h.phase == 'F') {
      const uint32_t begin = open.take(h.group, h.name, h.scope);
      if (begin != kNoRow) {
        end_of[begin] = i;
      } else {
        ++trace_.issue_counts["an end without a begin"];
      }
    }
  }
  for (uint32_t i = 0; i < async_halves_.size(); ++i) {
    const Half& b = async_halves_[i];
    if (b.phase == 'e' || b.phase == 'F') continue;
    const bool begin = b.phase == 'b' || b.phase == 'S';
    const bool unclosed = begin && end_of[i] == kNoRow;
    const int64_t dur = unclosed ? kOpen : begin ? async_halves_[end_of[i]].ts - b.ts : 0;
    add_row(b.ts, dur, b.name, b.category, b.track,
            unclosed ? SliceKind::kUnclosed : SliceKind::kAsync, nullptr, b.args);
  }
  async_halves_ = {};
}

}  // namespace molgen3d::trace
