#include "trace/sql/sql_guard.h"

#include <algorithm>
#include <string_view>

namespace molgen3d::trace {
namespace {

constexpr int kLongestValue = 256 << 20;  // bytes of one text, blob or row
constexpr int kLongestPattern = 4096;  // of LIKE and GLOB, whose cost is its product with the text

bool same(const char* text, std::string_view word) {
  return text != nullptr && text == word;
}

// Pragmas that only tell something.
bool is_reading_pragma(const char* name) {
  static constexpr std::string_view kReading[] = {
      "table_info",  "table_xinfo",     "table_list",      "index_list",  "index_info",
      "index_xinfo", "database_list",   "function_list",   "module_list", "collation_list",
      "pragma_list", "compile_options", "foreign_key_list"};
  return std::any_of(std::begin(kReading), std::end(kReading),
                     [&](std::string_view reading) { return same(name, reading); });
}

int authorize(void*, int action, const char* first, const char* second, const char* database,
              const char*) {
  bool allowed = false;
  switch (action) {
    case SQLITE_SELECT:
    case SQLITE_READ:
    case SQLITE_RECURSIVE:
    case SQLITE_TRANSACTION:
    case SQLITE_SAVEPOINT:
    case SQLITE_CREATE_TEMP_TABLE:
    case SQLITE_CREATE_TEMP_VIEW:
    case SQLITE_CREATE_TEMP_INDEX:
    case SQLITE_CREATE_TEMP_TRIGGER:
    case SQLITE_DROP_TEMP_TABLE:
    case SQLITE_DROP_TEMP_VIEW:
    case SQLITE_DROP_TEMP_INDEX:
    case SQLITE_DROP_TEMP_TRIGGER:
      allowed = true;
      break;
    case SQLITE_UPDATE:
      // Asked when json_each() and the like say their columns; writing it is refused elsewhere.
      allowed = same(database, "temp") || same(first, "sqlite_master");
      break;
    case SQLITE_INSERT:
    case SQLITE_DELETE:
    case SQLITE_REINDEX:
      allowed = same(database, "temp");
      break;
    case SQLITE_ALTER_TABLE:
      allowed = same(first, "temp");
      break;
    case SQLITE_FUNCTION:
      allowed = !same(second, "load_extension") && !same(second, "fts3_tokenizer");
      break;
    case SQLITE_PRAGMA:
      allowed = is_reading_pragma(first);
      break;
    default:
      break;
  }
  return allowed ? SQLITE_OK : SQLITE_DENY;
}

}  // namespace

void harden(sqlite3* db) {
  sqlite3_db_config(db, SQLITE_DBCONFIG_DEFENSIVE, 1, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_WRITABLE_SCHEMA, 0, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_FTS3_TOKENIZER, 0, nullptr);
  sqlite3_db_config(db, SQLITE_DBCONFIG_ENABLE_LOAD_EXTENSION, 0, nullptr);
  sqlite3_limit(db, SQLITE_LIMIT_ATTACHED, 0);
  sqlite3_limit(db, SQLITE_LIMIT_LENGTH, kLongestValue);
  sqlite3_limit(db, SQLITE_LIMIT_LIKE_PATTERN_LENGTH, kLongestPattern);
  guard_queries(db, true);
}

void guard_queries(sqlite3* db, bool on) {
  sqlite3_set_authorizer(db, on ? authorize : nullptr, nullptr);
}

}  // namespace molgen3d::trace
