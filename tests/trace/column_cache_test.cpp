// The column cache: the same trace again, or no trace at all, never a wrong one.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "trace/reports/print_tables.h"
#include "trace/reports/reports.h"
#include "trace/sql/sql.h"
#include "trace/store/column_cache.h"
#include "trace/store/column_cache_file.h"
#include "trace_test_files.h"

namespace molgen3d::trace {
namespace {

const std::string kTiny = MOLGEN3D_SOURCE_DIR "/tests/trace/golden/tiny.json";

std::string tiny_text() {
  std::ifstream file(kTiny);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

std::string everything(const Trace& t) {
  SqlDatabase db(t);
  std::string out;
  for (const char* sql :
       {"SELECT *, cat, correlation, bytes FROM slice", "SELECT * FROM args",
        "SELECT * FROM thread", "SELECT * FROM process", "SELECT * FROM track",
        "SELECT * FROM counter", "SELECT * FROM flow", "SELECT * FROM metadata"}) {
    out += print_tables({db.query(sql)}, TableFormat::kCsv);
  }
  for (const auto& report :
       {report_top, report_gpu, report_launches, report_memory, report_steps}) {
    out += print_tables(report(t, {}), TableFormat::kCsv);
  }
  return out;
}

std::string bytes_of(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

class ColumnCache : public ::testing::Test {
 protected:
  void SetUp() override { setenv("XDG_CACHE_HOME", folder_.file("cache").c_str(), 1); }
  void TearDown() override { unsetenv("XDG_CACHE_HOME"); }

  // The cache of the trace at `path`, written now.
  std::string saved(const std::string& path) {
    ReadOptions options;
    options.use_cache = false;
    std::string problem;
    const std::string cache = save_column_cache(read_trace(path, options), problem);
    EXPECT_EQ(cache, cache_path(path)) << problem;
    return cache;
  }
  static void put(const std::string& path, const std::string& bytes) {
    std::ofstream(path, std::ios::binary | std::ios::trunc) << bytes;
  }

  const TestFolder folder_;
};

TEST_F(ColumnCache, GivesTheSameTraceAndLeavesNothingBesideIt) {
  std::filesystem::create_directory(folder_.file("data"));
  for (const bool compressed : {false, true}) {
    const std::string path = folder_.write(compressed ? "data/t.json.gz" : "data/t.json",
                                           compressed ? gzip(tiny_text()) : tiny_text());
    EXPECT_FALSE(load_column_cache(path).has_value());
    const Trace first = read_trace(path);
    EXPECT_FALSE(first.from_cache);
    std::string problem;
    EXPECT_EQ(save_column_cache(first, problem), cache_path(path)) << problem;
    const Trace second = read_trace(path);
    EXPECT_TRUE(second.from_cache);
    EXPECT_EQ(everything(second), everything(first));
    ReadOptions without;
    without.use_cache = false;
    EXPECT_FALSE(read_trace(path, without).from_cache);
    struct stat info {};
    ASSERT_EQ(stat(cache_path(path).c_str(), &info), 0);
    EXPECT_EQ(info.st_mode & 077, 0u);  // a trace may be private
  }
  for (const auto& entry : std::filesystem::directory_iterator(folder_.file("data"))) {
    EXPECT_TRUE(entry.path().string().ends_with(".json") || entry.path().string().ends_with(".gz"))
        << entry.path();
  }
}

TEST_F(ColumnCache, EveryChangedByteIsNoticed) {
  const std::string path = folder_.write("t.json", tiny_text());
  const std::string cache = saved(path);
  const std::string good = bytes_of(cache);
  ASSERT_GT(good.size(), sizeof(cache::Header));
  const auto loads = [&](const std::string& bytes) {
    put(cache, bytes);
    return load_column_cache(path).has_value();
  };
  EXPECT_TRUE(loads(good));
  EXPECT_FALSE(loads(""));
  EXPECT_FALSE(loads(good.substr(0, 100)));
  EXPECT_FALSE(loads(good.substr(0, good.size() - 64)));
  EXPECT_FALSE(loads(good + "x"));
  EXPECT_FALSE(loads(good + std::string(64, '\0')));
  for (size_t at = 0; at < good.size(); at += at < 256 ? 1 : 17) {
    std::string bad = good;
    bad[at] = static_cast<char>(bad[at] ^ (1 << at % 8));
    EXPECT_FALSE(loads(bad)) << at;
  }
  EXPECT_TRUE(loads(good));
}

// A consistent checksum does not make wild indices safe.
TEST_F(ColumnCache, IndicesAreCheckedBehindTheChecksum) {
  const std::string path = folder_.write("t.json", tiny_text());
  const std::string cache = saved(path);
  const std::string good = bytes_of(cache);
  size_t refused = 0;
  for (size_t section = 0; section < cache::kSections; ++section) {
    std::string bad = good;
    cache::Header h;
    std::memcpy(&h, bad.data(), sizeof h);
    if (h.bytes[section] < 4) continue;
    std::memset(bad.data() + h.offset[section], 0x7F, 4);
    cache::Checksum sum(h);
    for (size_t i = 0; i < cache::kSections; ++i) sum.add(bad.data() + h.offset[i], h.bytes[i]);
    h.checksum = sum.value();
    std::memcpy(bad.data(), &h, sizeof h);
    put(cache, bad);
    refused += !load_column_cache(path).has_value();
  }
  EXPECT_GE(refused, 10u);  // names, tracks, parents, orders, places; times may be anything
}

// A bool that is neither, or a kind that there is none of.
TEST_F(ColumnCache, ValuesOfNoTypeAreRefused) {
  const std::string path = folder_.write("t.json", R"([
{"ph":"X","name":"k","pid":1,"tid":1,"ts":1,"dur":9},
{"ph":"s","name":"f","id":1,"pid":1,"tid":1,"ts":2},{"ph":"f","bp":"e","name":"f","id":1,"pid":1,"tid":1,"ts":3}])");
  const std::string cache = saved(path);
  const std::string good = bytes_of(cache);
  const Trace trace = read_trace(path);
  ASSERT_EQ(trace.flows.size(), 2U);
  ASSERT_GE(trace.tracks.size(), 1U);
  cache::Header h;
  std::memcpy(&h, good.data(), sizeof h);
  // Sections in the order of for_each_array().
  const size_t places[] = {h.offset[9],  // kind of the first slice
                           h.offset[15] + offsetof(FlowPoint, enclosing),
                           h.offset[16] + offsetof(Track, kind)};
  for (const size_t place : places) {
    for (const unsigned char value : {0, 43}) {
      std::string changed = good;
      changed[place] = static_cast<char>(value);
      cache::Checksum sum(h);
      for (size_t i = 0; i < cache::kSections; ++i)
        sum.add(changed.data() + h.offset[i], h.bytes[i]);
      const uint64_t checksum = sum.value();
      std::memcpy(changed.data() + offsetof(cache::Header, checksum), &checksum, sizeof checksum);
      put(cache, changed);
      EXPECT_EQ(load_column_cache(path).has_value(), value == 0) << place;
    }
  }
}

TEST_F(ColumnCache, TheContentDecidesNotTheTime) {
  const std::string path = folder_.write("t.json", tiny_text());
  saved(path);
  struct stat before {};
  ASSERT_EQ(stat(path.c_str(), &before), 0);
  const timespec times[] = {before.st_atim, before.st_mtim};

  folder_.write("t.json", tiny_text());  // the same text, written later
  EXPECT_TRUE(load_column_cache(path).has_value());

  std::string other = tiny_text();  // the same size and time, another byte far from both ends
  const size_t at = other.find("aten::matmul");
  ASSERT_NE(at, std::string::npos);
  other[at] = 'b';
  folder_.write("t.json", other);
  ASSERT_EQ(utimensat(AT_FDCWD, path.c_str(), times, 0), 0);
  EXPECT_FALSE(load_column_cache(path).has_value());
  EXPECT_NE(read_trace(path).strings.find("bten::matmul"), 0u);  // read again

  folder_.write("t.json", tiny_text() + " ");
  EXPECT_FALSE(load_column_cache(path).has_value());
}

TEST_F(ColumnCache, ForeignFilesAreNotOurs) {
  const std::string a = folder_.write("a.json", tiny_text());
  const std::string b =
      folder_.write("b.json", R"([{"ph":"X","name":"k","pid":1,"ts":1,"dur":2}])");
  std::filesystem::copy_file(saved(b), cache_path(a));
  EXPECT_FALSE(load_column_cache(a).has_value());
  // A pipe in its place must not hang the command.
  std::filesystem::remove(cache_path(a));
  ASSERT_EQ(mkfifo(cache_path(a).c_str(), 0600), 0);
  EXPECT_FALSE(read_trace(a).from_cache);
}

TEST_F(ColumnCache, ATraceThatChangedWhileItWasReadHasNone) {
  const std::string path = folder_.write("t.json", tiny_text());
  const Trace trace = read_trace(path);
  folder_.write("t.json", tiny_text());
  std::string problem;
  EXPECT_EQ(save_column_cache(trace, problem), "");
  EXPECT_NE(problem.find("changed"), std::string::npos);
}

TEST_F(ColumnCache, SaysWhyThereIsNone) {
  const std::string path = folder_.write("t.json", tiny_text());
  folder_.write("cache", "a file where a folder should be");
  std::string problem;
  EXPECT_EQ(save_column_cache(read_trace(path), problem), "");
  EXPECT_FALSE(problem.empty());
  for (const auto& entry : std::filesystem::directory_iterator(folder_.file(""))) {
    EXPECT_EQ(entry.path().string().find(".tmp."), std::string::npos) << entry.path();
  }
}

}  // namespace
}  // namespace molgen3d::trace
