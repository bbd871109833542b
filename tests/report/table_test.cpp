#include "report/table.h"

#include <gtest/gtest.h>

#include <limits>

#include "report/shown_text.h"
#include "report/svg_plot.h"

namespace molgen3d {
namespace {

const Table kTable{.title = "T",
                   .header = {"name", "n", "example"},
                   .rows = {{"a|b", 1, "<x>"}, {"long name", 200, "\xc3\x85"}},
                   .notes = {"note"},
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
                    .notes = {script},
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

Cell with(Cell cell, decltype(Cell::beside) beside) {
  cell.beside = std::move(beside);
  return cell;
}

struct Shown {
  Cell cell;
  const char* text;
  const char* json;
};

const std::vector<Shown> kCells = {
    {{}, "-", "null"},
    {"", "", R"("")"},
    {"a\"b", "a\"b", R"("a\"b")"},
    {size_t{12}, "12", "12"},
    {-3, "-3", "-3"},
    {0.1 + 0.2, "0.300", "0.30000000000000004"},
    {Number{92.25, 1, "%"}, "92.2 %", R"({"value":92.25,"unit":"%"})"},
    {Number{.value = 2, .decimals = 2, .sign = true}, "+2.00", "2"},
    {Number{.value = 123456, .decimals = 1, .exponent = true}, "1.2e+05", "123456"},
    {Number{.value = 123456, .decimals = 1, .sign = true, .exponent = true}, "+1.2e+05", "123456"},
    {std::numeric_limits<double>::infinity(), "inf", "null"},
    {-std::numeric_limits<double>::infinity(), "-inf", "null"},
    {-std::numeric_limits<double>::quiet_NaN(), "nan", "null"},
    {with(12, Share{4.6875}), "12 (4.7 %)", R"({"value":12,"percent":4.6875})"},
    {with(Number{1.5, 2}, Share{99.9, 0}), "1.50 (100 %)", R"({"value":1.5,"percent":99.9})"},
    {with(Number{0.5, 1}, Interval{{0.25, 2}, {0.75, 2}, true}), "0.5 (0.25..0.75) *",
     R"({"value":0.5,"low":0.25,"high":0.75})"}};

TEST(Cell, TextAndJson) {
  for (const Shown& shown : kCells) {
    EXPECT_EQ(cell_text(shown.cell), shown.text);
    std::string json;
    append_cell_json(json, shown.cell);
    EXPECT_EQ(json, shown.json);
  }
}

TEST(Table, CsvAndJsonHaveNumbersInFull) {
  const Table table{.title = "T",
                    .header = {"name", "n,m"},
                    .rows = {{"a,b", 1.0 / 3}, {"=x", {}}, {"c", size_t{7}}},
                    .notes = {"one", "two"}};
  EXPECT_EQ(table_csv(table), "name,\"n,m\"\n\"a,b\",0.3333333333333333\n'=x,\nc,7\n");
  EXPECT_EQ(table_json(table),
            "{\"title\":\"T\",\"header\":[\"name\",\"n,m\"],\"rows\":[[\"a,b\",0.3333333333333333],"
            "\n[\"=x\",null],\n[\"c\",7]],\"note\":\"one\\ntwo\"}");
}

TEST(Table, Listing) {
  const Table table{.title = "A\nB",
                    .header = {"count", "total_ms", "name"},
                    .rows = {{12, 0.12345, "a long name"}, {7, {}, "\x1b[2J"}},
                    .notes = {"a\nnote"}};
  EXPECT_EQ(
      table_listing(table, 6),
      "A\nB\n  count total_ms name\n     12    0.123 a long~\n      7        -  [2J\n  a note\n");
  EXPECT_NE(table_listing(table, 80, true).find(" 0.12345 a long name\n"), std::string::npos);
}

TEST(Table, Transposed) {
  const Table table = transposed(kTable, "row");
  EXPECT_EQ(table.header, (std::vector<std::string>{"row", "a|b", "long name"}));
  EXPECT_EQ(table.rows[0], (std::vector<Cell>{"n", 1, 200}));
  EXPECT_EQ(table.notes, kTable.notes);
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
