// One or several runs side by side: every table of the study and ours, and the forms of the report.
#pragma once

#include <string>
#include <variant>
#include <vector>

#include "report/samples_browser.h"
#include "report/table.h"
#include "study/run_report.h"
#include "study/run_summary.h"

namespace molgen3d {

struct Comparison;

/// A figure of the page, as HTML; empty when there is nothing to draw.
using Plot = std::string (*)(const Comparison&);

/// A heading and what stands below it. Text, Markdown and JSON have its tables, the page its plots
/// too.
struct ReportSection {
  std::string id, name;  ///< in the page
  std::vector<std::variant<Table, Plot>> parts;
  std::vector<Table> not_on_page;  ///< after the parts; a plot of the page shows the same
  /// Stands for the whole section in a page whose plots are all empty.
  std::string without_plots{};
};

struct Comparison {
  std::vector<RunSummary> runs;
  std::vector<ReportSection> sections;  ///< in the order in which they are read

  std::vector<const Table*> tables() const;
};

/// `runs` must outlive the result. Ratios are against the same model without a rule.
Comparison compare_runs(const std::vector<RunReport>& runs);

/// Up to `samples` failing samples per run, as a table.
Table failing_samples(const Comparison& comparison, size_t samples);

std::string comparison_text(const Comparison& comparison);
std::string comparison_markdown(const Comparison& comparison);
/// Settings and sums of each run, and the tables with their numbers (docs/study.md).
std::string comparison_json(const Comparison& comparison);
/// One page, complete in itself: tables, plots, samples, 3D viewer. Opens without a network.
/// Without a viewer library it says so in the viewer's place.
std::string comparison_html(const Comparison& comparison, const std::string& title,
                            const ViewerLibrary& viewer = viewer_library());

/// Index of the run that `run` is compared with: the same model without a rule, else its first run.
size_t baseline_of(const Comparison& comparison, size_t run);

}  // namespace molgen3d
