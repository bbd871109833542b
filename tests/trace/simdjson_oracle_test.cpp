// The scanner against simdjson, which shares no code with it, on random traces.
#include <gtest/gtest.h>
#include <simdjson.h>

#include <random>

#include "trace/store/args_store.h"
#include "trace_test_files.h"

namespace molgen3d::trace {
namespace {

std::string random_text(std::mt19937& random) {
  static const std::vector<std::string> pieces = {
      "a", "kernel<int>", "\\\"", "\\\\", "\\n", "\\u00e9", "{}", "[", "}", ",", ":", "\xC3\xA9"};
  std::string out;
  for (size_t n = random() % 12; n > 0; --n) out += pieces[random() % pieces.size()];
  return out;
}

std::string random_value(std::mt19937& random, int depth) {
  switch (random() % (depth > 3 ? 4 : 6)) {
    case 0:
      return std::to_string(static_cast<int64_t>(random()) - 1000000);
    case 1:
      return "\"" + random_text(random) + "\"";
    case 2:
      return random() % 2 ? "true" : "null";
    case 3:
      return "1.5e2";
    case 4: {
      std::string out = "[";
      for (size_t n = random() % 4, i = 0; i < n; ++i) {
        out.append(i ? ", " : "").append(random_value(random, depth + 1));
      }
      return out += "]";
    }
    default: {
      std::string out = "{";
      for (size_t n = random() % 4, i = 0; i < n; ++i) {
        out.append(i ? " ,\n" : "").append("\"").append(random_text(random)).append("\": ");
        out.append(random_value(random, depth + 1));
      }
      return out += "}";
    }
  }
}

size_t count_leaves(simdjson::dom::element e) {
  size_t n = 0;
  if (e.is_object()) {
    for (auto field : e.get_object()) n += count_leaves(field.value);
  } else if (e.is_array()) {
    for (auto child : e.get_array()) n += count_leaves(child);
  } else {
    n = 1;
  }
  return n;
}

TEST(SimdjsonOracle, SameEventsFromRandomTraces) {
  std::mt19937 random(11);
  for (int round = 0; round < 60; ++round) {
    std::string text = "{\"head\": " + random_value(random, 0) + ", \"traceEvents\": [";
    const size_t events = 1 + random() % 60;
    for (size_t i = 0; i < events; ++i) {
      std::vector<std::string> fields = {R"("ph": "X")",
                                         "\"name\": \"" + random_text(random) + "\"",
                                         "\"cat\":\"" + random_text(random) + "\"",
                                         "\"ts\": " + std::to_string(random() % 1000000) + "." +
                                             std::to_string(100 + random() % 900),
                                         "\"dur\" :" + std::to_string(random() % 1000),
                                         R"("pid": 1)",
                                         R"("tid": 2)",
                                         "\"unknown\": " + random_value(random, 0),
                                         "\"args\": {\"v\": " + random_value(random, 0) + "}"};
      if (random() % 3 == 0) std::shuffle(fields.begin(), fields.end(), random);
      text += i ? ",\n  {" : "{";
      // Mostly as the event before, as real writers do.
      static const std::vector<std::string> gaps = {", ", ",", " ,\n    ", ",\t\t "};
      const std::string& usual = gaps[round % gaps.size()];
      for (size_t f = 0; f < fields.size(); ++f) {
        const std::string& gap = random() % 8 == 0 ? gaps[random() % gaps.size()] : usual;
        text.append(f ? gap : "").append(fields[f]);
      }
      text += "}";
    }
    text += "], \"tail\": " + random_value(random, 0) + "}";
    simdjson::dom::parser parser;
    const simdjson::dom::element oracle = parser.parse(text);
    for (const size_t window : {size_t{64}, size_t{192}, size_t{1} << 20}) {
      const TestFolder folder;
      ReadOptions options;
      options.use_cache = false;
      options.window_bytes = window;
      const Trace t = read_trace(folder.write("t.json", text), options);
      ASSERT_TRUE(t.issue_counts.empty()) << text;
      ASSERT_EQ(t.slices.size(), events);
      uint32_t row = 0;
      for (simdjson::dom::element e : oracle["traceEvents"].get_array()) {
        const std::string_view name = e["name"];
        const std::string_view category = e["cat"];
        const double ts = e["ts"];
        ASSERT_EQ(t.strings.view(t.slices.name[row]), name);
        ASSERT_EQ(t.strings.view(t.slices.category[row]), category);
        ASSERT_EQ(t.slices.ts[row], std::llround(ts * 1000));
        ASSERT_EQ(t.slices.dur[row], static_cast<int64_t>(e["dur"]) * 1000);
        ASSERT_EQ(parse_args(args_text(t, row)).size(), count_leaves(e["args"]));
        ++row;
      }
    }
  }
}

}  // namespace
}  // namespace molgen3d::trace
