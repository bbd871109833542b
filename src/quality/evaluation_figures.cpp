#include "quality/evaluation_figures.h"

#include <algorithm>
#include <limits>

#include "base/error.h"

namespace molgen3d {

namespace {

using Unit = FigureUnit;

const std::vector<FigureDefinition> kDefinitions = {
    {"pass", "pass", Unit::kShare},
    {"strict", "strict", Unit::kShare},
    {"junk_letters", "junk: letters", Unit::kShare},
    {"junk_non_numeric", "junk: not numeric", Unit::kShare},
    {"valid", "valid", Unit::kShare},
    {"good", "valid, stereo and geometry right", Unit::kShare},
    {"stereo_right", "stereo right", Unit::kShare},
    {"mirror_image", "mirror image", Unit::kShare},
    {"bonds_within", "all bonds within 0.25 A", Unit::kShare},
    {"bond_error_median", "bond error, median (A)", Unit::kAngstrom, true},
    {"geometry", "geometry", Unit::kShare},
    {"geometry_bonds", "bond lengths", Unit::kShare},
    {"geometry_angles", "bond angles", Unit::kShare},
    {"geometry_clash", "clash", Unit::kShare},
    {"geometry_rings", "flat aromatic rings", Unit::kShare},
    {"geometry_double_bonds", "flat C=C", Unit::kShare},
    {"geometry_pucker", "saturated rings not flat", Unit::kShare},
    {"geometry_strict", "strict geometry", Unit::kShare},
    {"distinct", "distinct", Unit::kShare},
    {"cov_r", "COV-R", Unit::kShare},
    {"mat_r", "MAT-R (A)", Unit::kAngstrom},
    {"cov_p", "COV-P", Unit::kShare},
    {"mat_p", "MAT-P (A)", Unit::kAngstrom},
    {"cov_r_median", "COV-R, median", Unit::kShare, true},
    {"mat_r_median", "MAT-R, median (A)", Unit::kAngstrom, true},
    {"cov_p_median", "COV-P, median", Unit::kShare, true},
    {"mat_p_median", "MAT-P, median (A)", Unit::kAngstrom, true},
    {"cov_r_dropped", "COV-R, failures dropped", Unit::kShare},
    {"cov_p_dropped", "COV-P, failures dropped", Unit::kShare},
    {"cov_r_dropped_median", "COV-R, failures dropped, median", Unit::kShare, true},
    {"cov_p_dropped_median", "COV-P, failures dropped, median", Unit::kShare, true},
    {"strain_median", "MMFF94 strain, median (kcal/mol)", Unit::kKcalPerMol, true},
    {"strain_known", "strain known", Unit::kShare},
    {"tokens", "tokens per sample", Unit::kCount},
    {"passes", "passes per sample", Unit::kCount},
};

double as(bool value) {
  return value ? 1.0 : 0.0;
}

double as(size_t value) {
  return static_cast<double>(value);
}

class Adder {
 public:
  Adder(RowFigures& row, size_t molecule) : row_(row), molecule_(molecule) {}
  void operator()(const char* key, double n, double d) {
    row_.figures[figure_index(key)].add(molecule_, n, d);
  }

 private:
  RowFigures& row_;
  size_t molecule_;
};

void add_run(const RunFigures& run, Adder& add) {
  add("pass", as(run.passed), 1);
  add("strict", as(run.strict), 1);
  add("junk_letters", as(run.junk_letters), as(run.blocks));
  add("junk_non_numeric", as(run.junk_non_numeric), as(run.blocks));
  add("tokens", run.tokens, 1);
  add("passes", run.passes, 1);
}

void add_valid(const SampleScore& s, bool with_strain, Adder& add) {
  if (s.stereo.centres.total() + s.stereo.double_bonds.total() > 0) {
    add("stereo_right", as(s.stereo.all_matched()), 1);
    add("mirror_image", as(s.stereo.mirror_image), 1);
  }
  if (s.bond_error) {
    add("bonds_within", as(s.bonds_within), 1);
    add("bond_error_median", *s.bond_error, 1);
  }
  if (s.geometry) {
    const auto test = [&](const char* key, GeometryTest which) {
      add(key, as(s.geometry->passes(which, kPoseBustersLimits)), 1);
    };
    add("geometry", as(s.geometry->passes(kPoseBustersLimits)), 1);
    add("geometry_strict", as(s.geometry->passes(kStrictLimits)), 1);
    test("geometry_bonds", GeometryTest::kBonds);
    test("geometry_angles", GeometryTest::kAngles);
    test("geometry_clash", GeometryTest::kClash);
    test("geometry_rings", GeometryTest::kFlatRings);
    test("geometry_double_bonds", GeometryTest::kFlatDoubleBonds);
    test("geometry_pucker", GeometryTest::kPuckeredRings);
  }
  if (with_strain) {
    add("strain_known", as(s.strain.has_value()), 1);
    if (s.strain) add("strain_median", *s.strain, 1);
  }
}

void add_coverage(const MoleculeDistances& distances, double threshold, Adder& add) {
  const CovMat counted = cov_mat(distances, threshold, FailureRule::kCounted);
  const CovMat dropped = cov_mat(distances, threshold, FailureRule::kDropped);
  if (counted.has_cov) {
    for (const char* key : {"cov_r", "cov_r_median"}) add(key, counted.cov_r, 1);
    for (const char* key : {"cov_p", "cov_p_median"}) add(key, counted.cov_p, 1);
  }
  if (counted.has_mat) {
    for (const char* key : {"mat_r", "mat_r_median"}) add(key, counted.mat_r, 1);
    for (const char* key : {"mat_p", "mat_p_median"}) add(key, counted.mat_p, 1);
  }
  if (dropped.has_cov) {
    for (const char* key : {"cov_r_dropped", "cov_r_dropped_median"}) add(key, dropped.cov_r, 1);
    for (const char* key : {"cov_p_dropped", "cov_p_dropped_median"}) add(key, dropped.cov_p, 1);
  }
}

}  // namespace

const std::vector<FigureDefinition>& figure_definitions() {
  return kDefinitions;
}

size_t figure_index(const std::string& key) {
  const auto found = std::find_if(kDefinitions.begin(), kDefinitions.end(),
                                  [&](const auto& d) { return key == d.key; });
  if (found == kDefinitions.end()) throw Error::format("no figure {}", in_quotes(key));
  return static_cast<size_t>(found - kDefinitions.begin());
}

RowFigures row_figures(const RowScores& row, const std::vector<EvaluatedMolecule>& molecules,
                       const std::vector<bool>& in_scope, double threshold) {
  RowFigures out;
  out.figures.assign(kDefinitions.size(), MoleculeFigures(in_scope.size()));
  const std::vector<double> thresholds = curve_thresholds();
  out.cov_r_curve.assign(thresholds.size(), 0);
  out.cov_p_curve.assign(thresholds.size(), 0);
  const bool with_strain = std::any_of(row.samples.begin(), row.samples.end(),
                                       [](const SampleScore& s) { return s.strain.has_value(); });
  size_t with_references = 0;
  for (size_t m = 0; m < molecules.size(); ++m) {
    if (!in_scope[m]) continue;
    Adder add(out, m);
    size_t valid = 0;
    // A set that was made before the last molecules came has no samples of theirs.
    const bool known = m < row.samples_of.size();
    for (const size_t i : known ? row.samples_of[m] : std::vector<size_t>()) {
      const SampleScore& s = row.samples[i];
      ++out.asked;
      valid += s.valid();
      add("valid", as(s.valid()), 1);
      const bool good = s.valid() && s.stereo.all_matched() && s.geometry &&
                        s.geometry->passes(kPoseBustersLimits);
      add("good", as(good), 1);
      if (s.run) add_run(*s.run, add);
      if (s.valid()) add_valid(s, with_strain, add);
    }
    out.valid += valid;
    if (m < row.distinct.size() && valid > 1) add("distinct", as(row.distinct[m]), as(valid));
    if (molecules[m].references == 0 || row.distances.empty()) continue;
    ++with_references;
    (valid > 0 ? out.molecules_scored : out.molecules_without) += 1;
    out.molecules_not_mentioned += !known || row.samples_of[m].empty();
    MoleculeDistances none;
    none.nearest_generated.assign(molecules[m].references, std::numeric_limits<double>::infinity());
    const MoleculeDistances& distances = known ? row.distances[m] : none;
    add_coverage(distances, threshold, add);
    for (size_t t = 0; t < thresholds.size(); ++t) {
      const CovMat at = cov_mat(distances, thresholds[t], FailureRule::kCounted);
      out.cov_r_curve[t] += at.cov_r;
      out.cov_p_curve[t] += at.cov_p;
    }
  }
  for (auto* curve : {&out.cov_r_curve, &out.cov_p_curve}) {
    for (double& value : *curve) value /= static_cast<double>(std::max<size_t>(with_references, 1));
  }
  for (const SampleScore& s : row.samples) {
    if (s.molecule != SampleScore::kUnknown) continue;
    ++out.asked;
    if (in_scope.size() == molecules.size()) continue;
    Adder add(out, molecules.size());
    add("valid", 0, 1);
    add("good", 0, 1);
    if (s.run) add_run(*s.run, add);
  }
  return out;
}

}  // namespace molgen3d
