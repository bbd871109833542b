// The figures of one row, molecule by molecule, ready for intervals.
#pragma once

#include <string>
#include <vector>

#include "quality/bootstrap.h"
#include "quality/evaluation.h"

namespace molgen3d {

enum class FigureUnit : uint8_t { kShare, kAngstrom, kKcalPerMol, kCount };

/// What is computed of every row. `key` names it in CSV and JSON, `name` in tables.
struct FigureDefinition {
  const char* key;
  const char* name;
  FigureUnit unit;
  bool median = false;  ///< median over molecules, else sum over sum
};

/// The order of RowFigures::figures. docs/quality.md defines each.
const std::vector<FigureDefinition>& figure_definitions();
/// Place of a key; it must exist.
size_t figure_index(const std::string& key);

struct RowFigures {
  std::vector<MoleculeFigures> figures;          ///< by figure_definitions()
  std::vector<double> cov_r_curve, cov_p_curve;  ///< by curve_thresholds(), failures counted
  size_t asked = 0, valid = 0;                   ///< samples
  size_t molecules_scored = 0;                   ///< reference molecules with a valid sample
  size_t molecules_without = 0;                  ///< reference molecules without one
  size_t molecules_not_mentioned = 0;            ///< of these, not in the file at all
};

/// `in_scope[m]`: molecule m counts; all vectors of figures are as long. One entry more than there
/// are molecules takes the samples whose molecule is not known.
RowFigures row_figures(const RowScores& row, const std::vector<EvaluatedMolecule>& molecules,
                       const std::vector<bool>& in_scope, double threshold);

}  // namespace molgen3d
