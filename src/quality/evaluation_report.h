// An evaluation as tables, Markdown, CSV and JSON, every figure with its 95 % interval.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "quality/evaluation.h"
#include "quality/evaluation_figures.h"
#include "report/table.h"

namespace molgen3d {

struct EvaluationReportOptions {
  double threshold = 0.75;  ///< of COV, Angstrom
  /// Leave out reference molecules that no set names: for a run on some of them.
  bool only_mentioned = false;
  size_t replicates = 2000;  ///< of the bootstrap
  uint64_t seed = 0;
  std::string against;  ///< label of the row that others are compared with; empty: the first
  bool curves = false;  ///< a table of COV over thresholds
  std::string version;  ///< of the program
};

struct EvaluationRow {
  std::string label;
  bool is_reference = false;
  const RowScores* scores = nullptr;
  RowFigures figures;
  std::vector<std::optional<Estimate>> estimates;    ///< by figure_definitions()
  std::vector<std::optional<Estimate>> differences;  ///< to the row `against`; empty for itself
};

struct EvaluationReport {
  EvaluationReportOptions options;
  const Evaluator* evaluator = nullptr;
  std::vector<EvaluationRow> rows;  ///< the references last, when there are any
  size_t against = 0;
  std::vector<bool> in_scope;      ///< by molecule
  size_t reference_molecules = 0;  ///< N_total: in scope, with references
  size_t left_out = 0;             ///< reference molecules out of scope
};

/// `rows` (and `references`, which may be null) must outlive the result. Rows of equal labels are
/// told apart by their files. Throws Error when `against` is no label.
EvaluationReport make_evaluation_report(const Evaluator& evaluator,
                                        const std::vector<const RowScores*>& rows,
                                        const RowScores* references,
                                        const EvaluationReportOptions& options);

std::vector<Table> evaluation_tables(const EvaluationReport& report);
std::string evaluation_text(const EvaluationReport& report);
std::string evaluation_markdown(const EvaluationReport& report);
/// Everything, numbers as numbers; infinities and NaN as null.
std::string evaluation_json(const EvaluationReport& report);
/// section,row,figure,value,low,high: one figure a line.
std::string evaluation_csv(const EvaluationReport& report);
/// One line per molecule and row: identity, counts, COV, MAT and shares.
std::string evaluation_molecules_csv(const EvaluationReport& report);

}  // namespace molgen3d
