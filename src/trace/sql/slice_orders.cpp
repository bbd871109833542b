#include "trace/sql/slice_orders.h"

#include <algorithm>
#include <numeric>

namespace molgen3d::trace {

const std::vector<uint32_t>& SliceOrders::ranks() {
  if (!ranks_.empty()) return ranks_;
  by_rank_.resize(trace_.strings.size());
  std::iota(by_rank_.begin(), by_rank_.end(), 0u);
  std::sort(by_rank_.begin() + 1, by_rank_.end(), [&](StringId a, StringId b) {
    return trace_.strings.view(a) < trace_.strings.view(b);
  });
  ranks_.resize(by_rank_.size());
  for (uint32_t r = 0; r < by_rank_.size(); ++r) ranks_[by_rank_[r]] = r;
  return ranks_;
}

const std::vector<StringId>& SliceOrders::strings_by_rank() {
  ranks();
  return by_rank_;
}

template <typename Key>
void SliceOrders::group(GroupedOrder& order, size_t keys, const Key& key) {
  if (order.made) return;
  const auto n = static_cast<uint32_t>(trace_.slices.size());
  order.starts.assign(keys + 1, 0);
  for (uint32_t row = 0; row < n; ++row) {
    if (const uint32_t k = key(row); k != kNoRow) ++order.starts[k + 1];
  }
  for (size_t k = 0; k < keys; ++k) order.starts[k + 1] += order.starts[k];
  order.rows.resize(order.starts[keys]);
  std::vector<uint32_t> next(order.starts.begin(), order.starts.end() - 1);
  for (uint32_t row = 0; row < n; ++row) {
    if (const uint32_t k = key(row); k != kNoRow) order.rows[next[k]++] = row;
  }
  order.made = true;
}

const GroupedOrder& SliceOrders::by_name() {
  const std::vector<uint32_t>& rank = ranks();
  group(name_, rank.size(), [&](uint32_t row) { return rank[trace_.slices.name[row]]; });
  return name_;
}

const GroupedOrder& SliceOrders::by_category() {
  const std::vector<uint32_t>& rank = ranks();
  group(category_, rank.size(), [&](uint32_t row) { return rank[trace_.slices.category[row]]; });
  return category_;
}

const GroupedOrder& SliceOrders::by_track() {
  group(track_, trace_.tracks.size(), [&](uint32_t row) { return trace_.slices.track[row]; });
  return track_;
}

const GroupedOrder& SliceOrders::by_parent() {
  group(parent_, trace_.slices.size(), [&](uint32_t row) { return trace_.slices.parent[row]; });
  return parent_;
}

void SliceOrders::count() {
  if (!name_counts_.empty()) return;
  name_counts_.assign(trace_.strings.size(), 0);
  category_counts_.assign(trace_.strings.size(), 0);
  for (uint32_t row = 0; row < trace_.slices.size(); ++row) {
    ++name_counts_[trace_.slices.name[row]];
    ++category_counts_[trace_.slices.category[row]];
  }
}

uint32_t SliceOrders::count_of_name(StringId id) {
  count();
  return name_counts_[id];
}

uint32_t SliceOrders::count_of_category(StringId id) {
  count();
  return category_counts_[id];
}

}  // namespace molgen3d::trace
