// Corner cases of real and hostile files.
#include <gtest/gtest.h>

#include "base/error.h"
#include "trace/read/nesting.h"
#include "trace/store/args_store.h"
#include "trace_test_files.h"

namespace molgen3d::trace {
namespace {

std::string event(const std::string& name, int ts, int dur, const std::string& more = "") {
  return R"({"ph":"X","name":")" + name + R"(","pid":1,"tid":2,"ts":)" + std::to_string(ts) +
         R"(,"dur":)" + std::to_string(dur) + more + "}";
}
std::string wrapped(const std::string& events) {
  return R"({"traceEvents":[)" + events + "]}";
}

std::vector<std::string> names(const Trace& t) {
  std::vector<std::string> out;
  for (const StringId id : t.slices.name) out.emplace_back(t.strings.view(id));
  return out;
}
using Names = std::vector<std::string>;

uint64_t issues(const Trace& t) {
  uint64_t sum = 0;
  for (const auto& [what, count] : t.issue_counts) sum += count;
  return sum;
}

TEST(Reader, EventsCutAtEveryByteOfAWindow) {
  const std::string body =
      event("a\\\"b", 10, 5, R"(,"args":{"correlation":77,"list":[1,{"x":"}"}],"s":"\\"})") +
      ",\n  " + event("c", 20, 5) + " , " + event("d", 30, 5);
  for (size_t shift = 0; shift < 130; ++shift) {
    const std::string text = std::string(shift, ' ') + wrapped(body);
    for (const size_t window : {size_t{64}, size_t{128}, size_t{1} << 20}) {
      for (const int threads : {1, 2}) {
        const Trace t = read_text(text, window, threads);
        ASSERT_EQ(names(t), (Names{"a\"b", "c", "d"})) << shift << " " << window;
        ASSERT_EQ(t.slices.correlation[0], 77);
        ASSERT_EQ(t.slices.correlation[1], kNoCorrelation);
        ASSERT_EQ(issues(t), 0u);
        ASSERT_TRUE(t.closed);
      }
    }
  }
}

TEST(Reader, LongEventsOutgrowTheWindow) {
  const std::string long_name(1000000, 'n');
  const std::string text =
      wrapped(event("a", 1, 1) + "," + event(long_name, 2, 1) + "," + event("z", 3, 1));
  for (const size_t window : {size_t{64} << 10, size_t{1} << 20}) {
    const Trace t = read_text(text, window);
    EXPECT_EQ(names(t), (Names{"a", long_name, "z"}));
    EXPECT_EQ(issues(t), 0u);
  }
}

// A quote inside a name flips the meaning of every quote after it.
TEST(Reader, StrayQuotesHideOnlyTheirEvent) {
  const std::string broken =
      R"({"ph":"X","name":"std::string("x","y"), "pid":1,"tid":2,"ts":4,"dur":1})";
  const std::string odd =
      R"({"ph":"X","name":"a"b","pid":1,"tid":2,"ts":4,"dur":1,"args":{"k":1}})";
  for (const std::string& bad : {broken, odd}) {
    for (size_t shift = 0; shift < 70; ++shift) {
      for (const size_t window : {size_t{64}, size_t{1} << 20}) {
        const Trace t = read_text(std::string(shift, ' ') + wrapped(event("a", 1, 1) + "," + bad +
                                                                    "," + event("b", 5, 1) + "," +
                                                                    bad + "," + event("c", 7, 1)),
                                  window, 2);
        ASSERT_EQ(names(t), (Names{"a", "b", "c"})) << bad << shift;
        ASSERT_EQ(issues(t), 2u);
        ASSERT_FALSE(t.issues.empty());
        ASSERT_EQ(t.issues[0].offset, shift + 16 + event("a", 1, 1).size() + 1);
      }
    }
  }
}

TEST(Reader, BrokenEventsOfEveryKind) {
  const std::vector<std::string> broken = {
      R"({"ph":"X","name":"n" "pid":1})",
      R"({"ph":"X","name":})",
      R"({"ph":"X",name:"n"})",
      R"({"ph":"X","name":"n","pid":1,"tid":2,"dur":1})",
      R"({"name":"no phase","ts":1})",
      R"({"ph":"X","name":"n","pid":1,"tid":2,"ts":NaN,"dur":1})",
      R"({"ph":"X","name":"n","pid":1,"tid":2,"ts":1})",
      R"({"ph":"X","name":"n","pid":1,"tid":2,"ts":1e40,"dur":1})",
      R"({"ph":"X","name":"n","pid":1,"tid":2,"ts":1,"dur":-1})",
      "garbage",
      "\"text\"",
      "17",
      "}"};
  for (const std::string& bad : broken) {
    const Trace t = read_text(wrapped(event("a", 1, 1) + "," + bad + "," + event("b", 5, 1)));
    EXPECT_EQ(names(t), (Names{"a", "b"})) << bad;
    EXPECT_GE(issues(t), 1u) << bad;
  }
}

TEST(Reader, AMissingBracketHidesOnlyItsEvent) {
  std::string many;
  for (int i = 0; i < 2000; ++i) many += "," + event("e", 10 + i, 1);
  const Trace t = read_text(
      wrapped(event("a", 1, 1) + R"(,{"ph":"X","name":"open","args":{"k":{)" + many), 64 << 10);
  EXPECT_EQ(t.slices.size(), 2001u);
  EXPECT_EQ(issues(t), 1u);
  EXPECT_TRUE(t.closed);
}

TEST(Reader, OddButUsable) {
  const Trace t = read_text(
      R"({"z":[1,{"traceEvents":[]}],"traceEvents":[)" + event("raw \x01 control \xFF", 1, 1) +
      "," + R"({"ph":"X","name":"text ts","pid":"Spans","ts":"12.5","dur":"1"},{},)" +
      R"({"ph":"X","name":"big","pid":99999999999999999999999,"tid":1,"ts":-5,"dur":1,)" +
      R"("args":{"Comms Id":18446744073709551615,"bw":NaN,"x":-Infinity}},)" +
      "\n],\"after\":\"keys\",\"more\":{\"a\":1}}");
  EXPECT_EQ(issues(t), 0u);
  EXPECT_EQ(names(t), (Names{"raw \x01 control \xFF", "text ts", "big"}));
  EXPECT_EQ(t.slices.ts[1], 12500);
  EXPECT_EQ(t.slices.ts[2], -5000);
  EXPECT_EQ(t.events, 3u);
  EXPECT_EQ(t.metadata.size(), 3u);
  EXPECT_EQ(t.process_label(1), "Spans");
  EXPECT_TRUE(t.closed);
}

TEST(Reader, LoneSurrogatesAndBareArrays) {
  const Trace t = read_text("[" + event("\\ud800!", 1, 1) + "," + event("b", 2, 1));
  EXPECT_EQ(names(t), (Names{"\xEF\xBF\xBD!", "b"}));
  EXPECT_TRUE(t.bare_array);
  EXPECT_FALSE(t.closed);  // missing ]
  EXPECT_EQ(issues(t), 0u);
}

TEST(Reader, NoTrace) {
  EXPECT_THROW(read_text(""), Error);
  EXPECT_THROW(read_text("   \n "), Error);
  EXPECT_THROW(read_text("hello"), Error);
  EXPECT_THROW(read_text(R"({"a":1})"), Error);
  EXPECT_THROW(read_trace("/nonexistent/trace.json"), Error);
  EXPECT_THROW(read_trace("/"), Error);
  EXPECT_EQ(read_text("[]").slices.size(), 0u);
  EXPECT_EQ(read_text(wrapped("")).slices.size(), 0u);
}

TEST(Reader, GzipMembersTruncationAndPadding) {
  const TestFolder folder;
  std::string events;
  for (int i = 0; i < 5000; ++i)
    events += (i ? "," : "") + event("e" + std::to_string(i % 7), i, 1);
  const std::string text = wrapped(events);
  const std::string two = gzip(text.substr(0, 70001)) + gzip(text.substr(70001));
  ReadOptions options;
  options.use_cache = false;
  Trace t = read_trace(folder.write("two.gz", two), options);
  EXPECT_EQ(t.slices.size(), 5000u);
  EXPECT_EQ(t.input.members, 2);
  EXPECT_EQ(t.json_bytes, text.size());

  t = read_trace(folder.write("padded", two + std::string(512, '\0')), options);
  EXPECT_EQ(t.slices.size(), 5000u);
  EXPECT_TRUE(t.input.trailing_garbage);

  const std::string one = gzip(text);
  t = read_trace(folder.write("cut.gz", one.substr(0, one.size() / 2)), options);
  EXPECT_TRUE(t.input.truncated);
  EXPECT_FALSE(t.closed);
  EXPECT_GT(t.slices.size(), 1000u);
  EXPECT_LT(t.slices.size(), 5000u);

  std::string damaged = one;
  for (size_t i = damaged.size() / 2; i < damaged.size() / 2 + 64; ++i) damaged[i] ^= 0x5A;
  t = read_trace(folder.write("damaged.gz", damaged), options);
  EXPECT_TRUE(t.input.corrupt || t.input.truncated);
}

TEST(Reader, ArgsAreReadAgainOnDemand) {
  const TestFolder folder;
  std::string events;
  for (int i = 0; i < 200000; ++i) {
    events += (i ? "," : "") + event("kernel with a name of some length", i, 1,
                                     R"(,"args":{"correlation":)" + std::to_string(i) +
                                         R"(,"pad":"0123456789012345678901234567890123456789"})");
  }
  ReadOptions options;
  options.use_cache = false;
  for (const bool compressed : {false, true}) {
    const std::string text = wrapped(events);
    const Trace t = read_trace(folder.write("t.json", compressed ? gzip(text) : text), options);
    ASSERT_EQ(t.slices.size(), 200000u);
    for (uint32_t row = 0; row < t.slices.size(); row += 19997) {
      const auto leaves = parse_args(args_text(t, row));
      ASSERT_EQ(leaves.size(), 2u);
      EXPECT_EQ(leaves[0].integer, row);
      EXPECT_EQ(t.slices.correlation[row], row);
    }
  }
}

TEST(Reader, NestingDepth600AndLanes) {
  std::string events;
  for (int i = 0; i < 600; ++i) events += (i ? "," : "") + event("d", i, 2000 - 2 * i);
  Trace t = read_text(wrapped(events));
  EXPECT_EQ(t.slices.depth[599], 599);
  EXPECT_EQ(t.slices.parent[599], 598u);
  EXPECT_EQ(t.overlaps, 0u);

  // b starts inside a and ends after it; c fits into b; d touches a's end and nests nowhere.
  t = read_text(wrapped(event("a", 0, 10) + "," + event("b", 5, 10) + "," + event("c", 6, 3) + "," +
                        event("d", 10, 2) + "," + event("e", 10, 0)));
  EXPECT_EQ(t.overlaps, 1u);
  EXPECT_EQ(t.tracks[t.slices.track[1]].lane, 1u);
  EXPECT_EQ(t.slices.parent[2], 0u);
  EXPECT_EQ(t.slices.parent[3], kNoRow);
  EXPECT_EQ(t.slices.parent[4], 3u);
  EXPECT_EQ(t.slices.size(), 5u);
}

TEST(Reader, FileOrderDoesNotMatterForNesting) {
  const Trace t = read_text(wrapped(event("child", 5, 2) + "," + event("late", 30, 1) + "," +
                                    event("parent", 5, 10) + "," + event("root", 0, 20)));
  EXPECT_EQ(t.slices.parent[0], 2u);
  EXPECT_EQ(t.slices.parent[2], 3u);
  EXPECT_EQ(t.slices.depth[0], 2);
  EXPECT_EQ(t.slices.depth[1], 0);
}

TEST(Reader, ManyOverlapsStayBounded) {
  std::string events;
  for (int i = 0; i < 3000; ++i) events += (i ? "," : "") + event("o", i, 10000);
  const Trace t = read_text(wrapped(events));
  EXPECT_EQ(t.slices.size(), 3000u);
  EXPECT_LE(t.tracks.size(), 256u);
}

TEST(Reader, HostileFilesStayBounded) {
  ReadOptions options;
  options.use_cache = false;
  options.max_event_bytes = 1 << 20;
  const TestFolder folder;
  // One endless string, endless nesting, endless blanks after a brace; then a good event.
  const std::string good = "," + event("good", 1, 1) + "]";
  const std::string string = "[" + std::string(R"({"ph":"X","name":")") + std::string(4 << 20, 'x');
  std::string nested = "[{\"ph\":\"X\",\"args\":";
  for (int i = 0; i < 300000; ++i) nested += "[{\"ph\":";
  const std::string blanks = "[{" + std::string(4 << 20, ' ') + "}" + good;
  for (const std::string& text : {string, nested, blanks}) {
    const Trace t = read_trace(folder.write("h.json", text), options);
    EXPECT_LE(t.slices.size(), 1u);
  }
  // 1 GB of blanks in a megabyte of gzip.
  EXPECT_THROW(read_trace(folder.write("bomb.gz", gzip(std::string(64 << 20, ' '))), options),
               Error);

  options.max_bytes = 8 << 20;
  std::string many;
  for (int i = 0; i < 300000; ++i) many += (i ? "," : "[") + event("m", i, 1);
  const Trace t = read_trace(folder.write("many.json", many + "]"), options);
  EXPECT_TRUE(t.stopped_by_limit);
  EXPECT_LT(t.slices.size(), 300000u);
  EXPECT_GT(t.slices.size(), 1000u);
}

}  // namespace
}  // namespace molgen3d::trace
