// The bit maps against a byte-by-byte reading of JSON, for every cut of the text.
#include <gtest/gtest.h>

#include <random>

#include "trace/read/fixed_point.h"
#include "trace/read/structural_index.h"
#include "trace/store/string_pool.h"

namespace molgen3d::trace {
namespace {

struct Plain {
  std::vector<bool> quotes, brackets;
};

Plain read_plainly(const std::string& text) {
  Plain p{std::vector<bool>(text.size()), std::vector<bool>(text.size())};
  bool in_string = false;
  bool escaped = false;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '"' && !escaped) {
      p.quotes[i] = true;
      in_string = !in_string;
    } else if (!in_string && (c == '{' || c == '}' || c == '[' || c == ']')) {
      p.brackets[i] = true;
    }
    escaped = c == '\\' && !escaped;
  }
  return p;
}

using IndexFunction = void (*)(const char*, size_t, size_t, IndexState&, StructuralIndex&);

void expect_same(const std::string& text, IndexFunction function, size_t step) {
  std::string padded = text + std::string(64, '\0');
  StructuralIndex index;
  index.resize(text.size());
  IndexState state;
  for (size_t at = 0; at < text.size(); at += step) {
    function(padded.data(), at, std::min(text.size(), at + step), state, index);
  }
  const Plain plain = read_plainly(text);
  for (size_t i = 0; i < text.size(); ++i) {
    ASSERT_EQ((index.quotes[i / 64] >> (i % 64)) & 1, plain.quotes[i]) << i << " of " << text;
    ASSERT_EQ((index.brackets[i / 64] >> (i % 64)) & 1, plain.brackets[i]) << i << " of " << text;
  }
}

TEST(StructuralIndex, AgreesWithAPlainReadingOnRandomText) {
  std::mt19937 random(7);
  const std::string alphabet = "\"\"\\\\{}[]:, \n\tab1\x01\x80\xFF";
  for (int round = 0; round < 300; ++round) {
    std::string text(1 + random() % 700, ' ');
    for (char& c : text) c = alphabet[random() % alphabet.size()];
    for (const size_t step : {size_t{64}, size_t{128}, size_t{1024}}) {
      expect_same(text, index_structure, step);
      expect_same(text, index_structure_scalar, step);
    }
  }
}

TEST(StructuralIndex, EscapesAcrossBlocks) {
  for (size_t lead = 50; lead < 70; ++lead) {
    for (size_t backslashes = 0; backslashes < 10; ++backslashes) {
      expect_same("\"" + std::string(lead, 'x') + std::string(backslashes, '\\') + "\" [ \"",
                  index_structure, 64);
    }
  }
}

// Both loops report the same stray quotes, and none in proper JSON.
TEST(StructuralIndex, StrayQuotesAreSuspicious) {
  const auto suspicious = [](const std::string& text, IndexFunction function) {
    const std::string padded = text + std::string(64, '\0');
    StructuralIndex index;
    index.resize(text.size());
    IndexState state;
    function(padded.data(), 0, text.size(), state, index);
    return index.suspicious;
  };
  for (size_t lead = 0; lead < 130; ++lead) {
    const std::string blank(lead, ' ');
    for (const IndexFunction f : {index_structure, index_structure_scalar}) {
      EXPECT_TRUE(suspicious(blank + R"({"a" : "b\"c", "d":["e",1]})", f).empty());
      EXPECT_EQ(suspicious(blank + R"({"a":"b"c"})", f).front(), lead + 8);
    }
  }
}

TEST(FixedPoint, ExactTimes) {
  EXPECT_EQ(parse_us_as_ns("1712195495505582.988"), 1712195495505582988);
  EXPECT_EQ(parse_us_as_ns("0"), 0);
  EXPECT_EQ(parse_us_as_ns("-3.25"), -3250);
  EXPECT_EQ(parse_us_as_ns("1.5e3"), 1500000);
  EXPECT_EQ(parse_us_as_ns("2E-3"), 2);
  EXPECT_EQ(parse_us_as_ns("12.5"), 12500);
  // Half to even below one ns.
  EXPECT_EQ(parse_us_as_ns("0.0005"), 0);
  EXPECT_EQ(parse_us_as_ns("0.0015"), 2);
  EXPECT_EQ(parse_us_as_ns("0.00050000000000000000000000000000000000000001"), 1);
  EXPECT_EQ(parse_us_as_ns("1e-400"), 0);
  EXPECT_EQ(parse_us_as_ns("0e999999999999"), 0);
  for (const char* bad : {"", "NaN", "Infinity", "-", ".", "1x", "1.2.3", "1e", "9223372036854776",
                          "99999999999999999999999999", "1e300", "\"", "null", "true"}) {
    EXPECT_FALSE(parse_us_as_ns(bad).has_value()) << bad;
  }
  EXPECT_EQ(parse_integer("18446744073709551615"), std::nullopt);
  EXPECT_EQ(parse_integer("-9223372036854775807"), -9223372036854775807);
  EXPECT_EQ(parse_integer("12.9"), 12);
}

TEST(StringPool, OneIdPerTextHoweverItIsSpelled) {
  StringPool pool;
  const StringId plain = pool.intern_json("A/\xC3\xA9");
  EXPECT_EQ(pool.intern_json(R"(\u0041\/\u00e9)"), plain);
  EXPECT_EQ(pool.intern("A/\xC3\xA9"), plain);
  EXPECT_EQ(pool.view(pool.intern_json(R"(\ud83d\ude00 \ud83d x)")),
            "\xF0\x9F\x98\x80 \xEF\xBF\xBD x");
  EXPECT_EQ(pool.view(pool.intern_json(R"(a\\nb)")), "a\\nb");
  for (int i = 0; i < 20000; ++i) pool.intern_json("name" + std::to_string(i));
  EXPECT_EQ(pool.view(pool.intern_json("name12345")), "name12345");
  EXPECT_EQ(pool.find("never seen"), 0u);
}

}  // namespace
}  // namespace molgen3d::trace
