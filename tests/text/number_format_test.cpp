#include "text/number_format.h"

#include <gtest/gtest.h>
#include <regex.h>  // POSIX: GCC 12 warns of std::regex under sanitizers

#include <limits>
#include <string>

#include "base/error.h"

namespace molgen3d {
namespace {

constexpr NumberFormat kStrip{
    .decimals = 4, .zeros = NumberFormat::Zeros::kStrip, .max_integer_digits = 2};
constexpr NumberFormat kFixed{
    .decimals = 4, .zeros = NumberFormat::Zeros::kFixed, .max_integer_digits = 2};
constexpr NumberFormat kEither{
    .decimals = 4, .zeros = NumberFormat::Zeros::kEither, .max_integer_digits = 2};

bool accepts(const std::string& text, const NumberFormat& format) {
  return is_coordinate(text.data(), text.data() + text.size(), format);
}

// The pairs that the training code of the study produced.
/// A POSIX extended regular expression.
class Pattern {
 public:
  explicit Pattern(const std::string& text) {
    EXPECT_EQ(regcomp(&compiled_, text.c_str(), REG_EXTENDED | REG_NOSUB), 0) << text;
  }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;
  ~Pattern() { regfree(&compiled_); }
  bool matches(const std::string& text) const {
    return regexec(&compiled_, text.c_str(), 0, nullptr, 0) == 0;
  }

 private:
  regex_t compiled_ = {};
};

TEST(FormatCoordinate, TruncatesTowardZeroAndStrips) {
  EXPECT_EQ(format_coordinate(0, kStrip), "0");
  EXPECT_EQ(format_coordinate(-0.00004, kStrip), "0");
  EXPECT_EQ(format_coordinate(1, kStrip), "1");
  EXPECT_EQ(format_coordinate(-1, kStrip), "-1");
  EXPECT_EQ(format_coordinate(12.3, kStrip), "12.3");
  EXPECT_EQ(format_coordinate(-0.00019999, kStrip), "-0.0001");
  EXPECT_EQ(format_coordinate(1.005, kStrip), "1.0049");
}

TEST(FormatCoordinate, KeepsFourDecimalsInTheFixedDialect) {
  EXPECT_EQ(format_coordinate(0, kFixed), "0.0000");
  EXPECT_EQ(format_coordinate(-0.00004, kFixed), "0.0000");
  EXPECT_EQ(format_coordinate(-1.25, kFixed), "-1.2500");
}

TEST(FormatCoordinate, RefusesWhatTheGrammarCannotHold) {
  EXPECT_THROW(format_coordinate(std::numeric_limits<double>::quiet_NaN(), kStrip), Error);
  EXPECT_THROW(format_coordinate(std::numeric_limits<double>::infinity(), kStrip), Error);
  EXPECT_THROW(format_coordinate(100, kStrip), Error);
  EXPECT_THROW(format_coordinate(-100, kStrip), Error);
  EXPECT_EQ(format_coordinate(99.99999, kStrip), "99.9999");
}

TEST(IsCoordinate, FollowsTheDialects) {
  struct Case {
    const char* text;
    bool strip, fixed;
  };
  for (const Case& c :
       {Case{"0", true, false}, Case{"0.5", true, false}, Case{"0.5000", false, true},
        Case{"0.5001", true, true}, Case{"-0.5", true, false}, Case{"12", true, false},
        Case{"12.0000", false, true}, Case{"-0.0001", true, true}}) {
    EXPECT_EQ(accepts(c.text, kStrip), c.strip) << c.text;
    EXPECT_EQ(accepts(c.text, kFixed), c.fixed) << c.text;
    EXPECT_TRUE(accepts(c.text, kEither)) << c.text;
  }
  for (const char* text : {"", "-", "-0", "-0.0000", "0.", ".5", "+1", "01", "1e3", "0.50",
                           "0.12345", "123", "1.2.3", " 1", "1 ", "0.5,", "nan"}) {
    EXPECT_FALSE(accepts(text, kEither)) << text;
  }
}

// The grammar stated a second time, as a regular expression, over every short string.
TEST(IsCoordinate, IsTheRegularExpression) {
  constexpr std::string_view kFew = "0175.-,";
  for (const auto zeros :
       {NumberFormat::Zeros::kStrip, NumberFormat::Zeros::kFixed, NumberFormat::Zeros::kEither}) {
    const NumberFormat format{.decimals = 3, .zeros = zeros, .max_integer_digits = 2};
    const std::string stripped = R"((\.[0-9]{0,2}[1-9])?)", fixed = R"(\.[0-9]{3})";
    const std::string decimals = zeros == NumberFormat::Zeros::kStrip   ? stripped
                                 : zeros == NumberFormat::Zeros::kFixed ? fixed
                                                                        : stripped + "|" + fixed;
    const Pattern grammar("^-?(0|[1-9][0-9]?)(" + decimals + ")$"), minus_zero("^-[0.]*$");
    size_t valid = 0;
    for (size_t length = 0; length <= 6; ++length) {
      size_t count = 1;
      for (size_t i = 0; i < length; ++i) count *= kFew.size();
      for (size_t code = 0; code < count; ++code) {
        std::string text;
        for (size_t rest = code, i = 0; i < length; ++i, rest /= kFew.size())
          text += kFew[rest % kFew.size()];
        const bool expected = grammar.matches(text) && !minus_zero.matches(text);
        valid += expected;
        ASSERT_EQ(accepts(text, format), expected) << text;
      }
    }
    EXPECT_GT(valid, 100U);
  }
}

TEST(NumberFormat, NamesOfZeros) {
  for (const char* name : {"strip", "fixed", "either"})
    EXPECT_STREQ(zeros_name(zeros_of_name(name).value()), name);
  EXPECT_FALSE(zeros_of_name("Strip"));
}

// Every number the formatter writes is a number of its grammar.
TEST(IsCoordinate, AcceptsAllThatIsFormatted) {
  for (int i = -999999; i <= 999999; i += 7) {
    for (const NumberFormat& format : {kStrip, kFixed, kEither}) {
      const std::string text = format_coordinate(i / 10000.0, format);
      ASSERT_TRUE(accepts(text, format)) << text;
    }
  }
}

TEST(FormatUnits, IsTheTextOfTheTruncatedValue) {
  const NumberFormat strip{.zeros = NumberFormat::Zeros::kStrip};
  const NumberFormat fixed{.zeros = NumberFormat::Zeros::kFixed};
  EXPECT_EQ(format_units(0, strip), "0");
  EXPECT_EQ(format_units(5, strip), "0.0005");
  EXPECT_EQ(format_units(-12000, strip), "-1.2");
  EXPECT_EQ(format_units(120000, strip), "12");
  EXPECT_EQ(format_units(5000, fixed), "0.5000");
  EXPECT_EQ(format_units(-19999, {.decimals = 2, .zeros = NumberFormat::Zeros::kStrip}), "-1.99");
  EXPECT_EQ(format_units(-99, {.decimals = 2, .zeros = NumberFormat::Zeros::kStrip}), "0");
  EXPECT_EQ(format_units(9999999, strip), "999.9999");
  EXPECT_THROW(format_units(10000000, strip), Error);
  EXPECT_THROW(format_units(-100000, {.max_integer_digits = 1}), Error);
  for (int i = -30000; i < 30000; i += 7) {
    const double inside = (i + (i < 0 ? -0.5 : 0.5)) / 1e4;
    EXPECT_EQ(format_units(i, strip), format_coordinate(inside, strip));
  }
}

}  // namespace
}  // namespace molgen3d
