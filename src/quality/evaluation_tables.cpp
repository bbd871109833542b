// The tables of an evaluation.
#include <fmt/format.h>

#include <cmath>

#include "quality/evaluation_report.h"

namespace molgen3d {

namespace {

// Junk numbers give distances of millions of Angstrom: those need no decimals.
Number number(double value, FigureUnit unit, bool sign = false) {
  const double shown = unit == FigureUnit::kShare ? 100 * value : value;
  const double size = std::abs(shown);
  if (size >= 1e5) return {.value = shown, .decimals = 1, .sign = sign, .exponent = true};
  const int decimals = unit == FigureUnit::kAngstrom && size < 100 ? 3
                       : unit == FigureUnit::kCount && size >= 100 ? 0
                                                                   : 1;
  return {.value = shown, .decimals = decimals, .sign = sign};
}

Cell cell(const std::optional<Estimate>& estimate, FigureUnit unit, bool difference) {
  if (!estimate) return {};
  Cell out = number(estimate->value, unit, difference);
  out.beside =
      Interval{number(estimate->low, unit, difference), number(estimate->high, unit, difference),
               difference && (estimate->low > 0 || estimate->high < 0)};
  return out;
}

std::string heading(const FigureDefinition& definition) {
  return definition.unit == FigureUnit::kShare ? fmt::format("{} (%)", definition.name)
                                               : std::string(definition.name);
}

// Columns that no row has a figure for are left out.
Table figure_table(const EvaluationReport& report, const std::string& title,
                   const std::vector<const char*>& keys, bool with_references, bool differences) {
  Table table{.title = title, .header = {"row"}};
  for (const EvaluationRow& row : report.rows) {
    if (row.is_reference && !with_references) continue;
    if (differences && row.differences.empty()) continue;
    table.rows.push_back({row.label});
  }
  for (const char* key : keys) {
    const size_t f = figure_index(key);
    const FigureDefinition& definition = figure_definitions()[f];
    std::vector<Cell> column;
    bool any = false;
    for (const EvaluationRow& row : report.rows) {
      if (row.is_reference && !with_references) continue;
      if (differences && row.differences.empty()) continue;
      const auto& estimate = differences ? row.differences[f] : row.estimates[f];
      any |= estimate.has_value();
      column.push_back(cell(estimate, definition.unit, differences));
    }
    if (!any) continue;
    table.header.push_back(heading(definition));
    for (size_t r = 0; r < column.size(); ++r) table.rows[r].push_back(column[r]);
  }
  if (table.header.size() == 1) table.rows.clear();
  return table;
}

void add_column(Table& table, const EvaluationReport& report, size_t place, const std::string& name,
                auto&& value) {
  if (table.rows.empty()) return;
  const auto at = static_cast<std::ptrdiff_t>(place);
  table.header.insert(table.header.begin() + at, name);
  size_t r = 0;
  for (const EvaluationRow& row : report.rows) {
    if (r == table.rows.size()) break;
    if (table.rows[r][0] != Cell(row.label)) continue;
    table.rows[r].insert(table.rows[r].begin() + at, value(row));
    ++r;
  }
}

Table counts_table(const EvaluationReport& report) {
  Table table{.title = "What was counted", .header = {"", "row", "count"}, .text_columns = {1}};
  const auto add = [&](const std::string& what, const std::string& row, size_t count) {
    table.rows.push_back({what, row, count});
  };
  const ReferenceSet& references = report.evaluator->references();
  if (!references.path.empty()) {
    add("reference molecules (N_total)", "all", report.reference_molecules);
    if (report.left_out > 0) add("reference molecules left out", "all", report.left_out);
    add("reference records", "all", references.records);
    for (const auto& [cause, count] : references.failures)
      add("reference records failed: " + cause, "all", count);
  }
  size_t capped = 0;
  size_t unbounded = 0;
  for (const EvaluatedMolecule& m : report.evaluator->molecules()) {
    capped += m.capped;
    unbounded += !m.no_bounds.empty();
  }
  if (capped > 0) add("molecules with symmetry cut off", "all", capped);
  if (unbounded > 0) add("molecules without geometry check", "all", unbounded);
  for (const EvaluationRow& row : report.rows) {
    if (row.is_reference) continue;
    if (report.reference_molecules > 0) {
      add("molecules scored (N_scored)", row.label, row.figures.molecules_scored);
      add("molecules without a valid sample", row.label, row.figures.molecules_without);
      if (row.figures.molecules_not_mentioned > 0)
        add("of these, not in the file", row.label, row.figures.molecules_not_mentioned);
    }
    add("samples asked for", row.label, row.figures.asked);
    for (const auto& [cause, count] : row.scores->failures)
      add("samples failed (N_failed): " + cause, row.label, count);
    if (row.scores->refused > 0) add("records refused", row.label, row.scores->refused);
    if (row.scores->surplus > 0)
      add("samples beyond the number asked", row.label, row.scores->surplus);
    if (report.reference_molecules > 0 && row.scores->without_reference > 0)
      add("valid samples without reference", row.label, row.scores->without_reference);
    if (row.scores->matched_without_stereo > 0)
      add("samples matched without stereo", row.label, row.scores->matched_without_stereo);
  }
  return table;
}

Table settings_table(const EvaluationReport& report) {
  Table table{.title = "Settings", .header = {"", "value"}, .text_columns = {1}};
  const EvaluationOptions& options = report.evaluator->options();
  const auto add = [&](const std::string& name, const std::string& value) {
    if (!value.empty()) table.rows.push_back({name, value});
  };
  add("references", report.evaluator->references().path);
  if (report.reference_molecules > 0) {
    add("COV threshold", fmt::format("{} A, strictly less", report.options.threshold));
    add("RMSD", "heavy atoms, best superposition, no reflection, divided by the number of atoms");
  }
  add("symmetry",
      fmt::format("{}, at most {} maps",
                  options.symmetry.terminal_groups == TerminalGroups::kMerged
                      ? "graph automorphisms, terminal conjugated O and N merged (RDKit's default)"
                      : "graph automorphisms",
                  options.symmetry.max_maps));
  add("samples per molecule", options.twice_references ? "2K, K reference conformers"
                              : options.samples > 0    ? fmt::format("{}", options.samples)
                                                       : "as in the files");
  add("molecules matched by", options.match == MatchBy::kTitle
                                  ? "title"
                                  : "canonical isomeric SMILES, then without stereo");
  add("failures", "count as 0 in COV, left out of MAT; failed samples stay in COV-P's denominator");
  add("distinct", fmt::format("no earlier conformer within {} A", options.distinct));
  add("intervals", fmt::format("95 %, {} bootstrap resamples of molecules, seed {}",
                               report.options.replicates, report.options.seed));
  for (const EvaluationRow& row : report.rows) add("row " + row.label, row.scores->settings);
  add("versions",
      fmt::format("molgen3d {}, RDKit {}", report.options.version, Evaluator::rdkit_version()));
  return table;
}

Table curve_table(const EvaluationReport& report) {
  Table table{.title = "COV over thresholds (means over molecules, failures counted)",
              .header = {"threshold (A)"}};
  const std::vector<double> thresholds = curve_thresholds();
  for (const double t : thresholds) table.rows.push_back({Number{t, 2}});
  for (const EvaluationRow& row : report.rows) {
    if (row.is_reference) continue;
    table.header.push_back(row.label + " COV-R (%)");
    table.header.push_back(row.label + " COV-P (%)");
    for (size_t t = 0; t < thresholds.size(); ++t) {
      table.rows[t].push_back(number(row.figures.cov_r_curve[t], FigureUnit::kShare));
      table.rows[t].push_back(number(row.figures.cov_p_curve[t], FigureUnit::kShare));
    }
  }
  return table;
}

}  // namespace

std::vector<Table> evaluation_tables(const EvaluationReport& report) {
  const std::vector<const char*> decisive = {
      "pass",     "strict",       "junk_letters", "junk_non_numeric",
      "valid",    "stereo_right", "bonds_within", "bond_error_median",
      "geometry", "good",         "cov_r",        "mat_r",
      "cov_p",    "mat_p",        "tokens",       "passes"};
  std::vector<Table> out;
  const auto push = [&](Table table) {
    if (!table.rows.empty()) out.push_back(std::move(table));
  };
  Table quality = figure_table(report, "Quality", decisive, true, false);
  add_column(quality, report, 1, "samples",
             [](const EvaluationRow& row) { return row.figures.asked; });
  bool timed = false;
  for (const EvaluationRow& row : report.rows) timed |= row.scores->seconds.has_value();
  if (timed) {
    add_column(quality, report, quality.header.size(), "time (s)", [](const EvaluationRow& row) {
      return row.scores->seconds ? Cell(Number{*row.scores->seconds, 2}) : Cell();
    });
  }
  quality.notes = {
      "Shares with 95 % intervals. pass, strict, junk: docs/study.md. valid: a conformer of the "
      "molecule asked for, of all samples. stereo right: of valid samples of molecules that "
      "specify stereo. bond error: mean over a molecule's bonds and samples; the median over "
      "molecules. geometry: of valid samples, PoseBusters' limits. COV, MAT: means over molecules, "
      "failures counted."};
  push(std::move(quality));
  Table difference = figure_table(
      report,
      "Difference to " + report.rows[report.against].label + " (paired, in points or units)",
      decisive, false, true);
  difference.notes = {"* : the 95 % interval of the difference excludes 0."};
  push(std::move(difference));
  if (report.reference_molecules > 0) {
    push(figure_table(report, fmt::format("Coverage at {} A", report.options.threshold),
                      {"cov_r", "cov_r_median", "mat_r", "mat_r_median", "cov_p", "cov_p_median",
                       "mat_p", "mat_p_median"},
                      false, false));
    Table dropped = figure_table(
        report, "The same with failures dropped",
        {"cov_r_dropped", "cov_r_dropped_median", "cov_p_dropped", "cov_p_dropped_median"}, false,
        false);
    dropped.notes = {
        "Molecules without a valid sample and failed samples are not looked at (as the study did); "
        "MAT is the same either way."};
    push(std::move(dropped));
  }
  push(figure_table(report, "Geometry and stereo of valid samples",
                    {"geometry_bonds", "geometry_angles", "geometry_clash", "geometry_rings",
                     "geometry_double_bonds", "geometry_pucker", "geometry", "geometry_strict",
                     "stereo_right", "mirror_image", "distinct", "strain_median", "strain_known"},
                    true, false));
  if (report.options.curves && report.reference_molecules > 0) push(curve_table(report));
  push(counts_table(report));
  push(settings_table(report));
  return out;
}

std::string evaluation_text(const EvaluationReport& report) {
  std::string out;
  // A dozen figures with intervals are wider than a terminal: there, each is a line.
  for (const Table& table : evaluation_tables(report))
    out += table_text(table.header[0] == "row" ? transposed(table, "") : table, 120) + "\n";
  return out;
}

std::string evaluation_markdown(const EvaluationReport& report) {
  std::string out;
  for (const Table& table : evaluation_tables(report)) out += table_markdown(table) + "\n";
  return out;
}

}  // namespace molgen3d
