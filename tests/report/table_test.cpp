#include "report/table.h"

#include <gtest/gtest.h>

#include "report/svg_plot.h"

namespace molgen3d {
namespace {

const Table kTable{.title = "T",
                   .header = {"name", "n", "example"},
                   .rows = {{"a|b", "1", "<x>"}, {"long name", "200", "\xc3\x85"}},
                   .note = "note",
                   .text_columns = {2}};

TEST(Table, Text) {
  EXPECT_EQ(table_text(kTable),
            "T\nname         n  example\n-----------------------\na|b          1  <x>\nlong name  "
            "200  \xc3\x85\nnote\n");
}

TEST(Table, Markdown) {
  EXPECT_EQ(table_markdown(kTable),
            "### T\n\n| name | n | example |\n| --- | ---: | --- |\n| a\\|b | 1 | `<x>` |\n| long "
            "name | 200 | `\xc3\x85` |\n\nnote\n");
}

// A model may write bytes that are no text, and those that a terminal obeys.
TEST(Table, WhatAModelWroteStaysInItsCell) {
  const Table table{.header = {"name", "example"},
                    .rows = {{"a",
                              "1\n2\t\x1b[2J\xd9"
                              "x\xc2\x9b\x7f"},
                             {"b", "c`d"}},
                    .text_columns = {1}};
  const std::string bad = "\xEF\xBF\xBD";
  const std::string cell = "1 2 " + bad + "[2J" + bad + "x" + bad + bad;
  EXPECT_EQ(table_text(table),
            "\nname  example\n------------------\na     " + cell + "\nb     c`d\n");
  EXPECT_NE(table_markdown(table).find("| `" + cell + "` |"), std::string::npos);
  EXPECT_NE(table_markdown(table).find("| `` c`d `` |"), std::string::npos);
}

// Neither in plain cells nor in code, whose fence a text must not close.
TEST(Table, MarkdownRunsNoHtml) {
  const std::string script = "<script>alert(1)</script>";
  const Table table{.title = script,
                    .header = {script, "example"},
                    .rows = {{script, "``" + script}, {"b", "x\xE2\x80\xAE"}},
                    .note = script,
                    .text_columns = {1}};
  const std::string markdown = table_markdown(table);
  EXPECT_NE(markdown.find("| ``` ``" + script + " ``` |"), std::string::npos) << markdown;
  EXPECT_NE(markdown.find("| &lt;script>alert(1)&lt;/script> | ```"), std::string::npos);
  EXPECT_EQ(markdown.find("<script>"), markdown.rfind("<script>"));
  EXPECT_EQ(markdown.find("\xE2\x80\xAE"), std::string::npos);
}

TEST(Table, HtmlIsEscaped) {
  const std::string html = table_html(kTable);
  EXPECT_NE(html.find("&lt;x&gt;"), std::string::npos);
  EXPECT_EQ(html_escaped("a\xff\x01"
                         "b&"),
            "a\xEF\xBF\xBD\xEF\xBF\xBD"
            "b&amp;");
}

TEST(SvgPlot, LabelsAndUnitsAreThere) {
  const std::string bars = bar_plot("Bars", {"one", "two"}, {{"run", {25, 50}}}, "%", 100);
  for (const char* text : {">Bars<", ">run<", ">one<", ">100<", ">%<", ">25<", ">50<"})
    EXPECT_NE(bars.find(text), std::string::npos) << text;
  Histogram histogram;
  histogram.add(17, 3);
  histogram.add(20, 1);
  const std::string plot = histogram_plot("H", "tokens", {{"run", &histogram}});
  for (const char* text : {"17: 75.00 %", "20: 25.00 %", ">tokens<"})
    EXPECT_NE(plot.find(text), std::string::npos) << text;
  const std::string lines = line_plot("L", "place", "nats", {{"run", {0, 1, 2}}}, 16, 32);
  for (const char* text : {">place<", ">nats<", ">80<"})
    EXPECT_NE(lines.find(text), std::string::npos) << text;
}

}  // namespace
}  // namespace molgen3d
