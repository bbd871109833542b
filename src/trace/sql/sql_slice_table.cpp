// The virtual table `slice`: the columns themselves, walked by a cursor.
#include <algorithm>
#include <string>

#include "trace/sql/sql_slice_cursor.h"

namespace molgen3d::trace {
namespace {

constexpr const char* kSliceSchema =
    "CREATE TABLE slice(id INTEGER, ts INTEGER, dur INTEGER, track_id INTEGER, category TEXT, "
    "name TEXT, depth INTEGER, parent_id INTEGER, arg_set_id INTEGER, thread_ts INTEGER, "
    "thread_dur INTEGER, cat TEXT HIDDEN, slice_id INTEGER HIDDEN, correlation INTEGER HIDDEN, "
    "bytes INTEGER HIDDEN)";

struct SliceTable {
  sqlite3_vtab base;
  SqlContext* context;
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

int slice_best_index(sqlite3_vtab* base, sqlite3_index_info* info) {
  return plan_slice_query(*reinterpret_cast<SliceTable*>(base)->context, info);
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
  constexpr uint32_t kLookEvery = 1 << 16;
  uint32_t passed = 0;
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
    if (++passed % kLookEvery == 0 && k.context->expired()) return SQLITE_INTERRUPT;
  }
}

int slice_filter(sqlite3_vtab_cursor* base, int, const char* plan, int argc, sqlite3_value** argv) {
  SliceCursor& k = *reinterpret_cast<SliceCursor*>(base);
  choose_rows(k, plan, argc, argv);
  k.eof = k.parts.empty();
  if (k.eof) return SQLITE_OK;
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

}  // namespace

int64_t SqlContext::bytes_of(uint32_t row) const {
  const auto it = std::lower_bound(trace.bytes.begin(), trace.bytes.end(), row,
                                   [](const SliceBytes& b, uint32_t r) { return b.row < r; });
  return it != trace.bytes.end() && it->row == row ? it->bytes : -1;
}

void register_slice_table(sqlite3* db, SqlContext* context) {
  static const sqlite3_module module = [] {
    sqlite3_module m{};
    m.xCreate = m.xConnect = slice_connect;
    m.xDisconnect = m.xDestroy = slice_disconnect;
    m.xBestIndex = slice_best_index;
    m.xOpen = slice_open;
    m.xClose = slice_close;
    m.xFilter = slice_filter;
    m.xNext = slice_next;
    m.xEof = slice_eof;
    m.xColumn = slice_column;
    m.xRowid = slice_rowid;
    return m;
  }();
  sqlite3_create_module(db, "trace_slice", &module, context);
}

}  // namespace molgen3d::trace
