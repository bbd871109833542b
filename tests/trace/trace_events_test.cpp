// What events mean: begins with their ends, ids, places, escapes, and what stands around them.
#include <fmt/format.h>
#include <gtest/gtest.h>

#include "trace/reports/report_parts.h"
#include "trace/reports/trace_check.h"
#include "trace/store/flows.h"
#include "trace_test_files.h"

namespace molgen3d::trace {
namespace {

struct Slice {
  std::string name;
  int64_t ts, dur;  // us
  int depth;
  bool operator==(const Slice&) const = default;
};
void PrintTo(const Slice& s, std::ostream* out) {
  *out << s.name << " ts " << s.ts << " dur " << s.dur << " depth " << s.depth;
}

std::vector<Slice> slices(const Trace& t) {
  std::vector<Slice> out;
  for (size_t i = 0; i < t.slices.size(); ++i) {
    out.push_back({std::string(t.strings.view(t.slices.name[i])), t.slices.ts[i] / 1000,
                   t.slices.dur[i] == kOpen ? -1 : t.slices.dur[i] / 1000, t.slices.depth[i]});
  }
  return out;
}

std::string half(char phase, const std::string& name, int ts, const std::string& more = "") {
  return fmt::format(R"({{"ph":"{}","name":"{}","cat":"net","pid":1,"tid":1,"ts":{}{}}})", phase,
                     name, ts, more);
}

Trace read_events(const std::vector<std::string>& events) {
  std::string text = "[";
  for (const std::string& e : events) text.append(text.size() > 1 ? "," : "").append(e);
  return read_text(text + "]");
}

std::string remarks(const Trace& t) {
  std::string out;
  for (const std::string& note : describe_reading(t).notes) out += note + "\n";
  return out;
}

// ------------------------------------------------------------- begin and end on threads

TEST(BeginEnd, EqualTimesKeepTheOrderOfTheFilesStack) {
  const Trace t = read_events({half('B', "outer", 0), half('B', "inner", 0), half('E', "inner", 10),
                               half('E', "outer", 10), half('B', "p", 20), half('B', "z", 30),
                               half('E', "z", 30), half('E', "p", 30)});
  EXPECT_EQ(slices(t),
            (std::vector<Slice>{
                {"outer", 0, 10, 0}, {"inner", 0, 10, 1}, {"p", 20, 10, 0}, {"z", 30, 0, 1}}));
  EXPECT_EQ(t.slices.parent[1], 0u);
  EXPECT_EQ(t.slices.parent[3], 2u);
}

TEST(BeginEnd, EndsWithoutNamesToo) {
  const auto end = [](int ts) {
    return fmt::format(R"({{"ph":"E","pid":1,"tid":1,"ts":{}}})", ts);
  };
  const Trace t = read_events(
      {half('B', "a", 0), half('B', "b", 0), half('B', "c", 0), end(5), end(5), end(5)});
  EXPECT_EQ(slices(t), (std::vector<Slice>{{"a", 0, 5, 0}, {"b", 0, 5, 1}, {"c", 0, 5, 2}}));
}

// catapult's simple_trace.json has this on purpose.
TEST(BeginEnd, EqualTimesKeepTheirOrderAroundCompleteEvents) {
  const std::string x = R"({"ph":"X","name":"x","pid":1,"tid":1,"ts":5,"dur":10})";
  const Trace t = read_events({half('B', "over", 5), x, half('B', "under", 5),
                               half('E', "under", 15), half('E', "over", 15)});
  EXPECT_EQ(slices(t),
            (std::vector<Slice>{{"x", 5, 10, 1}, {"over", 5, 10, 0}, {"under", 5, 10, 2}}));
}

TEST(BeginEnd, EmptySlicesFollowTheStack) {
  // Before, inside at the start, nested in each other, at the end, between two others.
  const Trace t = read_events({half('B', "before", 0), half('E', "before", 0), half('B', "a", 0),
                               half('B', "first", 0), half('B', "deep", 0), half('E', "deep", 0),
                               half('E', "first", 0), half('B', "b", 5), half('B', "last", 9),
                               half('E', "last", 9), half('E', "b", 9), half('B', "own", 9),
                               half('E', "own", 9), half('E', "a", 10)});
  EXPECT_EQ(slices(t), (std::vector<Slice>{{"before", 0, 0, 0},
                                           {"a", 0, 10, 0},
                                           {"first", 0, 0, 1},
                                           {"deep", 0, 0, 2},
                                           {"b", 5, 4, 1},
                                           {"last", 9, 0, 2},
                                           {"own", 9, 0, 1}}));
  EXPECT_EQ(t.slices.parent[5], 4u);
  EXPECT_EQ(t.slices.parent[6], 1u);
}

TEST(BeginEnd, EmptySlicesInsideCompleteOnes) {
  const Trace t =
      read_events({R"({"ph":"X","name":"x","pid":1,"tid":1,"ts":0,"dur":10})", half('B', "a", 2),
                   half('E', "a", 8), half('B', "z", 8), half('E', "z", 8)});
  EXPECT_EQ(slices(t), (std::vector<Slice>{{"x", 0, 10, 0}, {"a", 2, 6, 1}, {"z", 8, 0, 1}}));
  EXPECT_EQ(t.slices.parent[2], 0u);
}

TEST(BeginEnd, UnclosedSlicesAreSaid) {
  const Trace t = read_events({half('B', "a", 0), half('B', "b", 1), half('E', "b", 2)});
  EXPECT_EQ(slices(t), (std::vector<Slice>{{"a", 0, -1, 0}, {"b", 1, 1, 1}}));
  EXPECT_NE(remarks(t).find("1 slices never end"), std::string::npos) << remarks(t);
}

// ------------------------------------------------------------- asynchronous events

const std::string kId = R"(,"id":"7")";

TEST(Async, EndsMatchBeginsByName) {
  const Trace t = read_events({half('b', "outer", 0, kId), half('b', "first", 10, kId),
                               half('b', "second", 20, kId), half('e', "first", 30, kId),
                               half('e', "second", 60, kId), half('e', "outer", 90, kId)});
  EXPECT_EQ(slices(t),
            (std::vector<Slice>{{"outer", 0, 90, 0}, {"first", 10, 20, 0}, {"second", 20, 40, 0}}));
}

TEST(Async, OneNameNestsByTheStack) {
  const Trace t = read_events({half('b', "r", 0, kId), half('b', "r", 10, kId),
                               half('e', "r", 20, kId), half('e', "r", 50, kId)});
  EXPECT_EQ(slices(t), (std::vector<Slice>{{"r", 0, 50, 0}, {"r", 10, 10, 1}}));
}

TEST(Async, ScopesKeepEqualIdsApart) {
  const std::string one = kId + R"(,"scope":"s1")";
  const std::string two = kId + R"(,"scope":"s2")";
  Trace t = read_events({half('b', "p", 0, one), half('b', "q", 10, two), half('e', "p", 30, one),
                         half('e', "q", 60, two)});
  EXPECT_EQ(slices(t), (std::vector<Slice>{{"p", 0, 30, 0}, {"q", 10, 50, 0}}));
  // The same name in both: only the scope tells. An end that does not say its scope takes the
  // newest.
  t = read_events({half('b', "p", 0, one), half('b', "p", 10, two), half('e', "p", 30, one),
                   half('e', "p", 60, two), half('b', "p", 70, one), half('e', "p", 75, kId)});
  EXPECT_EQ(slices(t), (std::vector<Slice>{{"p", 0, 30, 0}, {"p", 10, 50, 0}, {"p", 70, 5, 0}}));
}

TEST(Async, AnEndOfAnotherNameClosesNothing) {
  const Trace t = read_events({half('b', "a", 0, kId), half('e', "b", 5, kId)});
  EXPECT_EQ(slices(t), (std::vector<Slice>{{"a", 0, -1, 0}}));
  EXPECT_EQ(t.issue_counts.at("an end without a begin"), 1u);
}

TEST(Async, LocalIdsBelongToAProcessGlobalOnesToAll) {
  const auto at = [](char phase, int pid, int ts, const std::string& id2) {
    return fmt::format(R"({{"ph":"{}","name":"n","cat":"c","pid":{},"tid":1,"ts":{},"id2":{}}})",
                       phase, pid, ts, id2);
  };
  Trace t =
      read_events({at('b', 1, 0, R"({"global":"0x1"})"), at('e', 2, 9, R"({ "global" : 1 })")});
  EXPECT_EQ(slices(t), (std::vector<Slice>{{"n", 0, 9, 0}}));
  t = read_events({at('b', 1, 0, R"({"local":"0x1"})"), at('b', 2, 3, R"({"local":"0x1"})"),
                   at('e', 1, 9, R"({"local":"0x1"})"), at('e', 2, 10, R"({"local":"0x1"})")});
  EXPECT_EQ(slices(t), (std::vector<Slice>{{"n", 0, 9, 0}, {"n", 3, 7, 0}}));
}

TEST(Flows, ScopesAndLocalIdsKeepArrowsApart) {
  const auto at = [](char phase, int pid, int ts, const std::string& more) {
    return fmt::format(R"({{"ph":"{}","name":"n","cat":"c","pid":{},"tid":1,"ts":{},"bp":"e"{}}})",
                       phase, pid, ts, more);
  };
  const auto slice = [](int pid, int ts) {
    return fmt::format(R"({{"ph":"X","name":"x","pid":{},"tid":1,"ts":{},"dur":5}})", pid, ts);
  };
  const std::vector<std::string> bars = {slice(1, 0), slice(2, 10), slice(1, 20)};
  const auto flows = [&](const std::string& from, const std::string& to) {
    std::vector<std::string> events = bars;
    events.push_back(at('s', 1, 1, from));
    events.push_back(at('f', 2, 11, to));
    return bind_flows(read_events(events)).size();
  };
  EXPECT_EQ(flows(R"(,"id":5)", R"(,"id":"0x5")"), 1u);
  EXPECT_EQ(flows(R"(,"id":"a")", R"(,"id":"a")"), 1u);
  EXPECT_EQ(flows(R"(,"id":"a")", R"(,"id":"b")"), 0u);
  EXPECT_EQ(flows(R"(,"id":5,"scope":"s")", R"(,"id":5,"scope":"t")"), 0u);
  EXPECT_EQ(flows(R"(,"id":5,"scope":"s")", R"(,"id":5,"scope":"s")"), 1u);
  EXPECT_EQ(flows(R"(,"id2":{"local":5})", R"(,"id2":{"local":5})"), 0u);
  EXPECT_EQ(flows(R"(,"id2":{"global":5})", R"(,"id2":{"global":5})"), 1u);
}

// ------------------------------------------------------------- places, names, the file around

TEST(Places, ANumberInQuotesIsTheNumber) {
  const Trace t = read_events(
      {R"({"ph":"M","name":"process_name","pid":"7","args":{"name":"NPU card"}})",
       R"({"ph":"M","name":"thread_name","pid":"7","tid":"3","args":{"name":"Stream 3"}})",
       R"({"ph":"X","name":"k","ts":1,"dur":2,"pid":7,"tid":3})",
       R"({"ph":"X","name":"k","ts":5,"dur":2,"pid":"-7","tid":"03"})"});
  ASSERT_EQ(t.processes.size(), 2u);
  ASSERT_EQ(t.threads.size(), 2u);
  EXPECT_EQ(t.process_label(0), "NPU card 7");
  EXPECT_EQ(t.thread_label(0), "Stream 3");
  EXPECT_EQ(t.processes[1].pid, (OsId{-7, 0}));
  EXPECT_EQ(t.thread_label(1), "03");  // no number as anybody writes it: a text
}

TEST(Escapes, InvalidOnesKeepTheirTextAndAreCounted) {
  const auto named = [](const std::string& name, int ts) {
    return fmt::format(R"({{"ph":"X","name":"{}","pid":1,"tid":2,"ts":{},"dur":5}})", name, ts);
  };
  const Trace t = read_events({named(R"(torch\cuda\__init__.py(219): _lazy_init)", 1),
                               named(R"(torch\nn\modules\module.py(10): forward)", 10),
                               named(R"(C:\users\u0\x.py(1): f)", 20), named(R"(a\\b\/c)", 30)});
  EXPECT_EQ(slices(t)[0].name, R"(torch\cuda\__init__.py(219): _lazy_init)");
  EXPECT_EQ(slices(t)[1].name, "torch\nn\\modules\\module.py(10): forward");
  EXPECT_EQ(slices(t)[2].name, R"(C:\users\u0\x.py(1): f)");
  EXPECT_EQ(slices(t)[3].name, R"(a\b/c)");
  ASSERT_EQ(t.issue_counts.size(), 1u);
  EXPECT_EQ(t.issue_counts.begin()->second, 3u);
  EXPECT_NE(remarks(t).find("escape"), std::string::npos);
}

TEST(Document, TextAfterTheEndIsMeasured) {
  const std::string one =
      R"({"traceEvents":[{"ph":"X","name":"k","pid":1,"tid":1,"ts":1,"dur":2}]})";
  const std::string bare = R"([{"ph":"X","name":"k","pid":1,"tid":1,"ts":1,"dur":2}])";
  for (const std::string& first : {one, bare}) {
    for (const size_t window : {size_t{64}, size_t{1} << 20}) {
      for (const std::string& gap : {std::string(), std::string(" \n"), std::string(300, ' ')}) {
        const Trace t = read_text(first + gap + one + "\n", window);
        EXPECT_EQ(t.slices.size(), 1u);
        EXPECT_EQ(t.rest_offset, first.size() + gap.size());
        EXPECT_EQ(t.rest_bytes, one.size());
        EXPECT_NE(remarks(t).find(fmt::format("{} bytes after the end", one.size())),
                  std::string::npos);
        EXPECT_FALSE(check_importable(t).empty());
        EXPECT_EQ(read_text(first + gap, window).rest_bytes, 0u);
      }
    }
  }
}

std::string device_trace(const std::string& runtime) {
  return fmt::format(
      R"([{{"ph":"X","cat":"{0}","name":"launch","pid":20,"tid":20,"ts":10,"dur":3,)"
      R"("args":{{"correlation":5}}}},)"
      R"({{"ph":"X","cat":"kernel","name":"gemm_kernel","pid":0,"tid":1,"ts":20,"dur":30,)"
      R"("args":{{"correlation":5}}}},)"
      R"({{"ph":"X","cat":"{0}","name":"copy","pid":20,"tid":20,"ts":60,"dur":3,)"
      R"("args":{{"correlation":6}}}},)"
      R"({{"ph":"X","cat":"gpu_memcpy","name":"Memcpy M2D","pid":0,"tid":1,"ts":70,"dur":10,)"
      R"("args":{{"correlation":6,"bytes":4096}}}}])",
      runtime);
}

TEST(Categories, LaunchesOfEveryDeviceAreJoinedUnknownOnesNamed) {
  for (const char* runtime : {"cuda_runtime", "xpu_runtime", "xpu_driver", "mtia_runtime",
                              "privateuse1_runtime", "privateuse1_driver", "hip_runtime"}) {
    const Trace t = read_text(device_trace(runtime));
    const auto tables = report_launches(t, {});
    EXPECT_NE(tables[1].notes[0].find("2 of 2 calls started 2 device slices"), std::string::npos)
        << runtime << tables[1].notes[0];
    EXPECT_EQ(remarks(t).find("unknown category"), std::string::npos) << runtime;
  }
  const Trace t = read_text(device_trace("npu_runtime"));
  EXPECT_NE(remarks(t).find("unknown category \"npu_runtime\": 2 slices"), std::string::npos)
      << remarks(t);
  // A trace of no profiler has categories of its own: nothing to say.
  EXPECT_EQ(remarks(read_text(R"([{"ph":"X","cat":"ipc","name":"k","pid":1,"ts":1,"dur":2}])"))
                .find("category"),
            std::string::npos);
}

// Names that once met in one slot of the table made reading quadratic: 400,000 of them took
// minutes.
TEST(Names, ManyShortNamesAndPlacesAreFound) {
  std::string text = "[";
  constexpr int kCount = 400000;
  for (int i = 0; i < kCount; ++i) {
    text += fmt::format(R"({}{{"ph":"X","name":"t{}","pid":1,"tid":"w{}","ts":{},"dur":1}})",
                        i ? "," : "", i, i % 1000, i);
  }
  const Trace t = read_text(text + "]");
  ASSERT_EQ(t.slices.size(), static_cast<size_t>(kCount));
  EXPECT_EQ(t.threads.size(), 1000u);
  for (int i = 0; i < kCount; i += 4999) {
    EXPECT_EQ(t.strings.view(t.slices.name[i]), fmt::format("t{}", i));
  }
}

}  // namespace
}  // namespace molgen3d::trace
