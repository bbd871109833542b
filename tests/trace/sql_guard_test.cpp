// What queries may not do, and that they end.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "trace/sql/sql.h"
#include "trace_test_files.h"

namespace molgen3d::trace {
namespace {

Trace small_trace() {
  return read_text(
      R"([{"ph":"X","name":"k","cat":"kernel","pid":1,"tid":2,"ts":1,"dur":2,)"
      R"("args":{"correlation":5}},{"ph":"C","name":"c","pid":1,"ts":1,"args":{"v":3}},)"
      R"({"ph":"s","name":"f","pid":1,"tid":2,"ts":1,"id":1}])");
}

std::string error_of(SqlDatabase& db, const std::string& sql) {
  try {
    db.query(sql);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(SqlGuard, ReadsAndMakesTemporaryTables) {
  const Trace trace = small_trace();
  SqlDatabase db(trace);
  for (const char* sql : {"SELECT * FROM slice JOIN args ON slice.arg_set_id = args.arg_set_id",
                          "CREATE TABLE mine AS SELECT name, dur FROM slice",
                          "INSERT INTO mine VALUES('x', 1)",
                          "UPDATE mine SET dur = 7 WHERE name = 'x'",
                          "DELETE FROM mine WHERE dur = 7",
                          "CREATE INDEX i ON mine(name)",
                          "DROP INDEX i",
                          "ALTER TABLE mine ADD COLUMN more",
                          "CREATE PERFETTO TABLE p AS SELECT 1 AS one",
                          "CREATE OR REPLACE PERFETTO VIEW v AS SELECT 2",
                          "CREATE TEMP TABLE t(a)",
                          "create  view w as select * from mine",
                          "DROP VIEW w",
                          "SELECT * FROM thread_slice",
                          "SELECT * FROM counter",
                          "SELECT * FROM flow",
                          "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i "
                          "< 5) SELECT * FROM n",
                          "BEGIN; INSERT INTO t VALUES(1); COMMIT",
                          "DROP TABLE mine",
                          "PRAGMA table_info(slice)",
                          "SELECT * FROM pragma_table_info('thread')",
                          "SELECT value FROM json_each('[1,2]')",
                          "SELECT extract_arg(arg_set_id, 'args.correlation') FROM slice"}) {
    EXPECT_EQ(error_of(db, sql), "") << sql;
  }
}

TEST(SqlGuard, RefusesEverythingElse) {
  const Trace trace = small_trace();
  SqlDatabase db(trace);
  for (const char* sql :
       {"DELETE FROM thread",
        "UPDATE process SET name = 'x'",
        "INSERT INTO metadata VALUES(1, 2)",
        "DROP TABLE thread",
        "DROP VIEW instant",
        "CREATE TABLE main.x(a)",
        "CREATE INDEX j ON thread(name)",
        "ALTER TABLE thread RENAME TO y",
        "ATTACH ':memory:' AS other",
        "DETACH main",
        "VACUUM INTO '/tmp/molgen3d_never'",
        "VACUUM",
        "ANALYZE",

        "PRAGMA writable_schema = ON",
        "PRAGMA main.writable_schema = 1",
        "PRAGMA trusted_schema = 1",
        "PRAGMA temp_store_directory = '/tmp'",
        "PRAGMA journal_mode = OFF",
        "UPDATE sqlite_master SET sql = ''",
        "UPDATE sqlite_temp_master SET sql = ''",
        "DELETE FROM temp.sqlite_temp_master",
        "SELECT fts3_tokenizer('simple')",
        "SELECT fts3_tokenizer('x', x'4141414141414141')",
        "CREATE VIRTUAL TABLE f USING fts3(a)",
        "CREATE VIRTUAL TABLE temp.f USING fts5(a)",
        "CREATE VIRTUAL TABLE r USING rtree(a, b, c)",
        "SELECT load_extension('/tmp/x.so')",
        "EXPLAIN CREATE TABLE z(a)",
        "CREATE TEMP TRIGGER g AFTER INSERT ON thread BEGIN DELETE FROM process; END; "
        "INSERT INTO thread(id) VALUES(99)"}) {
    EXPECT_NE(error_of(db, sql), "") << sql;
  }
  EXPECT_NE(error_of(db, "DELETE FROM thread").find("reads the trace"), std::string::npos);
  EXPECT_EQ(db.query("SELECT COUNT(*) FROM thread").rows,
            SqlDatabase(trace).query("SELECT COUNT(*) FROM thread").rows);
  // Tables that are filled when a query first names them stay closed as well.
  EXPECT_NE(error_of(db, "DELETE FROM counter"), "");
  EXPECT_NE(error_of(db, "DELETE FROM flow"), "");
}

TEST(SqlGuard, RegularExpressionsAreBounded) {
  const Trace trace = small_trace();
  SqlDatabase db(trace);
  const auto truth = [&](const std::string& expression) {
    return std::get<int64_t>(db.query("SELECT " + expression).rows.at(0).at(0).content);
  };
  EXPECT_EQ(truth("'op12' REGEXP '^op[12]+$'"), 1);
  EXPECT_EQ(truth("'xay' REGEXP 'a|b'"), 1);
  EXPECT_EQ(truth("'aaa' REGEXP '^a{2}$'"), 0);
  EXPECT_EQ(truth("'a1' REGEXP '[[:digit:]]'"), 1);
  EXPECT_EQ(truth("'a\\b' REGEXP '[\\]'"), 1);  // in a bracket a backslash is itself
  EXPECT_EQ(truth("'a.b' REGEXP 'a\\.b'"), 1);
  EXPECT_EQ(truth("'a' || char(10) REGEXP '^a.$'"), 1);
  EXPECT_NE(error_of(db, "SELECT 'a' REGEXP '('"), "");
  EXPECT_NE(error_of(db, "SELECT 'a' REGEXP '((((((a{1,200}){1,200}){1,200}){1,200}))'"), "");
  EXPECT_NE(error_of(db, "SELECT printf('%.*c', 60, 'a') REGEXP '^(a|aa|a*)*(a|aa|a*)*[bc]$'"), "");
  EXPECT_NE(error_of(db, "SELECT 'a' REGEXP printf('%.*c', 5000, 'a')"), "");
}

TEST(SqlGuard, TheTimeLimitHoldsWhereverTheTimeGoes) {
  std::string text = "[";
  for (int i = 0; i < 40000; ++i) {
    text += fmt::format(R"({}{{"ph":"X","name":"n{}","pid":1,"tid":1,"ts":{},"dur":1,)"
                        R"("args":{{"a":1,"b":[1,2,3]}}}})",
                        i ? "," : "", i, i);
  }
  const TestFolder folder;
  ReadOptions options;
  options.use_cache = false;
  const Trace trace = read_trace(folder.write("t.json", text + "]"), options);
  SqlDatabase db(trace);
  db.set_time_limit(0.02);
  for (const char* sql :
       {"WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) SELECT COUNT(*) FROM n",
        "SELECT COUNT(*) FROM slice a, slice b, slice c WHERE a.dur + b.dur + c.dur = 0",
        "SELECT COUNT(*) FROM args a, args b WHERE a.key || b.key = 'never'",
        "SELECT COUNT(*) FROM slice a JOIN slice b ON b.name LIKE '%' || a.name || '%never'",
        "CREATE TABLE big AS SELECT a.id FROM slice a, slice b, slice c"}) {
    EXPECT_NE(error_of(db, sql).find("time limit"), std::string::npos) << sql;
  }
  db.set_time_limit(0);
  EXPECT_EQ(db.query("SELECT COUNT(*) FROM args").rows, db.query("SELECT 160000").rows);
}

}  // namespace
}  // namespace molgen3d::trace
