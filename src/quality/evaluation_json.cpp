// An evaluation for machines: JSON and CSV.
#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/plain_text.h"
#include "quality/evaluation_report.h"

namespace molgen3d {

namespace {

using Json = nlohmann::ordered_json;

Json number(double value) {
  return std::isfinite(value) ? Json(value) : Json();
}

Json to_json(const std::optional<Estimate>& estimate) {
  if (!estimate) return {};
  return {{"value", number(estimate->value)},
          {"low", number(estimate->low)},
          {"high", number(estimate->high)}};
}

Json by_key(const std::vector<std::optional<Estimate>>& estimates) {
  Json out = Json::object();
  for (size_t f = 0; f < estimates.size(); ++f) {
    if (estimates[f]) out[figure_definitions()[f].key] = to_json(estimates[f]);
  }
  return out;
}

Json numbers(const std::vector<double>& values) {
  Json out = Json::array();
  for (const double v : values) out.push_back(number(v));
  return out;
}

std::string line(const char* section, const std::string& row, const std::string& figure,
                 const std::optional<Estimate>& e) {
  return e ? fmt::format("{},{},{},{:.6g},{:.6g},{:.6g}\n", section, csv_field(row),
                         csv_field(figure), e->value, e->low, e->high)
           : std::string();
}

std::string count_line(const std::string& row, const std::string& figure, double value) {
  return fmt::format("count,{},{},{:.6g},,\n", csv_field(row), csv_field(figure), value);
}

}  // namespace

std::string evaluation_json(const EvaluationReport& report) {
  const EvaluationOptions& options = report.evaluator->options();
  const ReferenceSet& references = report.evaluator->references();
  Json out;
  out["settings"] = {
      {"threshold", report.options.threshold},
      {"terminal_groups_merged", options.symmetry.terminal_groups == TerminalGroups::kMerged},
      {"max_symmetry", options.symmetry.max_maps},
      {"samples", options.twice_references ? Json("2K") : Json(options.samples)},
      {"match", options.match == MatchBy::kTitle ? "title" : "smiles"},
      {"distinct", options.distinct},
      {"only_mentioned", report.options.only_mentioned},
      {"bootstrap_resamples", report.options.replicates},
      {"seed", report.options.seed},
      {"against", report.rows[report.against].label},
      {"versions", {{"molgen3d", report.options.version}, {"rdkit", Evaluator::rdkit_version()}}}};
  out["references"] = {{"path", references.path},
                       {"molecules", report.reference_molecules},
                       {"left_out", report.left_out},
                       {"records", references.records},
                       {"failures", references.failures}};
  out["thresholds"] = numbers(curve_thresholds());
  for (const EvaluationRow& row : report.rows) {
    Json json = {{"label", row.label},
                 {"path", row.scores->path},
                 {"settings", row.scores->settings},
                 {"is_reference", row.is_reference},
                 {"samples", row.figures.asked},
                 {"valid", row.figures.valid},
                 {"failures", row.scores->failures},
                 {"refused", row.scores->refused},
                 {"surplus", row.scores->surplus},
                 {"matched_without_stereo", row.scores->matched_without_stereo},
                 {"without_reference", row.scores->without_reference}};
    if (row.scores->seconds) json["seconds"] = number(*row.scores->seconds);
    if (!row.is_reference && report.reference_molecules > 0) {
      json["molecules_scored"] = row.figures.molecules_scored;
      json["molecules_without_valid_sample"] = row.figures.molecules_without;
      json["molecules_not_in_file"] = row.figures.molecules_not_mentioned;
      json["curves"] = {{"cov_r", numbers(row.figures.cov_r_curve)},
                        {"cov_p", numbers(row.figures.cov_p_curve)}};
    }
    json["figures"] = by_key(row.estimates);
    if (!row.differences.empty()) json["differences"] = by_key(row.differences);
    out["rows"].push_back(std::move(json));
  }
  return json_without_controls(out.dump(1, ' ', false, Json::error_handler_t::replace)) + "\n";
}

std::string evaluation_csv(const EvaluationReport& report) {
  std::string out = "section,row,figure,value,low,high\n";
  const auto& definitions = figure_definitions();
  for (const EvaluationRow& row : report.rows) {
    for (size_t f = 0; f < row.estimates.size(); ++f)
      out += line("figure", row.label, definitions[f].key, row.estimates[f]);
  }
  for (const EvaluationRow& row : report.rows) {
    for (size_t f = 0; f < row.differences.size(); ++f)
      out += line("difference", row.label, definitions[f].key, row.differences[f]);
  }
  const std::vector<double> thresholds = curve_thresholds();
  for (const EvaluationRow& row : report.rows) {
    out += count_line(row.label, "samples", static_cast<double>(row.figures.asked));
    out += count_line(row.label, "valid", static_cast<double>(row.figures.valid));
    if (row.scores->seconds) out += count_line(row.label, "seconds", *row.scores->seconds);
    for (const auto& [cause, count] : row.scores->failures)
      out += count_line(row.label, "failed: " + cause, static_cast<double>(count));
    if (row.is_reference || report.reference_molecules == 0) continue;
    out += count_line(row.label, "molecules_scored",
                      static_cast<double>(row.figures.molecules_scored));
    out += count_line(row.label, "molecules_without_valid_sample",
                      static_cast<double>(row.figures.molecules_without));
    for (size_t t = 0; t < thresholds.size(); ++t) {
      out += fmt::format("curve,{},cov_r@{:.2f},{:.6g},,\n", csv_field(row.label), thresholds[t],
                         row.figures.cov_r_curve[t]);
      out += fmt::format("curve,{},cov_p@{:.2f},{:.6g},,\n", csv_field(row.label), thresholds[t],
                         row.figures.cov_p_curve[t]);
    }
  }
  return out;
}

std::string evaluation_molecules_csv(const EvaluationReport& report) {
  const auto& molecules = report.evaluator->molecules();
  const std::vector<const char*> keys = {"cov_r",    "mat_r",        "cov_p",
                                         "mat_p",    "stereo_right", "geometry",
                                         "distinct", "bonds_within", "bond_error_median"};
  std::string out = "row,title,smiles,references,samples,valid,automorphisms,capped";
  for (const char* key : keys) out += fmt::format(",{}", key);
  out += "\n";
  for (const EvaluationRow& row : report.rows) {
    if (row.is_reference) continue;
    const MoleculeFigures& valid = row.figures.figures[figure_index("valid")];
    for (size_t m = 0; m < molecules.size(); ++m) {
      const EvaluatedMolecule& molecule = molecules[m];
      const bool counts = molecule.references > 0 || valid.denominator[m] > 0;
      if (!report.in_scope[m] || !counts) continue;
      out += fmt::format("{},{},{},{},{},{},{},{}", csv_field(row.label), csv_field(molecule.title),
                         csv_field(molecule.smiles), molecule.references, valid.denominator[m],
                         valid.numerator[m], molecule.automorphisms, molecule.capped ? 1 : 0);
      for (const char* key : keys) {
        const MoleculeFigures& figures = row.figures.figures[figure_index(key)];
        out += figures.denominator[m] > 0
                   ? fmt::format(",{:.5f}", figures.numerator[m] / figures.denominator[m])
                   : std::string(",");
      }
      out += "\n";
    }
  }
  return out;
}

}  // namespace molgen3d
