#include "trace/sql/sql.h"

#include <sqlite3.h>

#include <algorithm>
#include <cctype>
#include <chrono>

#include "base/error.h"
#include "trace/sql/sql_guard.h"
#include "trace/sql/sql_tables.h"

namespace molgen3d::trace {
namespace {

using Clock = SqlContext::Clock;

bool contains_word(const std::string& sql, std::string_view word) {
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  return std::search(sql.begin(), sql.end(), word.begin(), word.end(), same) != sql.end();
}

Cell cell_of(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return sqlite3_column_int64(statement, column);
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, column);
    case SQLITE_NULL:
      return {};
    default: {
      const auto* bytes = static_cast<const char*>(sqlite3_column_blob(statement, column));
      const int size = sqlite3_column_bytes(statement, column);
      return std::string(bytes ? bytes : "", static_cast<size_t>(size));
    }
  }
}

// Skips blanks, empty statements and comments that start at `at`.
size_t skip_to_statement(const std::string& sql, size_t at) {
  for (;;) {
    while (at < sql.size() &&
           (std::isspace(static_cast<unsigned char>(sql[at])) || sql[at] == ';')) {
      ++at;
    }
    if (sql.compare(at, 2, "--") == 0) {
      at = std::min(sql.size(), sql.find('\n', at));
    } else if (sql.compare(at, 2, "/*") == 0) {
      const size_t end = sql.find("*/", at);
      at = end == std::string::npos ? sql.size() : end + 2;
    } else {
      return at;
    }
  }
}

// The next word of `sql` from `at` on, in upper case; moves `at` behind it.
std::string next_word(const std::string& sql, size_t& at) {
  while (at < sql.size() && std::isspace(static_cast<unsigned char>(sql[at]))) ++at;
  std::string word;
  while (at < sql.size() && (std::isalnum(static_cast<unsigned char>(sql[at])) || sql[at] == '_' ||
                             sql[at] == '.' || sql[at] == '*')) {
    word += static_cast<char>(std::toupper(static_cast<unsigned char>(sql[at++])));
  }
  return word;
}

// Perfetto's additions to SQL that have a plain meaning here, at the head of `sql`; and what a
// query makes is temporary, as is everything but the trace.
std::string plain_statement(const std::string& sql) {
  for (size_t start = skip_to_statement(sql, 0);; start = skip_to_statement(sql, start)) {
    size_t at = start;
    std::string word = next_word(sql, at);
    if (word == "INCLUDE" && next_word(sql, at) == "PERFETTO" && next_word(sql, at) == "MODULE") {
      next_word(sql, at);  // the module's name
      start = at;
      continue;
    }
    if (word != "CREATE") return sql.substr(start);
    size_t made = at;
    word = next_word(sql, at);
    const bool replace = word == "OR" && next_word(sql, at) == "REPLACE";
    if (replace) word = next_word(sql, at);
    if (word == "PERFETTO") {
      made = at;
      word = next_word(sql, at);
    } else if (replace) {
      return sql.substr(start);
    }
    const bool own = word == "TABLE" || word == "VIEW" || word == "TRIGGER";
    return (own ? "CREATE TEMP" : "CREATE") + sql.substr(made);
  }
}

}  // namespace

struct SqlDatabase::Impl {
  explicit Impl(const Trace& t) : context(t) {}
  SqlContext context;
  sqlite3* db = nullptr;
  bool flows_filled = false;
  bool counters_filled = false;
  double limit_seconds = 0;

  ~Impl() { sqlite3_close_v2(db); }

  static int check_time(void* self) { return static_cast<Impl*>(self)->context.expired(); }

  void start_clock() {
    context.deadline = Clock::time_point::max();
    if (limit_seconds > 0 && limit_seconds < 1e9) {
      context.deadline = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                            std::chrono::duration<double>(limit_seconds));
    }
  }

  [[noreturn]] void fail(int code, const std::string& text) const {
    if (code == SQLITE_INTERRUPT) {
      throw Error::format("SQL: stopped after {} s (the time limit)", limit_seconds);
    }
    if (code == SQLITE_AUTH) {
      throw Error::format(
          "SQL: {}: {}: a query reads the trace and may make temporary tables, nothing else",
          in_quotes(text, 80), sqlite3_errmsg(db));
    }
    throw Error::format("SQL: {}: {}", sqlite3_errmsg(db), in_quotes(text, 80));
  }

  // Large tables that few queries name are filled when one does.
  void fill_named(const std::string& sql) {
    struct Unguarded {
      explicit Unguarded(sqlite3* d) : db(d) { guard_queries(db, false); }
      ~Unguarded() { guard_queries(db, true); }
      sqlite3* db;
    } const filling(db);
    if (!counters_filled && contains_word(sql, "counter")) {
      fill_counters(db, context.trace);
      counters_filled = true;
    }
    if (!flows_filled && contains_word(sql, "flow")) {
      fill_flows(db, context.trace);
      flows_filled = true;
    }
  }
};

SqlDatabase::SqlDatabase(const Trace& trace) : impl_(std::make_unique<Impl>(trace)) {
  Impl& m = *impl_;
  if (sqlite3_open_v2(":memory:", &m.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr) !=
      SQLITE_OK) {
    throw Error("SQLite could not start");
  }
  register_slice_table(m.db, &m.context);
  register_args_table(m.db, &m.context);
  register_functions(m.db, &m.context);
  create_tables(m.db, trace);
  harden(m.db);
}

SqlDatabase::~SqlDatabase() = default;

void SqlDatabase::set_time_limit(double seconds) {
  impl_->limit_seconds = seconds;
  sqlite3_progress_handler(impl_->db, seconds > 0 ? 10000 : 0, Impl::check_time, impl_.get());
}

void SqlDatabase::run(const std::string& sql, SqlSink& sink) {
  Impl& m = *impl_;
  m.start_clock();
  m.fill_named(sql);
  std::string rest = sql;
  while (!rest.empty()) {
    const std::string text = plain_statement(rest);
    sqlite3_stmt* statement = nullptr;
    const char* tail = nullptr;
    const int prepared = sqlite3_prepare_v2(m.db, text.c_str(), -1, &statement, &tail);
    if (prepared != SQLITE_OK) m.fail(prepared, text);
    rest = tail;
    if (statement == nullptr) continue;  // only blanks and comments
    const std::unique_ptr<sqlite3_stmt, int (*)(sqlite3_stmt*)> owner(statement, sqlite3_finalize);
    const int columns = sqlite3_column_count(statement);
    if (columns > 0) {
      std::vector<std::string> names;
      for (int c = 0; c < columns; ++c) names.emplace_back(sqlite3_column_name(statement, c));
      sink.begin(names);
    }
    std::vector<Cell> cells(static_cast<size_t>(columns));
    int rc = SQLITE_DONE;
    while ((rc = sqlite3_step(statement)) == SQLITE_ROW) {
      for (int c = 0; c < columns; ++c) cells[static_cast<size_t>(c)] = cell_of(statement, c);
      sink.row(cells);
    }
    if (rc == SQLITE_INTERRUPT || rc == SQLITE_AUTH) m.fail(rc, text);
    if (rc != SQLITE_DONE) throw Error::format("SQL: {}", sqlite3_errmsg(m.db));
    if (columns > 0) sink.end();
  }
}

Table SqlDatabase::query(const std::string& sql) {
  struct Collect : SqlSink {
    Table table;
    void begin(const std::vector<std::string>& columns) override {
      table.header = columns;
      table.rows.clear();
    }
    void row(const std::vector<Cell>& cells) override { table.rows.push_back(cells); }
  } sink;
  run(sql, sink);
  return std::move(sink.table);
}

}  // namespace molgen3d::trace
