// Where a query of `slice` stands: the rows to visit and the conditions that they must meet.
#pragma once

#include <sqlite3.h>

#include <cstdint>
#include <vector>

#include "trace/sql/sql_slice_plan.h"

namespace molgen3d::trace {

/// Which strings a condition on name or category lets through.
struct StringTest {
  StringId only = 0;                       // equality
  const std::vector<bool>* set = nullptr;  // a pattern; lives in the context
  bool operator()(StringId id) const { return set ? (*set)[id] : id == only; }
};
inline constexpr StringId kNoString = kNoRow;

struct SliceCursor {
  sqlite3_vtab_cursor base;
  SqlContext* context;
  // The rows to visit: parts of an order (or of 0..n-1 when `order` is null).
  const uint32_t* order;
  struct Part {
    uint32_t begin;
    uint32_t end;
    StringId name;  // of all rows in it, kNoRow when they differ
  };
  std::vector<Part> parts;
  size_t part;
  uint32_t at;
  uint32_t part_end;
  uint32_t row;
  bool eof;
  bool reverse;  // parts are in descending order already; rows within one are taken backwards
  // Conditions that every row must meet.
  struct IntRange {
    int column;
    int64_t low;
    int64_t high;
  };
  std::vector<IntRange> ranges;
  std::vector<StringTest> name_tests;
  std::vector<StringTest> category_tests;
};

/// Carries out a plan of plan_slice_query(): chooses parts and conditions, before the first row.
void choose_rows(SliceCursor& cursor, const char* plan, int argc, sqlite3_value** argv);

}  // namespace molgen3d::trace
