// The strict check of JSON text: what is wrong, and where.
#include "trace/read/json_check.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>
#include <random>

#include "trace_test_files.h"

namespace molgen3d::trace {
namespace {

std::vector<JsonFault> faults(std::string_view text, size_t step = 1) {
  JsonChecker checker;
  for (size_t at = 0; at < text.size(); at += step) checker.feed(text.substr(at, step));
  return checker.finish();
}

TEST(JsonCheck, GoodTextIsClean) {
  for (const char* text :
       {"{}", "[]", " [ ] ", R"({"a":[1,-0,0.5,1e5,-2.5E-3,true,false,null,"",{"b":{}}]})", "\"x\"",
        "17", "[\"\\ud83d\\ude00 \\\" \\\\ \\/ \\b\\f\\n\\r\\t \\u00e9\"]",
        "[\"\xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80\"]", "[1]\n\t\r "}) {
    for (const size_t step : {1, 3, 1000}) EXPECT_TRUE(faults(text, step).empty()) << text;
  }
}

TEST(JsonCheck, EveryKindOfFaultWithItsPlace) {
  struct Case {
    std::string text;
    std::string what;
    uint64_t offset;
  };
  const std::vector<Case> cases = {
      {R"(["torch\cuda"])", "an escape that JSON does not know", 8},
      {R"(["\u12g4"])", "an escape that JSON does not know", 6},
      {R"(["\ud800"])", "half of a surrogate pair", 8},
      {R"(["\ud800x"])", "half of a surrogate pair", 8},
      {R"(["\udc00"])", "half of a surrogate pair", 7},
      {"[\"a\x01\"]", "a control character in a string", 3},
      {"[\"a\nb\"]", "a control character in a string", 3},
      {"[NaN]", "NaN or Infinity, which JSON does not have", 1},
      {"[1,-Infinity]", "NaN or Infinity, which JSON does not have", 3},
      {"[\"\xFF\"]", "bytes that are no UTF-8", 2},
      {"[\"\xC3\"]", "bytes that are no UTF-8", 3},
      {"[\"\xC0\xAF\"]", "bytes that are no UTF-8", 2},      // overlong
      {"[\"\xED\xA0\x80\"]", "bytes that are no UTF-8", 3},  // a surrogate
      {"[\"\xF4\x90\x80\x80\"]", "bytes that are no UTF-8", 3},
      {"{} {}", "text after the end of the document", 3},
      {"[1]]", "text after the end of the document", 3},
      {"[1,]", "a comma before a closing bracket", 3},
      {R"({"a":1,})", "a comma before a closing bracket", 7},
      {"[,1]", "a comma where none belongs", 1},
      {"[1,,2]", "a comma where none belongs", 3},
      {"[1 2]", "no comma between two values", 3},
      {R"({"a":1 "b":2})", "no comma between two values", 7},
      {"[abc]", "a bare word", 1},
      {"[True]", "a bare word", 1},
      {"{a:1}", "no key where one was expected", 1},
      {"{1:1}", "no key where one was expected", 1},
      {R"({"a" 1})", "no colon behind a key", 5},
      {R"({"a":})", "a key without a value", 5},
      {R"({"a"})", "a key without a value", 4},
      {"[1:2]", "a colon where none belongs", 2},
      {"[1}", "a closing bracket that nothing opened", 2},
      {"[01]", "a number that JSON does not know", 1},
      {"[+1]", "a number that JSON does not know", 1},
      {"[1.]", "a number that JSON does not know", 1},
      {"[.5]", "a number that JSON does not know", 1},
      {"[1e]", "a number that JSON does not know", 1},
      {"[0x1F]", "a number that JSON does not know", 1},
      {"[1", "the text ends before the document does", 2},
      {"", "the text ends before the document does", 0},
      {"\xEF\xBB\xBF[]", "a byte order mark", 0},
  };
  for (const Case& c : cases) {
    for (const size_t step : {1, 2, 1000}) {
      const auto found = faults(c.text, step);
      ASSERT_FALSE(found.empty()) << c.text;
      EXPECT_EQ(found[0].what, c.what) << c.text;
      EXPECT_EQ(found[0].offset, c.offset) << c.text;
    }
  }
}

TEST(JsonCheck, CountsByKindAndNamesLineAndColumn) {
  const auto found = faults("[1,\n\"\\c \\x\",\n  NaN,nan]");
  ASSERT_EQ(found.size(), 2u);
  EXPECT_EQ(found[0].count, 2u);
  EXPECT_EQ(found[0].line, 2u);
  EXPECT_EQ(found[0].column, 3u);
  EXPECT_EQ(found[1].count, 2u);
  EXPECT_EQ(found[1].line, 3u);
  EXPECT_EQ(found[1].column, 3u);
}

// Every verdict on mutated text is that of a library that shares no code with it.
TEST(JsonCheck, AgreesWithAnotherParserOnMutatedText) {
  std::mt19937 random(11);
  const std::string good =
      "{\"traceEvents\":[{\"ph\":\"X\",\"name\":\"a\\n\\u00e9\xC3\xA9\",\"ts\":-1.5e3,\"args\":{}},"
      "{\"k\":[true,null,0]}],\"z\":\"\"}";
  const std::string signs = "\"\\{}[]:,01e+-.untfalsr \n\x01\x80\xC3\xFFud8";
  size_t valid = 0;
  size_t invalid = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string text = good;
    for (size_t n = 1 + random() % 2; n > 0; --n) {
      const size_t at = random() % text.size();
      const char sign = signs[random() % signs.size()];
      switch (random() % 3) {
        case 0:
          text[at] = sign;
          break;
        case 1:
          text.erase(at, 1);
          break;
        default:
          text.insert(at, 1, sign);
      }
    }
    const bool accepted = nlohmann::json::accept(text);
    ASSERT_EQ(faults(text, 1 + random() % 5).empty(), accepted) << text;
    ++(accepted ? valid : invalid);
  }
  EXPECT_GT(valid, 500u);
  EXPECT_GT(invalid, 5000u);
}

TEST(JsonCheck, ReadsCompressedFiles) {
  const TestFolder folder;
  EXPECT_TRUE(check_json(folder.write("a.gz", gzip("[1]"))).empty());
  EXPECT_EQ(check_json(folder.write("b.gz", gzip("[1,]"))).size(), 1u);
}

}  // namespace
}  // namespace molgen3d::trace
