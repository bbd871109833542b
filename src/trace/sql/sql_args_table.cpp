// The virtual table `args`: one row for each value inside the args of a slice, read from the file.
#include <string>

#include "base/error.h"
#include "trace/sql/sql_tables.h"
#include "trace/store/args_store.h"

namespace molgen3d::trace {
namespace {

struct ArgsTable {
  sqlite3_vtab base;
  SqlContext* context;
};

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
  if (rc == SQLITE_OK) sqlite3_vtab_config(db, SQLITE_VTAB_INNOCUOUS);
  if (rc == SQLITE_OK) *out = &(new ArgsTable{{}, static_cast<SqlContext*>(aux)})->base;
  return rc;
}

int args_disconnect(sqlite3_vtab* table) {
  delete reinterpret_cast<ArgsTable*>(table);
  return SQLITE_OK;
}

int args_best_index(sqlite3_vtab* base, sqlite3_index_info* info) {
  const SqlContext& c = *reinterpret_cast<ArgsTable*>(base)->context;
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
  cursor->context = reinterpret_cast<ArgsTable*>(table)->context;
  *out = &cursor->base;
  return SQLITE_OK;
}

int args_close(sqlite3_vtab_cursor* cursor) {
  delete reinterpret_cast<ArgsCursor*>(cursor);
  return SQLITE_OK;
}

int args_load(ArgsCursor& k) {
  for (k.leaf = 0; k.row < k.end; ++k.row) {
    if (k.context->trace.slices.args[k.row] == 0) continue;
    if (k.context->expired()) return SQLITE_INTERRUPT;
    k.leaves = k.context->args_of(k.row);
    if (!k.leaves.empty()) return SQLITE_OK;
  }
  return SQLITE_OK;
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
  return args_load(k);
}

int args_next(sqlite3_vtab_cursor* base) {
  ArgsCursor& k = *reinterpret_cast<ArgsCursor*>(base);
  if (++k.leaf < k.leaves.size()) return SQLITE_OK;
  ++k.row;
  return args_load(k);
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

void register_args_table(sqlite3* db, SqlContext* context) {
  static const sqlite3_module module = [] {
    sqlite3_module m{};
    m.xCreate = m.xConnect = args_connect;
    m.xDisconnect = m.xDestroy = args_disconnect;
    m.xBestIndex = args_best_index;
    m.xOpen = args_open;
    m.xClose = args_close;
    m.xFilter = args_filter;
    m.xNext = args_next;
    m.xEof = args_eof;
    m.xColumn = args_column;
    m.xRowid = args_rowid;
    return m;
  }();
  sqlite3_create_module(db, "trace_args", &module, context);
}

}  // namespace molgen3d::trace
