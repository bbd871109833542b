// The plain tables and views of a trace's database.
#include "trace/sql/sql_tables.h"

#include <string>
#include <string_view>

#include "base/error.h"
#include "trace/store/flows.h"

namespace molgen3d::trace {
namespace {

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

[[noreturn]] void fail(sqlite3* db) {
  throw Error::format("trace tables: {}", sqlite3_errmsg(db));
}

// One prepared INSERT, used many times. Every step that SQLite refuses is an Error.
class Inserter {
 public:
  Inserter(sqlite3* db, const std::string& sql) : db_(db) {
    if (sqlite3_prepare_v2(db, sql.c_str(), -1, &statement_, nullptr) != SQLITE_OK) fail(db);
  }
  ~Inserter() { sqlite3_finalize(statement_); }
  Inserter(const Inserter&) = delete;
  Inserter& operator=(const Inserter&) = delete;

  Inserter& add(int64_t value) { return check(sqlite3_bind_int64(statement_, ++column_, value)); }
  Inserter& add(double value) { return check(sqlite3_bind_double(statement_, ++column_, value)); }
  Inserter& add(std::string_view text) {
    return check(sqlite3_bind_text64(statement_, ++column_, text.data(), text.size(),
                                     SQLITE_TRANSIENT, SQLITE_UTF8));
  }
  Inserter& null() { return check(sqlite3_bind_null(statement_, ++column_)); }
  void run() {
    if (sqlite3_step(statement_) != SQLITE_DONE) fail(db_);
    check(sqlite3_reset(statement_));
    column_ = 0;
  }

 private:
  Inserter& check(int code) {
    if (code != SQLITE_OK) fail(db_);
    return *this;
  }

  sqlite3* db_;
  sqlite3_stmt* statement_ = nullptr;
  int column_ = 0;
};

void execute(sqlite3* db, const char* sql) {
  if (sqlite3_exec(db, sql, nullptr, nullptr, nullptr) != SQLITE_OK) fail(db);
}

void fill_places(sqlite3* db, const Trace& t) {
  execute(db, "BEGIN");
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
  execute(db, "COMMIT");
}

}  // namespace

void create_tables(sqlite3* db, const Trace& trace) {
  execute(db, "PRAGMA temp_store=MEMORY");
  execute(db, kSchema);
  fill_places(db, trace);
}

void fill_counters(sqlite3* db, const Trace& trace) {
  execute(db, "BEGIN");
  Inserter counter(db, "INSERT INTO counter VALUES(?,?,?,?,NULL)");
  for (size_t i = 0; i < trace.counters.size(); ++i) {
    const CounterSample& x = trace.counters[i];
    counter.add(static_cast<int64_t>(i)).add(x.ts).add(int64_t{x.track}).add(x.value).run();
  }
  execute(db, "COMMIT");
}

void fill_flows(sqlite3* db, const Trace& trace) {
  const std::vector<Flow> flows = bind_flows(trace);
  execute(db, "BEGIN");
  Inserter insert(db, "INSERT INTO flow VALUES(?,?,?,?,NULL)");
  for (size_t i = 0; i < flows.size(); ++i) {
    insert.add(static_cast<int64_t>(i)).add(int64_t{flows[i].from}).add(int64_t{flows[i].to});
    insert.add(static_cast<int64_t>(flows[i].id)).run();
  }
  execute(db, "COMMIT");
  execute(db, "CREATE INDEX flow_out ON flow(slice_out); CREATE INDEX flow_in ON flow(slice_in)");
}

}  // namespace molgen3d::trace
