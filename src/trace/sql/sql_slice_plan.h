// How a query reaches the rows of `slice`: what xBestIndex decides and xFilter carries out.
//  - equality on id, correlation, parent_id, name, category or track_id, or LIKE/GLOB on name,
//  picks
//    rows through an order made once (slice_orders.h); comparisons of ts cut the time order;
//  - everything else that is a plain comparison is checked row by row, before SQLite sees it;
//  - GROUP BY or ORDER BY on one of these columns is answered by delivering rows in that order.
//    That matters most: SQLite's own sorter takes 8 times as long on millions of rows.
#pragma once

#include <sqlite3.h>

#include "trace/sql/sql_tables.h"

namespace molgen3d::trace {

enum SliceColumn : int {
  kId,
  kTs,
  kDur,
  kTrackId,
  kCategory,
  kName,
  kDepth,
  kParentId,
  kArgSetId,
  kThreadTs,
  kThreadDur,
  kCat,
  kSliceId,
  kCorrelation,
  kBytes,
};

/// The column that another name stands for.
inline int canonical(int column) {
  if (column == kCat) return kCategory;
  if (column == kSliceId || column < 0) return kId;
  return column;
}
inline bool is_text(int column) {
  return column == kName || column == kCategory;
}

/// The plan travels as text: path, direction, then column and operator of every argument.
enum class Path : char {
  kScan = 's',
  kId = 'i',
  kCorrelation = 'c',
  kParent = 'p',
  kName = 'n',
  kCategory = 'g',
  kTrack = 't',
  kTime = 'm',
};

/// LIKE, GLOB or equality.
bool text_fits(int op, const char* pattern, const char* text);

/// Fills in SQLite's question; Path and the order are in info->idxStr.
int plan_slice_query(SqlContext& context, sqlite3_index_info* info);

}  // namespace molgen3d::trace
