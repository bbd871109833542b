#include "trace/sql.h"

#include <fmt/format.h>
#include <regex.h>
#include <sqlite3.h>

#include <algorithm>
#include <cctype>
#include <chrono>

#include "base/error.h"
#include "trace/args_store.h"
#include "trace/flows.h"
#include "trace/sql_slice_table.h"

namespace molgen3d::trace {
namespace {

using Clock = std::chrono::steady_clock;

constexpr const char* kSchema = R"sql(
CREATE VIRTUAL TABLE slice USING trace_slice;
CREATE VIRTUAL TABLE slices USING trace_slice;
CREATE VIRTUAL TABLE args USING trace_args;
CREATE TABLE thread(id INTEGER PRIMARY KEY, utid INT, tid INT, name TEXT, start_ts INT, end_ts INT,
  upid INT, is_main_thread INT);
CREATE TABLE process(id INTEGER PRIMARY KEY, upid INT, pid INT, name TEXT, start_ts INT, end_ts INT,
  labels TEXT);
CREATE TABLE track(id INTEGER PRIMARY KEY, name TEXT, type TEXT, parent_id INT,
  source_arg_set_id INT, utid INT, upid INT, lane INT);
CREATE TABLE counter_track(id INTEGER PRIMARY KEY, name TEXT, type TEXT, parent_id INT,
  source_arg_set_id INT, unit TEXT, upid INT);
CREATE TABLE counter(id INTEGER PRIMARY KEY, ts INT, track_id INT, value REAL, arg_set_id INT);
CREATE TABLE flow(id INTEGER PRIMARY KEY, slice_out INT, slice_in INT, trace_id INT,
  arg_set_id INT);
CREATE TABLE stats(name TEXT, key INT, idx INT, severity TEXT, source TEXT, value INT,
  description TEXT);
CREATE TABLE metadata(name TEXT, str_value TEXT);
CREATE VIEW thread_track AS SELECT id, name, type, parent_id, source_arg_set_id, utid, lane
  FROM track WHERE type = 'thread_track';
CREATE VIEW process_track AS SELECT id, name, type, parent_id, source_arg_set_id, upid, lane
  FROM track WHERE type IN ('process_track', 'async_track');
CREATE VIEW process_counter_track AS SELECT * FROM counter_track WHERE upid IS NOT NULL;
CREATE VIEW instant AS SELECT id, ts, track_id, name, arg_set_id, category FROM slice
  WHERE dur = 0;
CREATE VIEW thread_slice AS SELECT slice.id, slice.ts, slice.dur, slice.category, slice.name,
  slice.track_id, slice.depth, slice.parent_id, slice.arg_set_id, thread.utid,
  thread.name AS thread_name, thread.tid, process.upid, process.name AS process_name, process.pid
  FROM slice JOIN track ON slice.track_id = track.id JOIN thread ON track.utid = thread.id
  JOIN process ON thread.upid = process.id;
CREATE VIEW process_slice AS SELECT slice.id, slice.ts, slice.dur, slice.category, slice.name,
  slice.track_id, slice.depth, slice.parent_id, slice.arg_set_id, process.upid,
  process.name AS process_name, process.pid
  FROM slice JOIN track ON slice.track_id = track.id JOIN process ON track.upid = process.id
  WHERE track.utid IS NULL;
)sql";

bool contains_word(const std::string& sql, std::string_view word) {
  const auto same = [](char a, char b) { return std::tolower(static_cast<unsigned char>(a)) == b; };
  return std::search(sql.begin(), sql.end(), word.begin(), word.end(), same) != sql.end();
}

// One prepared INSERT, used many times.
class Inserter {
 public:
  Inserter(sqlite3* db, const std::string& sql) {
    sqlite3_prepare_v2(db, sql.c_str(), -1, &statement_, nullptr);
  }
  ~Inserter() { sqlite3_finalize(statement_); }
  Inserter(const Inserter&) = delete;
  Inserter& operator=(const Inserter&) = delete;

  Inserter& add(int64_t value) {
    sqlite3_bind_int64(statement_, ++column_, value);
    return *this;
  }
  Inserter& add(double value) {
    sqlite3_bind_double(statement_, ++column_, value);
    return *this;
  }
  Inserter& add(std::string_view text) {
    sqlite3_bind_text(statement_, ++column_, text.data(), static_cast<int>(text.size()),
                      SQLITE_TRANSIENT);
    return *this;
  }
  Inserter& null() {
    sqlite3_bind_null(statement_, ++column_);
    return *this;
  }
  void run() {
    sqlite3_step(statement_);
    sqlite3_reset(statement_);
    column_ = 0;
  }

 private:
  sqlite3_stmt* statement_ = nullptr;
  int column_ = 0;
};

void extract_arg(sqlite3_context* out, int, sqlite3_value** argv) {
  auto& c = *static_cast<SqlContext*>(sqlite3_user_data(out));
  const auto* key = reinterpret_cast<const char*>(sqlite3_value_text(argv[1]));
  const int64_t row = sqlite3_value_int64(argv[0]);
  if (sqlite3_value_type(argv[0]) == SQLITE_NULL || key == nullptr || row < 0 ||
      row >= static_cast<int64_t>(c.trace.slices.size())) {
    return;
  }
  const auto index = static_cast<uint32_t>(row);
  // The numbers that are columns need no look at the file.
  const std::string_view name(key);
  if (name == "args.correlation" && c.trace.slices.correlation[index] != kNoCorrelation) {
    sqlite3_result_int64(out, c.trace.slices.correlation[index]);
    return;
  }
  if (name == "args.bytes") {
    if (const int64_t bytes = c.bytes_of(index); bytes >= 0) {
      sqlite3_result_int64(out, bytes);
      return;
    }
  }
  const ArgLeaf* leaf = find_arg(c.args_of(index), name);
  if (leaf == nullptr) return;
  switch (leaf->type) {
    case ArgLeaf::kNull:
      break;
    case ArgLeaf::kBool:
    case ArgLeaf::kInteger:
      sqlite3_result_int64(out, leaf->integer);
      break;
    case ArgLeaf::kReal:
      sqlite3_result_double(out, leaf->real);
      break;
    case ArgLeaf::kString:
      sqlite3_result_text64(out, leaf->text.data(), leaf->text.size(), SQLITE_TRANSIENT,
                            SQLITE_UTF8);
      break;
  }
}

// X REGEXP Y is regexp(Y, X); POSIX extended expressions. The last one stays compiled.
struct Pattern {
  std::string text;
  regex_t compiled;
  bool valid = false;
  ~Pattern() {
    if (valid) regfree(&compiled);
  }
};

void regexp(sqlite3_context* out, int, sqlite3_value** argv) {
  auto& last = *static_cast<Pattern*>(sqlite3_user_data(out));
  const auto* pattern = reinterpret_cast<const char*>(sqlite3_value_text(argv[0]));
  const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(argv[1]));
  if (pattern == nullptr || text == nullptr) return;
  if (!last.valid || last.text != pattern) {
    if (last.valid) regfree(&last.compiled);
    const int code = regcomp(&last.compiled, pattern, REG_EXTENDED | REG_NOSUB);
    last.valid = code == 0;
    last.text = pattern;
    if (code != 0) {
      char message[128];
      regerror(code, &last.compiled, message, sizeof message);
      sqlite3_result_error(out, message, -1);
      return;
    }
  }
  sqlite3_result_int(out, regexec(&last.compiled, text, 0, nullptr, 0) == 0);
}

Cell cell_of(sqlite3_stmt* statement, int column) {
  switch (sqlite3_column_type(statement, column)) {
    case SQLITE_INTEGER:
      return static_cast<int64_t>(sqlite3_column_int64(statement, column));
    case SQLITE_FLOAT:
      return sqlite3_column_double(statement, column);
    case SQLITE_NULL:
      return std::monostate();
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

// Perfetto's additions to SQL that have a plain meaning here, at the head of `sql`.
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
    word = next_word(sql, at);
    if (word == "OR" && next_word(sql, at) == "REPLACE") word = next_word(sql, at);
    return word == "PERFETTO" ? "CREATE" + sql.substr(at) : sql.substr(start);
  }
}

}  // namespace

struct SqlDatabase::Impl {
  explicit Impl(const Trace& t) : context(t) {}
  SqlContext context;
  Pattern pattern;
  sqlite3* db = nullptr;
  bool flows_filled = false;
  bool counters_filled = false;
  double limit_seconds = 0;
  Clock::time_point started;

  ~Impl() { sqlite3_close_v2(db); }

  static int check_time(void* self) {
    const auto& m = *static_cast<Impl*>(self);
    const std::chrono::duration<double> spent = Clock::now() - m.started;
    return m.limit_seconds > 0 && spent.count() > m.limit_seconds;
  }

  void execute(const char* sql) const {
    char* message = nullptr;
    if (sqlite3_exec(db, sql, nullptr, nullptr, &message) != SQLITE_OK) {
      const std::string text = message ? message : "?";
      sqlite3_free(message);
      throw Error("trace tables: " + text);
    }
  }

  void fill_places() {
    const Trace& t = context.trace;
    execute("BEGIN");
    const auto os_id = [](Inserter& in, const OsId& id) {
      id.text != 0 ? in.null() : in.add(id.number);
    };
    const auto text = [&](Inserter& in, StringId id, StringId instead = 0) {
      if (id == 0) id = instead;
      id != 0 ? in.add(t.strings.view(id)) : in.null();
    };
    Inserter thread(db, "INSERT INTO thread VALUES(?,?,?,?,NULL,NULL,?,?)");
    for (size_t i = 0; i < t.threads.size(); ++i) {
      const Thread& x = t.threads[i];
      thread.add(static_cast<int64_t>(i)).add(static_cast<int64_t>(i));
      os_id(thread, x.tid);
      text(thread, x.name, x.tid.text);
      thread.add(int64_t{x.upid}).add(int64_t{x.tid == t.processes[x.upid].pid});
      thread.run();
    }
    Inserter process(db, "INSERT INTO process VALUES(?,?,?,?,NULL,NULL,?)");
    for (size_t i = 0; i < t.processes.size(); ++i) {
      const Process& x = t.processes[i];
      process.add(static_cast<int64_t>(i)).add(static_cast<int64_t>(i));
      os_id(process, x.pid);
      text(process, x.name, x.pid.text);
      text(process, x.labels);
      process.run();
    }
    Inserter track(db, "INSERT INTO track VALUES(?,?,?,?,NULL,?,?,?)");
    for (size_t i = 0; i < t.tracks.size(); ++i) {
      const Track& x = t.tracks[i];
      track.add(static_cast<int64_t>(i)).add(t.track_label(static_cast<uint32_t>(i)));
      track.add(x.kind == TrackKind::kThread    ? "thread_track"
                : x.kind == TrackKind::kProcess ? "process_track"
                : x.kind == TrackKind::kAsync   ? "async_track"
                                                : "global_track");
      x.lane > 0 ? track.add(int64_t{x.base}) : track.null();
      x.utid != kNoRow ? track.add(int64_t{x.utid}) : track.null();
      x.upid != kNoRow ? track.add(int64_t{x.upid}) : track.null();
      track.add(int64_t{x.lane}).run();
    }
    Inserter counter_track(db, "INSERT INTO counter_track VALUES(?,?,?,NULL,NULL,NULL,?)");
    for (size_t i = 0; i < t.counter_tracks.size(); ++i) {
      counter_track.add(static_cast<int64_t>(i))
          .add(t.strings.view(t.counter_tracks[i].name))
          .add("process_counter_track")
          .add(int64_t{t.counter_tracks[i].upid})
          .run();
    }
    Inserter stats(db, "INSERT INTO stats VALUES(?,NULL,NULL,?,'reader',?,?)");
    for (const auto& [what, count] : t.issue_counts) {
      stats.add(what).add("data_loss").add(static_cast<int64_t>(count)).add("").run();
    }
    stats.add("overlapping_slices").add("info").add(static_cast<int64_t>(t.overlaps));
    stats.add("moved to a lane of their own").run();
    Inserter metadata(db, "INSERT INTO metadata VALUES(?,?)");
    for (const auto& [key, value] : t.metadata) metadata.add(key).add(value).run();
    execute("COMMIT");
  }

  // Large tables that few queries name are filled when one does.
  void fill_named(const std::string& sql) {
    const Trace& t = context.trace;
    if (!counters_filled && contains_word(sql, "counter")) {
      counters_filled = true;
      execute("BEGIN");
      Inserter counter(db, "INSERT INTO counter VALUES(?,?,?,?,NULL)");
      for (size_t i = 0; i < t.counters.size(); ++i) {
        const CounterSample& x = t.counters[i];
        counter.add(static_cast<int64_t>(i)).add(x.ts).add(int64_t{x.track}).add(x.value).run();
      }
      execute("COMMIT");
    }
    if (!flows_filled && contains_word(sql, "flow")) {
      flows_filled = true;
      const std::vector<Flow> flows = bind_flows(t);
      execute("BEGIN");
      Inserter insert(db, "INSERT INTO flow VALUES(?,?,?,?,NULL)");
      for (size_t i = 0; i < flows.size(); ++i) {
        insert.add(static_cast<int64_t>(i)).add(int64_t{flows[i].from}).add(int64_t{flows[i].to});
        insert.add(static_cast<int64_t>(flows[i].id)).run();
      }
      execute("COMMIT");
      execute("CREATE INDEX flow_out ON flow(slice_out); CREATE INDEX flow_in ON flow(slice_in)");
    }
  }
};

SqlDatabase::SqlDatabase(const Trace& trace) : impl_(std::make_unique<Impl>(trace)) {
  Impl& m = *impl_;
  if (sqlite3_open_v2(":memory:", &m.db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, nullptr) !=
      SQLITE_OK) {
    throw Error("SQLite could not start");
  }
  sqlite3_limit(m.db, SQLITE_LIMIT_ATTACHED, 0);  // a query reads the trace, no other file
  register_trace_modules(m.db, &m.context);
  constexpr int kPure = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
  sqlite3_create_function(m.db, "extract_arg", 2, kPure, &m.context, extract_arg, nullptr, nullptr);
  sqlite3_create_function(m.db, "regexp", 2, kPure, &m.pattern, regexp, nullptr, nullptr);
  m.execute("PRAGMA temp_store=MEMORY");
  m.execute(kSchema);
  m.fill_places();
}

SqlDatabase::~SqlDatabase() = default;

void SqlDatabase::set_time_limit(double seconds) {
  impl_->limit_seconds = seconds;
  sqlite3_progress_handler(impl_->db, seconds > 0 ? 10000 : 0, Impl::check_time, impl_.get());
}

void SqlDatabase::run(const std::string& sql, SqlSink& sink) {
  Impl& m = *impl_;
  m.fill_named(sql);
  m.started = Clock::now();
  std::string rest = sql;
  while (!rest.empty()) {
    const std::string text = plain_statement(rest);
    sqlite3_stmt* statement = nullptr;
    const char* tail = nullptr;
    if (sqlite3_prepare_v2(m.db, text.c_str(), -1, &statement, &tail) != SQLITE_OK) {
      throw Error::format("SQL: {}: {}", sqlite3_errmsg(m.db), in_quotes(text, 80));
    }
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
    if (rc == SQLITE_INTERRUPT) {
      throw Error::format("SQL: stopped after {} s (the time limit)", m.limit_seconds);
    }
    if (rc != SQLITE_DONE) throw Error::format("SQL: {}", sqlite3_errmsg(m.db));
    if (columns > 0) sink.end();
  }
}

ReportTable SqlDatabase::query(const std::string& sql) {
  struct Collect : SqlSink {
    ReportTable table;
    void begin(const std::vector<std::string>& columns) override {
      table.columns = columns;
      table.rows.clear();
    }
    void row(const std::vector<Cell>& cells) override { table.rows.push_back(cells); }
  } sink;
  run(sql, sink);
  return std::move(sink.table);
}

}  // namespace molgen3d::trace
