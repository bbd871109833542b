#include "base/plain_text.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace molgen3d {
namespace {

// ESC, CSI as C1, right-to-left override, isolate, line separator.
const std::string kHostile = "a\x1b[31m\xC2\x9B\xE2\x80\xAE\xE2\x81\xA6\xE2\x80\xA8z";

TEST(PlainText, EscapesWhatATerminalObeys) {
  EXPECT_EQ(with_controls_escaped(kHostile), "a\\x1b[31m\\u009b\\u202e\\u2066\\u2028z");
  EXPECT_EQ(with_controls_escaped("na\xC3\xAFve \xE5\x88\x86 \xF0\x9F\x98\x80"),
            "na\xC3\xAFve \xE5\x88\x86 \xF0\x9F\x98\x80");
  EXPECT_EQ(with_controls_escaped("\x9B"
                                  "31m\xFF\xC3"),
            "\\x9b31m\\xff\\xc3");
  EXPECT_EQ(in_quotes(kHostile), "\"a\\x1b[31m\\u009b\\u202e\\u2066\\u2028z\"");
}

TEST(PlainText, KeepsLineFormatsOnOneLine) {
  EXPECT_EQ(on_one_line("a\r\nb\tc\xE2\x80\xA8"
                        "d\xC2\x85"
                        "e\x9B"),
            "a  b c d e ");
  EXPECT_EQ(on_one_line("\xC3\xA9t\xC3\xA9"), "\xC3\xA9t\xC3\xA9");
}

TEST(PlainText, JsonKeepsItsMeaning) {
  EXPECT_EQ(json_without_controls("{\"a\":\"\xE2\x80\xAEx\xC2\x9B\x7F\xC3\xA9\"}\n"),
            "{\"a\":\"\\u202ex\\u009b\\u007f\xC3\xA9\"}\n");
}

TEST(PlainText, CsvCellsAreText) {
  for (const char* formula : {"=1+1", "+cmd|' /C calc'!A0", "-2+3", "@SUM(A1)", "\t=1"})
    EXPECT_EQ(csv_field(formula), std::string("'").append(formula));
  EXPECT_EQ(csv_field("=A1,\"x\""), "\"'=A1,\"\"x\"\"\"");
  for (const char* plain : {"-1.5", "+2e-3", "CCO", "", "C=O", "a b"})
    EXPECT_EQ(csv_field(plain), plain);
  EXPECT_EQ(csv_field("a,b"), "\"a,b\"");
}

}  // namespace
}  // namespace molgen3d
