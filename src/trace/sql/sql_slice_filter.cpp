#include <algorithm>
#include <string>

#include "trace/sql/sql_slice_cursor.h"

namespace molgen3d::trace {
namespace {

StringTest string_test(SqlContext& c, int op, const char* text) {
  if (op == SQLITE_INDEX_CONSTRAINT_EQ) {
    const StringId id = c.trace.strings.find(text);
    return {id != 0 ? id : kNoString, nullptr};
  }
  const auto [it, added] = c.pattern_sets.try_emplace(std::string(1, static_cast<char>(op)) + text);
  if (added) {
    it->second.assign(c.trace.strings.size(), false);
    for (StringId id = 1; id < it->second.size(); ++id) {
      if (id % 64 == 0 && c.expired()) {  // the step after this one stops the query
        c.pattern_sets.erase(it);
        return {kNoString, nullptr};
      }
      it->second[id] = text_fits(op, text, c.trace.strings.c_str(id));
    }
  }
  return {0, &it->second};
}

// Narrows [low, high] by `op value`. False: the value is of another type and SQLite has to compare.
bool narrow(int op, sqlite3_value* value, int64_t& low, int64_t& high) {
  if (sqlite3_value_type(value) == SQLITE_NULL) {
    low = 1;
    high = 0;
    return true;
  }
  if (sqlite3_value_type(value) != SQLITE_INTEGER) return false;
  const int64_t v = sqlite3_value_int64(value);
  const auto nothing = [&] {
    low = 1;
    high = 0;
  };
  switch (op) {
    case SQLITE_INDEX_CONSTRAINT_EQ:
      low = high = v;
      break;
    case SQLITE_INDEX_CONSTRAINT_GT:
      v == INT64_MAX ? nothing() : void(low = v + 1);
      break;
    case SQLITE_INDEX_CONSTRAINT_GE:
      low = v;
      break;
    case SQLITE_INDEX_CONSTRAINT_LT:
      v == INT64_MIN ? nothing() : void(high = v - 1);
      break;
    case SQLITE_INDEX_CONSTRAINT_LE:
      high = v;
      break;
    default:
      return false;
  }
  return true;
}

// Groups of `order` whose string passes all `tests`, and the name of each when it is known.
void choose_groups(SliceCursor& k, const GroupedOrder& order, std::vector<StringTest>& tests,
                   bool by_name) {
  k.order = order.rows.data();
  SliceOrders& orders = k.context->orders;
  const std::vector<StringId>& by_rank = orders.strings_by_rank();
  const auto visit = [&](size_t rank) {
    if (order.starts[rank] == order.starts[rank + 1]) return;
    const StringId id = by_rank[rank];
    for (const StringTest& test : tests) {
      if (!test(id)) return;
    }
    k.parts.push_back({order.starts[rank], order.starts[rank + 1], by_name ? id : kNoRow});
  };
  const auto equality = std::find_if(tests.begin(), tests.end(),
                                     [](const StringTest& t) { return t.set == nullptr; });
  if (equality != tests.end()) {
    if (equality->only != kNoString) visit(orders.ranks()[equality->only]);
  } else {
    for (size_t rank = 0; rank + 1 < order.starts.size(); ++rank) visit(rank);
  }
  tests.clear();
}

void choose_one(SliceCursor& k, const GroupedOrder& order, int64_t low, int64_t high) {
  k.order = order.rows.data();
  const auto keys = static_cast<int64_t>(order.starts.size()) - 1;
  low = std::max<int64_t>(low, 0);
  high = std::min(high, keys - 1);
  if (low <= high) k.parts.push_back({order.starts[low], order.starts[high + 1], kNoRow});
}

}  // namespace

namespace {

/// Texts and ranges that the arguments of a query ask for.
void read_tests(SliceCursor& k, const char* plan, int argc, sqlite3_value** argv) {
  SqlContext& c = *k.context;
  for (int i = 0; i < argc; ++i) {
    const int column = plan[2 + 2 * i] - 'A';
    const int op = static_cast<unsigned char>(plan[3 + 2 * i]);
    if (is_text(column)) {
      auto& tests = column == kName ? k.name_tests : k.category_tests;
      if (sqlite3_value_type(argv[i]) == SQLITE_NULL) {
        tests.push_back({kNoString, nullptr});
      } else if (sqlite3_value_type(argv[i]) == SQLITE_TEXT) {
        tests.push_back(
            string_test(c, op, reinterpret_cast<const char*>(sqlite3_value_text(argv[i]))));
      }
      continue;
    }
    SliceCursor::IntRange* range = nullptr;
    for (auto& r : k.ranges) range = r.column == column ? &r : range;
    SliceCursor::IntRange wider{column, INT64_MIN, INT64_MAX};
    int64_t low = wider.low;
    int64_t high = wider.high;
    if (!narrow(op, argv[i], low, high)) continue;
    if (range == nullptr) range = &k.ranges.emplace_back(wider);
    range->low = std::max(range->low, low);
    range->high = std::min(range->high, high);
  }
}

/// Takes the range of a column out of the row-by-row checks.
bool take_range(SliceCursor& k, int column, int64_t& low, int64_t& high) {
  low = INT64_MIN;
  high = INT64_MAX;
  for (size_t i = 0; i < k.ranges.size(); ++i) {
    if (k.ranges[i].column != column) continue;
    low = k.ranges[i].low;
    high = k.ranges[i].high;
    k.ranges.erase(k.ranges.begin() + static_cast<std::ptrdiff_t>(i));
    return true;
  }
  return false;
}

/// The rows to look at, by the index that the plan names.
void choose_parts(SliceCursor& k, Path path) {
  SqlContext& c = *k.context;
  const SliceColumns& s = c.trace.slices;
  const auto n = static_cast<uint32_t>(s.size());
  int64_t low = 0;
  int64_t high = 0;
  switch (path) {
    case Path::kId:
    case Path::kScan:
      take_range(k, kId, low, high);
      low = std::max<int64_t>(low, 0);
      high = std::min<int64_t>(high, int64_t{n} - 1);
      if (low <= high) {
        k.parts.push_back({static_cast<uint32_t>(low), static_cast<uint32_t>(high) + 1, kNoRow});
      }
      break;
    case Path::kCorrelation:
      if (take_range(k, kCorrelation, low, high) && low == high) {
        const auto [first, last] = s.with_correlation(low);
        k.order = s.by_correlation.data();
        k.parts.push_back({static_cast<uint32_t>(first - s.by_correlation.data()),
                           static_cast<uint32_t>(last - s.by_correlation.data()), kNoRow});
      } else if (low <= high) {
        k.parts.push_back({0, n, kNoRow});
      }
      break;
    case Path::kParent:
      if (take_range(k, kParentId, low, high)) {
        choose_one(k, c.orders.by_parent(), low, high);
      } else {
        k.parts.push_back({0, n, kNoRow});
      }
      break;
    case Path::kTrack:
      take_range(k, kTrackId, low, high);
      choose_one(k, c.orders.by_track(), low, high);
      break;
    case Path::kName:
      choose_groups(k, c.orders.by_name(), k.name_tests, true);
      break;
    case Path::kCategory:
      choose_groups(k, c.orders.by_category(), k.category_tests, false);
      break;
    case Path::kTime: {
      take_range(k, kTs, low, high);
      k.order = s.by_time.data();
      const auto first = std::lower_bound(s.by_time.begin(), s.by_time.end(), low,
                                          [&](uint32_t row, int64_t t) { return s.ts[row] < t; });
      const auto last = std::upper_bound(first, s.by_time.end(), high,
                                         [&](int64_t t, uint32_t row) { return t < s.ts[row]; });
      k.parts.push_back({static_cast<uint32_t>(first - s.by_time.begin()),
                         static_cast<uint32_t>(last - s.by_time.begin()), kNoRow});
      break;
    }
  }
}

}  // namespace

void choose_rows(SliceCursor& k, const char* plan, int argc, sqlite3_value** argv) {
  k.order = nullptr;
  k.parts.clear();
  k.ranges.clear();
  k.name_tests.clear();
  k.category_tests.clear();
  read_tests(k, plan, argc, argv);
  choose_parts(k, static_cast<Path>(plan[0]));
  k.reverse = plan[1] == 'r';
  if (k.reverse) std::reverse(k.parts.begin(), k.parts.end());
  k.part = 0;
  k.at = k.part_end = 0;
}

}  // namespace molgen3d::trace
