// COV and MAT: how well generated conformers cover the reference ones, and the other way round.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace molgen3d {

/// One molecule's nearest distances, from which every threshold's figures follow. Angstrom.
struct MoleculeDistances {
  std::vector<double> nearest_generated;  ///< per reference conformer; infinite without samples
  std::vector<double> nearest_reference;  ///< per valid sample
  size_t failed_samples = 0;              ///< asked for, but without a usable conformer

  size_t references() const { return nearest_generated.size(); }
  size_t valid() const { return nearest_reference.size(); }
  size_t asked() const { return valid() + failed_samples; }
};

/// How samples and molecules without a usable conformer count.
enum class FailureRule : uint8_t {
  kCounted,  ///< failed samples stay in COV-P's denominator; a molecule without any valid sample
             ///< has COV 0 and no MAT (Torsional Diffusion, GeoMol)
  kDropped,  ///< only valid samples and molecules that have one are looked at (the study, ET-Flow)
};

/// COV-R(d): share of reference conformers with a sample closer than d (strictly); COV-P(d): share
/// of samples with a reference conformer closer than d. MAT-R, MAT-P: the mean distance to the
/// nearest one. (Xu et al., ICLR 2021; Ganea et al., NeurIPS 2021.) Shares in 0..1, Angstrom.
struct CovMat {
  bool has_cov = false;  ///< the molecule counts in COV
  bool has_mat = false;  ///< the molecule counts in MAT
  double cov_r = 0, cov_p = 0, mat_r = 0, mat_p = 0;
};

CovMat cov_mat(const MoleculeDistances& distances, double threshold, FailureRule rule);

/// 0.05, 0.10, .. 3.00 A: the grid of the published curves.
std::vector<double> curve_thresholds();

}  // namespace molgen3d
