// Orders of the rows that SQL asks for, each made when first needed.
#pragma once

#include <cstdint>
#include <vector>

#include "trace/store/trace_data.h"

namespace molgen3d::trace {

/// Rows grouped by a small key, the groups in key order, rows of a group in file order.
struct GroupedOrder {
  std::vector<uint32_t> rows;
  std::vector<uint32_t> starts;  ///< per key, one more than keys
  bool made = false;
};

class SliceOrders {
 public:
  explicit SliceOrders(const Trace& trace) : trace_(trace) {}

  /// Rank of every string in byte order; 0 is "no string", which sorts first like NULL.
  const std::vector<uint32_t>& ranks();
  const std::vector<StringId>& strings_by_rank();

  const GroupedOrder& by_name();      ///< key: rank of the name
  const GroupedOrder& by_category();  ///< key: rank of the category
  const GroupedOrder& by_track();     ///< key: track
  const GroupedOrder& by_parent();    ///< key: parent row

  /// Slices with this name, without making an order.
  uint32_t count_of_name(StringId id);
  uint32_t count_of_category(StringId id);

 private:
  template <typename Key>
  void group(GroupedOrder& order, size_t keys, const Key& key);
  void count();

  const Trace& trace_;
  std::vector<uint32_t> ranks_;
  std::vector<StringId> by_rank_;
  GroupedOrder name_, category_, track_, parent_;
  std::vector<uint32_t> name_counts_, category_counts_;
};

}  // namespace molgen3d::trace
