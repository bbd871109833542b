// Symmetry-minimal RMSD between conformers of one molecule, many pairs at a time.
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "quality/symmetry_maps.h"

namespace molgen3d {

/// Distances between `rows` x `columns` conformers, Angstrom.
struct RmsdMatrix {
  size_t rows = 0, columns = 0;
  std::vector<double> values;  ///< row by row
  double at(size_t row, size_t column) const { return values[row * columns + column]; }
};

/// The minimum of sqrt(sum_i |p_i - q_m(i)|^2 / atoms) over rotations, translations and the
/// molecule's automorphisms m; no reflection: what RDKit's GetBestRMS gives on heavy atoms.
///
/// Automorphisms are split into independent groups of atoms where they are a product of such (two
/// phenyls and a carboxylate: 2 + 2 + 2 partial sums in place of 8 full ones), so that a pair costs
/// one small matrix product and one polynomial per combination. Immutable, shared between threads.
class RmsdKernel {
 public:
  explicit RmsdKernel(const SymmetryMaps& maps);
  ~RmsdKernel();
  RmsdKernel(RmsdKernel&&) noexcept;
  RmsdKernel& operator=(RmsdKernel&&) noexcept;

  /// All conformers in the atom order of the maps. Throws Error when a conformer has another
  /// number of atoms. A conformer with a number that is not finite is at an infinite distance.
  RmsdMatrix matrix(const std::vector<const Coordinates*>& rows,
                    const std::vector<const Coordinates*>& columns) const;
  double operator()(const Coordinates& a, const Coordinates& b) const;

  size_t atoms() const;
  size_t map_count() const;     ///< automorphisms
  size_t factor_count() const;  ///< independent groups of them

 private:
  struct Impl;
  std::unique_ptr<const Impl> impl_;
};

}  // namespace molgen3d
