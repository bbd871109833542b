// Triples of trace, query and answer; and that the short cuts never change an answer.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <random>
#include <sstream>

#include "base/error.h"
#include "test_data.h"
#include "trace/reports/print_tables.h"
#include "trace/sql/sql.h"
#include "trace_test_files.h"

namespace molgen3d::trace {
namespace {

const std::string kGolden = MOLGEN3D_SOURCE_DIR "/tests/trace/golden/";

std::string slurp(const std::string& path) {
  std::ifstream file(path);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

Trace open_uncached(const std::string& path) {
  ReadOptions options;
  options.use_cache = false;
  return read_trace(path, options);
}

// Every result set as CSV, an empty line between them.
struct CsvSink : SqlSink {
  std::string text;
  Table table;
  void begin(const std::vector<std::string>& columns) override {
    table = {};
    table.header = columns;
  }
  void row(const std::vector<Cell>& cells) override { table.rows.push_back(cells); }
  void end() override {
    if (!text.empty()) text += "\n";
    text += print_tables({table}, TableFormat::kCsv);
  }
};

TEST(Sql, GoldenTriples) {
  const Trace trace = open_uncached(kGolden + "tiny.json");
  size_t count = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kGolden)) {
    if (entry.path().extension() != ".sql") continue;
    SCOPED_TRACE(entry.path().filename().string());
    ++count;
    SqlDatabase database(trace);
    CsvSink sink;
    database.run(slurp(entry.path()), sink);
    EXPECT_EQ(sink.text, slurp(std::filesystem::path(entry.path()).replace_extension(".csv")));
  }
  EXPECT_GE(count, 14u);
}

TEST(Sql, TheStudysQueriesRunOnRealTraces) {
  for (const char* name :
       {"tracelens_h100_qwen1.5-0.5b.json.gz", "tracelens_vllm_decode_fullgraph.json.gz",
        "tracelens_b200_eager_overlaps.json.gz", "hta_cpu_only.json.gz"}) {
    const std::string file = "traces/" + std::string(name);
    MOLGEN3D_NEEDS_DATA(file);
    const Trace trace = open_uncached(test::test_data(file));
    SqlDatabase database(trace);
    for (const auto& entry : std::filesystem::directory_iterator(kGolden)) {
      if (entry.path().extension() != ".sql") continue;
      CsvSink sink;
      EXPECT_NO_THROW(database.run(slurp(entry.path()), sink)) << name << entry.path();
    }
    // The groups of the first query add up to the whole.
    const Table groups = database.query(
        "SELECT SUM(n), SUM(ns) FROM (SELECT COUNT(*) n, SUM(dur) ns FROM slices GROUP BY name)");
    const Table whole = database.query("SELECT COUNT(*), SUM(dur) FROM slice");
    EXPECT_EQ(groups.rows, whole.rows) << name;
  }
}

// A random trace in which every condition has something to find.
Trace random_trace() {
  std::mt19937 random(3);
  std::string text = "[";
  const char* categories[] = {"kernel", "cuda_runtime", "cpu_op", ""};
  for (int i = 0; i < 3000; ++i) {
    const std::string category = categories[random() % 4];
    text.append(i ? "," : "").append(R"({"ph":"X","name":")");
    text.append(random() % 9 == 0 ? "Copy" : "op").append(std::to_string(random() % 40));
    text.append("\",\"pid\":").append(std::to_string(random() % 3));
    text.append(",\"tid\":").append(std::to_string(random() % 4));
    text.append(",\"ts\":").append(std::to_string(random() % 5000));
    text.append(",\"dur\":").append(std::to_string(random() % 50));
    if (!category.empty()) text.append(",\"cat\":\"").append(category).append("\"");
    if (random() % 2) {
      text.append(R"(,"args":{"correlation":)").append(std::to_string(random() % 900)).append("}");
    }
    text += "}";
  }
  return read_text(text + "]");
}

// "+column" keeps SQLite from handing the condition to the table.
TEST(Sql, PushedDownConditionsChangeNoAnswer) {
  const Trace trace = random_trace();
  SqlDatabase db(trace);
  db.query(
      "CREATE TABLE plain AS SELECT id, ts, dur, track_id, category, name, depth, parent_id, "
      "arg_set_id, cat, slice_id, correlation, bytes FROM slice");
  const std::vector<std::string> conditions = {
      "id = 17",
      "slice_id > 2990",
      "id BETWEEN 10 AND 12.5",
      "name = 'op3'",
      "name = 'absent'",
      "name = NULL",
      "name IS NULL",
      "name LIKE '%PY1%'",
      "name GLOB 'op1*' AND dur < 20",
      "name NOT LIKE 'op%'",
      "name LIKE 'op1%' OR name LIKE 'Copy%' OR category = 'kernel'",
      "name REGEXP '^op[12]$'",
      "category = 'kernel' AND track_id = 2",
      "cat IN ('kernel', 'cpu_op') AND ts >= 1000 AND ts < 2000.5",
      "category IS NULL",
      "ts > 4900 AND ts <= 4990 AND depth = 0",
      "ts = '100'",
      "ts > 9223372036854775807 OR ts < -9223372036854775808",
      "dur > 48.5",
      "dur = 10 AND depth >= 1",
      "correlation = 5",
      "correlation IN (1, 2, 3) AND name LIKE 'op%'",
      "correlation = 5.5",
      "correlation = 'x'",
      "parent_id = (SELECT parent_id FROM plain WHERE parent_id IS NOT NULL LIMIT 1)",
      "parent_id IS NULL AND ts < 100",
      "track_id > 3 AND track_id <= 5",
      "arg_set_id = 100",
  };
  for (const std::string& where : conditions) {
    for (const char* tail : {" ORDER BY id", " ORDER BY name, id", " ORDER BY ts, id"}) {
      const std::string select = "SELECT id, ts, dur, name, category, correlation, depth FROM ";
      const Table fast = db.query(select + "slice WHERE " + where + tail);
      const Table slow = db.query(select + "plain WHERE " + where + tail);
      EXPECT_EQ(fast.rows, slow.rows) << where << tail;
    }
  }
  const std::vector<std::string> queries = {
      "SELECT name, COUNT(*), SUM(dur), MIN(ts) FROM @ GROUP BY name",
      "SELECT name, COUNT(*) n FROM @ GROUP BY name ORDER BY name DESC",
      "SELECT name, COUNT(*) n FROM @ WHERE dur < 10 GROUP BY name HAVING n > 5 ORDER BY n DESC, "
      "name",
      "SELECT category, COUNT(*), MAX(dur) FROM @ WHERE name LIKE '%1%' GROUP BY category",
      "SELECT track_id, AVG(dur) FROM @ WHERE category = 'kernel' GROUP BY track_id",
      "SELECT DISTINCT name FROM @ ORDER BY name",
      "SELECT DISTINCT category FROM @ WHERE dur > 45 ORDER BY 1",
      "SELECT ts FROM @ WHERE category = 'cpu_op' ORDER BY ts LIMIT 20 OFFSET 5",
      "SELECT ts FROM @ ORDER BY ts DESC LIMIT 5",
      "SELECT a.id, b.id FROM @ a JOIN @ b ON a.correlation = b.correlation WHERE a.category = "
      "'kernel' AND b.category = 'cuda_runtime' ORDER BY 1, 2",
      "SELECT a.name, COUNT(*) FROM @ a JOIN @ b ON a.parent_id = b.id GROUP BY a.name",
      "SELECT p.id, COUNT(c.id) FROM @ p LEFT JOIN @ c ON c.parent_id = p.id GROUP BY p.id",
  };
  for (std::string query : queries) {
    std::string plain = query;
    for (size_t at = 0; (at = query.find('@', at)) != std::string::npos;)
      query.replace(at, 1, "slice");
    for (size_t at = 0; (at = plain.find('@', at)) != std::string::npos;)
      plain.replace(at, 1, "plain");
    EXPECT_EQ(db.query(query).rows, db.query(plain).rows) << query;
  }
}

TEST(Sql, ErrorsAndLimits) {
  const Trace trace = open_uncached(kGolden + "tiny.json");
  SqlDatabase db(trace);
  EXPECT_THROW(db.query("SELEC 1"), Error);
  EXPECT_THROW(db.query("SELECT nothing FROM slice"), Error);
  EXPECT_THROW(db.query("ATTACH '/tmp/other.db' AS other"), Error);
  EXPECT_THROW(db.query("SELECT 'a' REGEXP '('"), Error);
  EXPECT_EQ(db.query("-- only a comment\n;;").header.size(), 0u);
  db.set_time_limit(0.05);
  EXPECT_THROW(db.query("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) "
                        "SELECT COUNT(*) FROM n"),
               Error);
}

}  // namespace
}  // namespace molgen3d::trace
