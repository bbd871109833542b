#include "trace/sql_slice_table.h"

#include <algorithm>
#include <cstring>
#include <string>

#include "base/error.h"
#include "trace/args_store.h"

// How a query reaches the rows (xBestIndex):
//  - equality on id, correlation, parent_id, name, category or track_id, or LIKE/GLOB on name,
//  picks
//    rows through an order made once (slice_orders.h); comparisons of ts cut the time order;
//  - everything else that is a plain comparison is checked here, row by row, before SQLite sees it;
//  - GROUP BY or ORDER BY on one of these columns is answered by delivering rows in that order.
//  That
//    matters most: SQLite's own sorter takes 8 times as long on millions of rows.

namespace molgen3d::trace {
namespace {

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

constexpr const char* kSliceSchema =
    "CREATE TABLE slice(id INTEGER, ts INTEGER, dur INTEGER, track_id INTEGER, category TEXT, "
    "name TEXT, depth INTEGER, parent_id INTEGER, arg_set_id INTEGER, thread_ts INTEGER, "
    "thread_dur INTEGER, cat TEXT HIDDEN, slice_id INTEGER HIDDEN, correlation INTEGER HIDDEN, "
    "bytes INTEGER HIDDEN)";

int canonical(int column) {
  if (column == kCat) return kCategory;
  if (column == kSliceId || column < 0) return kId;
  return column;
}
bool is_text(int column) {
  return column == kName || column == kCategory;
}

// One constraint handed from xBestIndex to xFilter.
struct Term {
  int column;
  int op;
};
// The plan travels as text: path, direction, then column and operator of every argument.
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

struct SliceTable {
  sqlite3_vtab base;
  SqlContext* context;
};

// Which strings a condition on name or category lets through.
struct StringTest {
  StringId only = 0;                       // equality
  const std::vector<bool>* set = nullptr;  // a pattern; lives in the context
  bool operator()(StringId id) const { return set ? (*set)[id] : id == only; }
};
constexpr StringId kNoString = kNoRow;

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

int64_t int_cell(const SqlContext& c, uint32_t row, int column, bool& null) {
  const SliceColumns& s = c.trace.slices;
  null = false;
  switch (column) {
    case kId:
      return row;
    case kTs:
      return s.ts[row];
    case kDur:
      return s.dur[row];
    case kTrackId:
      return s.track[row];
    case kDepth:
      return s.depth[row];
    case kParentId:
      null = s.parent[row] == kNoRow;
      return s.parent[row];
    case kArgSetId:
      null = s.args[row] == 0;
      return row;
    case kCorrelation:
      null = s.correlation[row] == kNoCorrelation;
      return s.correlation[row];
    default:
      null = true;
      return 0;
  }
}

bool comparison(int op) {
  return op == SQLITE_INDEX_CONSTRAINT_EQ || op == SQLITE_INDEX_CONSTRAINT_GT ||
         op == SQLITE_INDEX_CONSTRAINT_GE || op == SQLITE_INDEX_CONSTRAINT_LT ||
         op == SQLITE_INDEX_CONSTRAINT_LE;
}

bool pattern_match(int op) {
  return op == SQLITE_INDEX_CONSTRAINT_LIKE || op == SQLITE_INDEX_CONSTRAINT_GLOB;
}

bool text_fits(int op, const char* pattern, const char* text) {
  if (op == SQLITE_INDEX_CONSTRAINT_LIKE) return sqlite3_strlike(pattern, text, 0) == 0;
  if (op == SQLITE_INDEX_CONSTRAINT_GLOB) return sqlite3_strglob(pattern, text) == 0;
  return std::strcmp(pattern, text) == 0;
}

StringTest string_test(SqlContext& c, int op, const char* text) {
  if (op == SQLITE_INDEX_CONSTRAINT_EQ) {
    const StringId id = c.trace.strings.find(text);
    return {id != 0 ? id : kNoString, nullptr};
  }
  const auto [it, added] = c.pattern_sets.try_emplace(std::string(1, static_cast<char>(op)) + text);
  if (added) {
    it->second.assign(c.trace.strings.size(), false);
    for (StringId id = 1; id < it->second.size(); ++id) {
      it->second[id] = text_fits(op, text, c.trace.strings.c_str(id));
    }
  }
  return {0, &it->second};
}

int slice_connect(sqlite3* db, void* aux, int, const char* const*, sqlite3_vtab** out, char**) {
  const int rc = sqlite3_declare_vtab(db, kSliceSchema);
  if (rc != SQLITE_OK) return rc;
  sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
  *out = &(new SliceTable{{}, static_cast<SqlContext*>(aux)})->base;
  return SQLITE_OK;
}

int slice_disconnect(sqlite3_vtab* table) {
  delete reinterpret_cast<SliceTable*>(table);
  return SQLITE_OK;
}

// Rows that an equality or pattern on a text column leaves, when the text is known.
double text_rows(SqlContext& c, int column, int op, sqlite3_value* value, double n) {
  const auto* text = value ? reinterpret_cast<const char*>(sqlite3_value_text(value)) : nullptr;
  if (text == nullptr) return n / 20 + 1;
  double rows = 0;
  for (StringId id = 1; id < c.trace.strings.size(); ++id) {
    const uint32_t count =
        column == kName ? c.orders.count_of_name(id) : c.orders.count_of_category(id);
    if (count > 0 && text_fits(op, text, c.trace.strings.c_str(id))) rows += count;
  }
  return rows;
}

int slice_best_index(sqlite3_vtab* base, sqlite3_index_info* info) {
  SqlContext& c = *reinterpret_cast<SliceTable*>(base)->context;
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
    const bool equal = op == SQLITE_INDEX_CONSTRAINT_EQ;
    Path candidate = Path::kScan;
    double candidate_rows = n;
    if (text) {
      candidate = column == kName ? Path::kName : Path::kCategory;
      candidate_rows = text_rows(c, column, op, known ? value : nullptr, n);
    } else if (equal && column == kId) {
      candidate = Path::kId;
      candidate_rows = 1;
    } else if (equal && column == kCorrelation) {
      candidate = Path::kCorrelation;
      candidate_rows = 2;
    } else if (equal && column == kParentId) {
      candidate = Path::kParent;
      candidate_rows = 4;
    } else if (equal && column == kTrackId) {
      candidate = Path::kTrack;
      candidate_rows = n / static_cast<double>(c.trace.tracks.size() + 1);
    } else if (column == kTs) {
      candidate = Path::kTime;
      candidate_rows = n / 4;
    } else {
      rows = rows / (equal ? 4 : 2);
      continue;
    }
    rows = std::min(rows, candidate_rows);
    if (candidate_rows < path_rows) {
      path = candidate;
      path_rows = candidate_rows;
    }
  }
  // Rows in the wanted order are worth more than a few rows less.
  if (info->nOrderBy == 1) {
    const int column = canonical(info->aOrderBy[0].iColumn);
    Path wanted = Path::kScan;
    bool possible = true;
    switch (column) {
      case kId:
        break;
      case kName:
        wanted = Path::kName;
        break;
      case kCategory:
        wanted = Path::kCategory;
        break;
      case kTrackId:
        wanted = Path::kTrack;
        break;
      case kTs:
        wanted = Path::kTime;
        break;
      default:
        possible = false;
    }
    // Args are read from the file: front to back, or not at all.
    const bool reads_args = (info->colUsed & (uint64_t{1} << kArgSetId)) != 0;
    const bool few = path_rows < n / 16 && path != wanted;
    if (possible && !few && !(reads_args && wanted != Path::kTime && wanted != Path::kScan)) {
      if (path != wanted) path_rows = n;
      path = wanted;
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

int slice_open(sqlite3_vtab* table, sqlite3_vtab_cursor** out) {
  auto* cursor = new SliceCursor{};
  cursor->context = reinterpret_cast<SliceTable*>(table)->context;
  *out = &cursor->base;
  return SQLITE_OK;
}

int slice_close(sqlite3_vtab_cursor* cursor) {
  delete reinterpret_cast<SliceCursor*>(cursor);
  return SQLITE_OK;
}

bool fits(const SliceCursor& k) {
  const SliceColumns& s = k.context->trace.slices;
  for (const SliceCursor::IntRange& r : k.ranges) {
    bool null = false;
    const int64_t v = int_cell(*k.context, k.row, r.column, null);
    if (null || v < r.low || v > r.high) return false;
  }
  for (const StringTest& test : k.name_tests) {
    if (!test(s.name[k.row])) return false;
  }
  for (const StringTest& test : k.category_tests) {
    if (!test(s.category[k.row])) return false;
  }
  return true;
}

constexpr uint32_t kAhead = 16;

int slice_next(sqlite3_vtab_cursor* base) {
  SliceCursor& k = *reinterpret_cast<SliceCursor*>(base);
  const bool unconditional = k.ranges.empty() && k.name_tests.empty() && k.category_tests.empty();
  for (;;) {
    while (k.at == k.part_end) {
      if (++k.part >= k.parts.size()) {
        k.eof = true;
        return SQLITE_OK;
      }
      k.at = k.parts[k.part].begin;
      k.part_end = k.parts[k.part].end;
    }
    const uint32_t place = k.reverse ? k.parts[k.part].begin + (k.part_end - 1 - k.at) : k.at;
    if (k.order == nullptr) {
      k.row = place;
    } else {
      // Rows of one name lie far apart: ask for a later one's duration while SQLite works.
      if (k.part_end - k.at > kAhead) {
        const uint32_t later = k.reverse ? place - kAhead : place + kAhead;
        __builtin_prefetch(&k.context->trace.slices.dur[k.order[later]]);
      }
      k.row = k.order[place];
    }
    ++k.at;
    if (unconditional || fits(k)) return SQLITE_OK;
  }
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

int slice_filter(sqlite3_vtab_cursor* base, int, const char* plan, int argc, sqlite3_value** argv) {
  SliceCursor& k = *reinterpret_cast<SliceCursor*>(base);
  SqlContext& c = *k.context;
  const SliceColumns& s = c.trace.slices;
  const auto n = static_cast<uint32_t>(s.size());
  k.order = nullptr;
  k.parts.clear();
  k.ranges.clear();
  k.name_tests.clear();
  k.category_tests.clear();
  k.eof = false;

  const Path path = static_cast<Path>(plan[0]);
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
  // Takes the range of a column out of the row-by-row checks.
  const auto take = [&](int column, int64_t& low, int64_t& high) {
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
  };
  int64_t low = 0;
  int64_t high = 0;
  switch (path) {
    case Path::kId:
    case Path::kScan:
      take(kId, low, high);
      low = std::max<int64_t>(low, 0);
      high = std::min<int64_t>(high, int64_t{n} - 1);
      if (low <= high) {
        k.parts.push_back({static_cast<uint32_t>(low), static_cast<uint32_t>(high) + 1, kNoRow});
      }
      break;
    case Path::kCorrelation:
      if (take(kCorrelation, low, high) && low == high) {
        const auto [first, last] = s.with_correlation(low);
        k.order = s.by_correlation.data();
        k.parts.push_back({static_cast<uint32_t>(first - s.by_correlation.data()),
                           static_cast<uint32_t>(last - s.by_correlation.data()), kNoRow});
      } else if (low <= high) {
        k.parts.push_back({0, n, kNoRow});
      }
      break;
    case Path::kParent:
      if (take(kParentId, low, high)) {
        choose_one(k, c.orders.by_parent(), low, high);
      } else {
        k.parts.push_back({0, n, kNoRow});
      }
      break;
    case Path::kTrack:
      take(kTrackId, low, high);
      choose_one(k, c.orders.by_track(), low, high);
      break;
    case Path::kName:
      choose_groups(k, c.orders.by_name(), k.name_tests, true);
      break;
    case Path::kCategory:
      choose_groups(k, c.orders.by_category(), k.category_tests, false);
      break;
    case Path::kTime: {
      take(kTs, low, high);
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
  k.reverse = plan[1] == 'r';
  if (k.reverse) std::reverse(k.parts.begin(), k.parts.end());
  k.part = 0;
  k.at = k.part_end = 0;
  if (k.parts.empty()) {
    k.eof = true;
    return SQLITE_OK;
  }
  k.at = k.parts[0].begin;
  k.part_end = k.parts[0].end;
  return slice_next(base);
}

int slice_eof(sqlite3_vtab_cursor* cursor) {
  return reinterpret_cast<SliceCursor*>(cursor)->eof;
}

void result_string(sqlite3_context* out, const StringPool& strings, StringId id) {
  if (id == 0) {
    sqlite3_result_null(out);
    return;
  }
  const std::string_view text = strings.view(id);
  sqlite3_result_text64(out, text.data(), text.size(), SQLITE_STATIC, SQLITE_UTF8);
}

int slice_column(sqlite3_vtab_cursor* cursor, sqlite3_context* out, int column) {
  const SliceCursor& k = *reinterpret_cast<SliceCursor*>(cursor);
  const SliceColumns& s = k.context->trace.slices;
  column = canonical(column);
  if (column == kName) {
    const StringId known = k.parts[k.part].name;
    result_string(out, k.context->trace.strings, known != kNoRow ? known : s.name[k.row]);
  } else if (column == kCategory) {
    result_string(out, k.context->trace.strings, s.category[k.row]);
  } else if (column == kBytes) {
    const int64_t bytes = k.context->bytes_of(k.row);
    if (bytes >= 0) sqlite3_result_int64(out, bytes);
  } else {
    bool null = false;
    const int64_t value = int_cell(*k.context, k.row, column, null);
    if (!null) sqlite3_result_int64(out, value);
  }
  return SQLITE_OK;
}

int slice_rowid(sqlite3_vtab_cursor* cursor, sqlite3_int64* out) {
  *out = reinterpret_cast<SliceCursor*>(cursor)->row;
  return SQLITE_OK;
}

// ---------------------------------------------------------------- args

enum ArgsColumn : int { kArgId, kArgSet, kFlatKey, kKey, kInt, kString, kReal, kType, kDisplay };
constexpr const char* kArgsSchema =
    "CREATE TABLE args(id INTEGER, arg_set_id INTEGER, flat_key TEXT, key TEXT, int_value INTEGER, "
    "string_value TEXT, real_value REAL, value_type TEXT, display_value TEXT)";

struct ArgsCursor {
  sqlite3_vtab_cursor base;
  SqlContext* context;
  uint32_t row;
  uint32_t end;
  size_t leaf;
  std::vector<ArgLeaf> leaves;
};

int args_connect(sqlite3* db, void* aux, int, const char* const*, sqlite3_vtab** out, char**) {
  const int rc = sqlite3_declare_vtab(db, kArgsSchema);
  if (rc == SQLITE_OK) *out = &(new SliceTable{{}, static_cast<SqlContext*>(aux)})->base;
  return rc;
}

int args_best_index(sqlite3_vtab* base, sqlite3_index_info* info) {
  const SqlContext& c = *reinterpret_cast<SliceTable*>(base)->context;
  info->estimatedCost = static_cast<double>(c.trace.slices.size()) * 20 + 20;
  info->estimatedRows = static_cast<sqlite3_int64>(c.trace.slices.size()) * 5 + 5;
  for (int i = 0; i < info->nConstraint; ++i) {
    const auto& constraint = info->aConstraint[i];
    if (constraint.usable && constraint.iColumn == kArgSet &&
        constraint.op == SQLITE_INDEX_CONSTRAINT_EQ) {
      info->aConstraintUsage[i].argvIndex = 1;
      info->idxNum = 1;
      info->estimatedCost = 20;
      info->estimatedRows = 6;
      break;
    }
  }
  return SQLITE_OK;
}

int args_open(sqlite3_vtab* table, sqlite3_vtab_cursor** out) {
  auto* cursor = new ArgsCursor{};
  cursor->context = reinterpret_cast<SliceTable*>(table)->context;
  *out = &cursor->base;
  return SQLITE_OK;
}

int args_close(sqlite3_vtab_cursor* cursor) {
  delete reinterpret_cast<ArgsCursor*>(cursor);
  return SQLITE_OK;
}

void args_load(ArgsCursor& k) {
  for (k.leaf = 0; k.row < k.end; ++k.row) {
    if (k.context->trace.slices.args[k.row] == 0) continue;
    k.leaves = k.context->args_of(k.row);
    if (!k.leaves.empty()) return;
  }
}

int args_filter(sqlite3_vtab_cursor* base, int plan, const char*, int, sqlite3_value** argv) {
  ArgsCursor& k = *reinterpret_cast<ArgsCursor*>(base);
  const auto n = static_cast<uint32_t>(k.context->trace.slices.size());
  k.row = 0;
  k.end = n;
  if (plan == 1) {
    const int64_t row = sqlite3_value_int64(argv[0]);
    const bool valid = sqlite3_value_type(argv[0]) != SQLITE_NULL && row >= 0 && row < int64_t{n};
    k.row = valid ? static_cast<uint32_t>(row) : 0;
    k.end = valid ? k.row + 1 : 0;
  }
  args_load(k);
  return SQLITE_OK;
}

int args_next(sqlite3_vtab_cursor* base) {
  ArgsCursor& k = *reinterpret_cast<ArgsCursor*>(base);
  if (++k.leaf < k.leaves.size()) return SQLITE_OK;
  ++k.row;
  args_load(k);
  return SQLITE_OK;
}

int args_eof(sqlite3_vtab_cursor* base) {
  const ArgsCursor& k = *reinterpret_cast<ArgsCursor*>(base);
  return k.row >= k.end;
}

int args_column(sqlite3_vtab_cursor* base, sqlite3_context* out, int column) {
  const ArgsCursor& k = *reinterpret_cast<ArgsCursor*>(base);
  const ArgLeaf& leaf = k.leaves[k.leaf];
  const auto text = [&](const std::string& t) {
    sqlite3_result_text64(out, t.data(), t.size(), SQLITE_TRANSIENT, SQLITE_UTF8);
  };
  switch (column) {
    case kArgId:
      sqlite3_result_int64(out, (int64_t{k.row} << 20) + static_cast<int64_t>(k.leaf));
      break;
    case kArgSet:
      sqlite3_result_int64(out, k.row);
      break;
    case kFlatKey:
      text("args." + leaf.flat_key);
      break;
    case kKey:
      text("args." + leaf.key);
      break;
    case kInt:
      if (leaf.type == ArgLeaf::kInteger || leaf.type == ArgLeaf::kBool) {
        sqlite3_result_int64(out, leaf.integer);
      }
      break;
    case kString:
      if (leaf.type == ArgLeaf::kString) text(leaf.text);
      break;
    case kReal:
      if (leaf.type == ArgLeaf::kReal) sqlite3_result_double(out, leaf.real);
      break;
    case kType: {
      constexpr const char* kTypes[] = {"null", "bool", "int", "real", "string"};
      text(kTypes[leaf.type]);
      break;
    }
    case kDisplay:
      text(leaf.text);
      break;
    default:
      break;
  }
  return SQLITE_OK;
}

int args_rowid(sqlite3_vtab_cursor* base, sqlite3_int64* out) {
  const ArgsCursor& k = *reinterpret_cast<ArgsCursor*>(base);
  *out = (int64_t{k.row} << 20) + static_cast<int64_t>(k.leaf);
  return SQLITE_OK;
}

sqlite3_module make_module(decltype(sqlite3_module::xConnect) connect,
                           decltype(sqlite3_module::xBestIndex) best_index) {
  sqlite3_module m{};
  m.xCreate = m.xConnect = connect;
  m.xBestIndex = best_index;
  m.xDisconnect = m.xDestroy = slice_disconnect;
  return m;
}

}  // namespace

const std::vector<ArgLeaf>& SqlContext::args_of(uint32_t row) {
  if (parsed_row == row) return leaves;
  parsed_row = row;
  try {
    leaves = parse_args(args_text(trace, row));
  } catch (const Error&) {
    leaves.clear();  // the file went away: as if it had no args; C code is waiting for us
  }
  return leaves;
}

int64_t SqlContext::bytes_of(uint32_t row) const {
  const auto it = std::lower_bound(trace.bytes.begin(), trace.bytes.end(), row,
                                   [](const SliceBytes& b, uint32_t r) { return b.row < r; });
  return it != trace.bytes.end() && it->row == row ? it->bytes : -1;
}

void register_trace_modules(sqlite3* db, SqlContext* context) {
  static const sqlite3_module slice = [] {
    sqlite3_module m = make_module(slice_connect, slice_best_index);
    m.xOpen = slice_open;
    m.xClose = slice_close;
    m.xFilter = slice_filter;
    m.xNext = slice_next;
    m.xEof = slice_eof;
    m.xColumn = slice_column;
    m.xRowid = slice_rowid;
    return m;
  }();
  static const sqlite3_module args = [] {
    sqlite3_module m = make_module(args_connect, args_best_index);
    m.xOpen = args_open;
    m.xClose = args_close;
    m.xFilter = args_filter;
    m.xNext = args_next;
    m.xEof = args_eof;
    m.xColumn = args_column;
    m.xRowid = args_rowid;
    return m;
  }();
  sqlite3_create_module(db, "trace_slice", &slice, context);
  sqlite3_create_module(db, "trace_args", &args, context);
}

}  // namespace molgen3d::trace
