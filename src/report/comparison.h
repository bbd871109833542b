// One or several runs side by side: every table of the study and ours.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "analysis/run_report.h"
#include "report/run_summary.h"
#include "report/table.h"

namespace molgen3d {

struct Comparison {
  std::vector<RunSummary> runs;
  std::vector<Table> tables;  ///< in the order in which they are read
};

/// `runs` must outlive the result. Ratios are against the same model without a rule.
Comparison compare_runs(const std::vector<RunReport>& runs);

/// Up to `samples` failing samples per run, as a table.
Table failing_samples(const Comparison& comparison, size_t samples);

std::string comparison_text(const Comparison& comparison);
std::string comparison_markdown(const Comparison& comparison);
/// Settings, figures as numbers, and the tables as texts.
std::string comparison_json(const Comparison& comparison);

/// 3Dmol.js as pages carry it. All parts are empty in a build that had none
/// (scripts/fetch_3dmol.sh).
struct ViewerLibrary {
  std::string_view name;     ///< with version
  std::string_view script;   ///< gzip, base64
  std::string_view licence;  ///< plain text
};

/// The one that was compiled in.
ViewerLibrary viewer_library();

/// One page, complete in itself: tables, plots, samples, 3D viewer. Opens without a network.
/// Without a viewer library it says so in the viewer's place.
std::string comparison_html(const Comparison& comparison, const std::string& title,
                            const ViewerLibrary& viewer = viewer_library());

/// Index of the run that `run` is compared with: the same model without a rule, else its first run.
size_t baseline_of(const Comparison& comparison, size_t run);

}  // namespace molgen3d
