#include "trace/sql/sql_slice_plan.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <string>

namespace molgen3d::trace {
namespace {

bool comparison(int op) {
  return op == SQLITE_INDEX_CONSTRAINT_EQ || op == SQLITE_INDEX_CONSTRAINT_GT ||
         op == SQLITE_INDEX_CONSTRAINT_GE || op == SQLITE_INDEX_CONSTRAINT_LT ||
         op == SQLITE_INDEX_CONSTRAINT_LE;
}

bool pattern_match(int op) {
  return op == SQLITE_INDEX_CONSTRAINT_LIKE || op == SQLITE_INDEX_CONSTRAINT_GLOB;
}

// Rows that an equality or pattern on a text column leaves, when the text is known.
double text_rows(SqlContext& c, int column, int op, sqlite3_value* value, double n) {
  const auto* text = value ? reinterpret_cast<const char*>(sqlite3_value_text(value)) : nullptr;
  if (text == nullptr) return n / 20 + 1;
  double rows = 0;
  for (StringId id = 1; id < c.trace.strings.size(); ++id) {
    const uint32_t count =
        column == kName ? c.orders.count_of_name(id) : c.orders.count_of_category(id);
    if (id % 64 == 0 && c.expired()) break;
    if (count > 0 && text_fits(op, text, c.trace.strings.c_str(id))) rows += count;
  }
  return rows;
}

}  // namespace

bool text_fits(int op, const char* pattern, const char* text) {
  if (op == SQLITE_INDEX_CONSTRAINT_LIKE) return sqlite3_strlike(pattern, text, 0) == 0;
  if (op == SQLITE_INDEX_CONSTRAINT_GLOB) return sqlite3_strglob(pattern, text) == 0;
  return std::strcmp(pattern, text) == 0;
}

namespace {

/// A way to the rows of one test, and about how many it visits.
struct Way {
  Path path;
  double rows;
};

/// Nothing for a test that no index answers. `value` may be null: not known while planning.
std::optional<Way> way_of(SqlContext& c, int column, int op, sqlite3_value* value, double n) {
  const bool equal = op == SQLITE_INDEX_CONSTRAINT_EQ;
  if (is_text(column)) {
    return Way{column == kName ? Path::kName : Path::kCategory, text_rows(c, column, op, value, n)};
  }
  if (equal && column == kId) return Way{Path::kId, 1};
  if (equal && column == kCorrelation) return Way{Path::kCorrelation, 2};
  if (equal && column == kParentId) return Way{Path::kParent, 4};
  if (equal && column == kTrackId) {
    return Way{Path::kTrack, n / static_cast<double>(c.trace.tracks.size() + 1)};
  }
  if (column == kTs) return Way{Path::kTime, n / 4};
  return std::nullopt;
}

/// The path whose rows come in the order of a column.
std::optional<Path> path_in_order_of(int column) {
  switch (column) {
    case kId:
      return Path::kScan;
    case kName:
      return Path::kName;
    case kCategory:
      return Path::kCategory;
    case kTrackId:
      return Path::kTrack;
    case kTs:
      return Path::kTime;
    default:
      return std::nullopt;
  }
}

}  // namespace

int plan_slice_query(SqlContext& c, sqlite3_index_info* info) {
  const double n = static_cast<double>(c.trace.slices.size()) + 1;
  Path path = Path::kScan;
  double path_rows = n;
  double rows = n;
  std::string plan = "sf";  // path; forwards or reversed; then two characters per argument
  int argument = 0;
  for (int i = 0; i < info->nConstraint; ++i) {
    const auto& constraint = info->aConstraint[i];
    if (!constraint.usable) continue;
    const int column = canonical(constraint.iColumn);
    const int op = constraint.op;
    if (column == kThreadTs || column == kThreadDur || column == kBytes) continue;
    const bool text = is_text(column);
    if (!(text ? op == SQLITE_INDEX_CONSTRAINT_EQ || pattern_match(op) : comparison(op))) continue;
    if (text && std::strcmp(sqlite3_vtab_collation(info, i), "BINARY") != 0) continue;
    sqlite3_value* value = nullptr;
    const bool known = sqlite3_vtab_rhs_value(info, i, &value) == SQLITE_OK && value != nullptr;
    const int type = known ? sqlite3_value_type(value) : SQLITE_NULL;
    info->aConstraintUsage[i].argvIndex = ++argument;
    // Only what is decided here for sure need not be looked at again.
    info->aConstraintUsage[i].omit = text ? type == SQLITE_TEXT : type == SQLITE_INTEGER;
    plan += static_cast<char>('A' + column);
    plan += static_cast<char>(op);
    const std::optional<Way> way = way_of(c, column, op, known ? value : nullptr, n);
    if (!way) {
      rows = rows / (op == SQLITE_INDEX_CONSTRAINT_EQ ? 4 : 2);
      continue;
    }
    rows = std::min(rows, way->rows);
    if (way->rows < path_rows) {
      path = way->path;
      path_rows = way->rows;
    }
  }
  // Rows in the wanted order are worth more than a few rows less.
  if (info->nOrderBy == 1) {
    const std::optional<Path> wanted = path_in_order_of(canonical(info->aOrderBy[0].iColumn));
    // Args are read from the file: front to back, or not at all.
    const bool reads_args = (info->colUsed & (uint64_t{1} << kArgSetId)) != 0;
    const bool few = path_rows < n / 16 && wanted && path != *wanted;
    if (wanted && !few && !(reads_args && *wanted != Path::kTime && *wanted != Path::kScan)) {
      if (path != *wanted) path_rows = n;
      path = *wanted;
      info->orderByConsumed = 1;
      if (info->aOrderBy[0].desc) plan[1] = 'r';
    }
  }
  plan[0] = static_cast<char>(path);
  info->idxStr = sqlite3_mprintf("%s", plan.c_str());
  info->needToFreeIdxStr = 1;
  info->estimatedRows = static_cast<sqlite3_int64>(rows) + 1;
  info->estimatedCost = (path == Path::kScan ? n : path_rows) + 4;
  if (path == Path::kId) info->idxFlags = SQLITE_INDEX_SCAN_UNIQUE;
  return SQLITE_OK;
}

}  // namespace molgen3d::trace
