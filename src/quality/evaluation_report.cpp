#include "quality/evaluation_report.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>

#include "base/error.h"

namespace molgen3d {

namespace {

// `study` on two checkpoints names rows by their rules only.
void tell_apart(std::vector<EvaluationRow>& rows) {
  std::vector<std::string> labels;
  for (const EvaluationRow& row : rows) labels.push_back(row.label);
  for (EvaluationRow& row : rows) {
    if (std::count(labels.begin(), labels.end(), row.label) > 1 && !row.scores->path.empty())
      row.label += " (" + std::filesystem::path(row.scores->path).stem().string() + ")";
  }
}

}  // namespace

EvaluationReport make_evaluation_report(const Evaluator& evaluator,
                                        const std::vector<const RowScores*>& rows,
                                        const RowScores* references,
                                        const EvaluationReportOptions& options) {
  EvaluationReport out;
  out.options = options;
  out.evaluator = &evaluator;
  const auto& molecules = evaluator.molecules();
  out.in_scope.assign(molecules.size(), true);
  for (size_t m = 0; m < evaluator.reference_molecules(); ++m) {
    if (options.only_mentioned) {
      out.in_scope[m] = std::any_of(rows.begin(), rows.end(), [&](const RowScores* row) {
        return m < row->samples_of.size() && !row->samples_of[m].empty();
      });
    }
    (out.in_scope[m] ? out.reference_molecules : out.left_out) += molecules[m].references > 0;
  }
  // Failed records that name no molecule are samples all the same.
  const bool any_unknown = std::any_of(rows.begin(), rows.end(), [](const RowScores* row) {
    return std::any_of(row->samples.begin(), row->samples.end(),
                       [](const SampleScore& s) { return s.molecule == SampleScore::kUnknown; });
  });
  if (any_unknown) out.in_scope.push_back(true);
  const auto add = [&](const RowScores& scores, bool is_reference) {
    EvaluationRow row;
    row.label = scores.label;
    row.is_reference = is_reference;
    row.scores = &scores;
    row.figures = row_figures(scores, molecules, out.in_scope, options.threshold);
    out.rows.push_back(std::move(row));
  };
  for (const RowScores* row : rows) add(*row, false);
  if (references != nullptr) add(*references, true);
  tell_apart(out.rows);
  if (!options.against.empty()) {
    const auto found = std::find_if(out.rows.begin(), out.rows.end(),
                                    [&](const auto& row) { return row.label == options.against; });
    if (found == out.rows.end()) {
      std::string known;
      for (const auto& row : out.rows) known += (known.empty() ? "" : ", ") + in_quotes(row.label);
      throw Error::format("--against {}: no such row; there are {}", in_quotes(options.against),
                          known);
    }
    out.against = static_cast<size_t>(found - out.rows.begin());
  }
  const Bootstrap bootstrap(out.in_scope.size(), options.replicates, options.seed);
  const auto& definitions = figure_definitions();
  for (size_t r = 0; r < out.rows.size(); ++r) {
    EvaluationRow& row = out.rows[r];
    for (size_t f = 0; f < definitions.size(); ++f) {
      const MoleculeFigures& own = row.figures.figures[f];
      row.estimates.push_back(definitions[f].median ? bootstrap.median(own) : bootstrap.ratio(own));
      if (r == out.against || row.is_reference) continue;
      const MoleculeFigures& base = out.rows[out.against].figures.figures[f];
      row.differences.push_back(definitions[f].median ? bootstrap.median_difference(own, base)
                                                      : bootstrap.ratio_difference(own, base));
    }
  }
  return out;
}

}  // namespace molgen3d
