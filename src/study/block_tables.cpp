// What stands in coordinate blocks: junk, decimals, tokens, drift.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "study/comparison_tables.h"
#include "study/table_cells.h"

namespace molgen3d {

Table junk_table(const Comparison& comparison) {
  Table table{.title = "What stands in coordinate blocks",
              .header = run_header(comparison, "class")};
  table.header.emplace_back("examples");
  table.text_columns = {table.header.size() - 1};
  for (size_t c = kBlockClasses; c-- > 0;) {
    std::vector<std::string> examples;
    bool any = false;
    for (const RunSummary& run : comparison.runs) {
      any |= run.blocks.classes[c] > 0;
      for (const std::string& example : run.blocks.examples[c]) {
        if (examples.size() < 3)
          examples.push_back(example.size() > 40 ? example.substr(0, 40) + "..." : example);
      }
    }
    if (!any) continue;
    table.rows.push_back(run_cells(
        comparison, block_class_name(static_cast<BlockClass>(c)), [&](const RunSummary& run) {
          return count_and_share(run.blocks.classes[c], run.blocks.blocks);
        }));
    table.rows.back().push_back(fmt::format("{}", fmt::join(examples, "   ")));
  }
  const auto sum = [&](const char* name, auto&& value) {
    auto row = run_cells(comparison, name, [&](const RunSummary& run) {
      return count_and_share(value(run), run.blocks.blocks);
    });
    row.emplace_back("");
    table.rows.push_back(std::move(row));
  };
  sum("junk, letters", [](const RunSummary& r) { return r.blocks.letters; });
  sum("junk, not numeric", [](const RunSummary& r) { return r.blocks.non_numeric; });
  table.notes = {
      "Each block has one class, the first that fits. The study mixed its two definitions of junk: "
      "any letter in the block, and not three decimal numbers. A bare dot (0.) still reads as a "
      "number, but no encoder writes it."};
  return table;
}

Table decimals_table(const Comparison& comparison) {
  Table table{.title = "Decimals that are left",
              .header = {"run", "x, mean", "y, mean", "z, mean", "z without decimals", "z with one",
                         "z with four", "z shorter than x and y"}};
  for (const RunSummary& run : comparison.runs) {
    const BlockStatistics& b = run.blocks;
    table.rows.push_back({run.label, Number{b.mean_decimals(0), 2}, Number{b.mean_decimals(1), 2},
                          Number{b.mean_decimals(2), 2}, percent(b.decimals[2][0], b.numeric()),
                          percent(b.decimals[2][1], b.numeric()),
                          percent(b.decimals[2][4], b.numeric()),
                          count_and_share(b.short_last, b.numeric())});
  }
  table.notes = {
      "Over blocks of three numbers. An encoder that strips trailing zeros leaves four decimals in "
      "about 90 % of the numbers, on every axis alike; a budget of tokens that is too small takes "
      "them from z."};
  return table;
}

Table coordinate_table(const Comparison& comparison) {
  Table table{.title = "Tokens per coordinate, as written",
              .header = run_header(comparison, "tokens")};
  std::vector<const Histogram*> histograms;
  static const Histogram kEmpty;
  for (const RunSummary& run : comparison.runs)
    histograms.push_back(run.run->coordinates ? &run.run->coordinates->written : &kEmpty);
  add_histogram_rows(table, histograms, "{}");
  table.rows.push_back(run_cells(comparison, "mean", [](const RunSummary& run) -> Cell {
    const auto& coordinates = run.run->coordinates;
    if (!coordinates || coordinates->written.counts.empty()) return {};
    return Number{coordinates->written.mean(), 2};
  }));
  table.notes = {"Tokens strictly between < and > of each block, as the model produced them."};
  return transposed(table, "run");
}

Table drift_table(const Comparison& comparison) {
  Table table{.title = "Drift against <0.0000,0.0000,0.0000>", .header = {"drift (tokens)"}};
  std::vector<const Histogram*> histograms;
  static const Histogram kEmpty;
  for (const RunSummary& run : comparison.runs) {
    const auto& coordinates = run.run->coordinates;
    table.header.push_back(run.label + ", isolated");
    histograms.push_back(coordinates ? &coordinates->drift_isolated : &kEmpty);
    table.header.push_back(run.label + ", in context");
    histograms.push_back(coordinates ? &coordinates->drift_in_context : &kEmpty);
  }
  add_histogram_rows(table, histograms, "{:+}");
  table.notes = {
      "Placeholder tokens minus the tokens of each written block. isolated: the block encoded "
      "alone, as the study counted; in context: between the brackets of an answer, where `<-` "
      "never occurs."};
  return transposed(table, "run");
}

}  // namespace molgen3d
