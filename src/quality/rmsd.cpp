#include "quality/rmsd.h"

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <limits>
#include <set>

#include "base/error.h"
#include "quality/superposition.h"

namespace molgen3d {

namespace {

/// A group of atoms that automorphisms exchange without regard to the others.
struct Factor {
  std::vector<uint16_t> atoms;
  std::vector<std::vector<uint16_t>> images;  ///< images[m][k] stands for atoms[k]
};

struct Split {
  std::vector<uint16_t> fixed;  ///< atoms that no map moves
  std::vector<Factor> factors;
};

size_t root_of(std::vector<size_t>& parent, size_t i) {
  while (parent[i] != i) i = parent[i] = parent[parent[i]];
  return i;
}

Factor restricted(const SymmetryMaps& maps, std::vector<uint16_t> atoms) {
  Factor factor{std::move(atoms), {}};
  std::set<std::vector<uint16_t>> distinct;
  for (const auto& map : maps.maps) {
    std::vector<uint16_t> image;
    image.reserve(factor.atoms.size());
    for (const uint16_t atom : factor.atoms) image.push_back(map[atom]);
    distinct.insert(std::move(image));
  }
  factor.images.assign(distinct.begin(), distinct.end());
  return factor;
}

// Atoms that some map moves together: two of them belong to one group when maps carry one to the
// other, or whenever the group would not be a product otherwise. The group is contained in the
// product of its restrictions, so equal sizes prove that it is the product.
Split split(const SymmetryMaps& maps) {
  Split out;
  const size_t n = maps.atoms;
  std::vector<bool> moved(n, false);
  std::vector<size_t> parent(n);
  for (size_t i = 0; i < n; ++i) parent[i] = i;
  for (const auto& map : maps.maps) {
    for (size_t i = 0; i < n; ++i) {
      if (map[i] == i) continue;
      moved[i] = true;
      parent[root_of(parent, i)] = root_of(parent, map[i]);
    }
  }
  std::vector<uint16_t> all_moved;
  for (size_t i = 0; i < n; ++i)
    (moved[i] ? all_moved : out.fixed).push_back(static_cast<uint16_t>(i));
  if (all_moved.empty()) return out;

  // Orbits that always move together (both ends of a phenyl ring) are joined: in a generating pair
  // of orbits A, B the restriction to A + B is the product of both exactly when its size is.
  std::vector<std::vector<uint16_t>> groups;
  std::vector<size_t> group_of(n, n);
  for (const uint16_t atom : all_moved) {
    const size_t root = root_of(parent, atom);
    if (group_of[root] == n) {
      group_of[root] = groups.size();
      groups.emplace_back();
    }
    groups[group_of[root]].push_back(atom);
  }
  std::vector<Factor> factors;
  for (auto& group : groups) factors.push_back(restricted(maps, std::move(group)));
  for (size_t a = 0; a < factors.size(); ++a) {
    for (size_t b = a + 1; b < factors.size();) {
      std::vector<uint16_t> both = factors[a].atoms;
      both.insert(both.end(), factors[b].atoms.begin(), factors[b].atoms.end());
      Factor joined = restricted(maps, std::move(both));
      if (joined.images.size() == factors[a].images.size() * factors[b].images.size()) {
        ++b;
        continue;
      }
      factors[a] = std::move(joined);
      factors.erase(factors.begin() + static_cast<std::ptrdiff_t>(b));
      b = a + 1;  // the larger group may now depend on one that was passed over
    }
  }
  size_t product = 1;
  for (const Factor& factor : factors) product *= factor.images.size();
  if (product == maps.maps.size()) {
    out.factors = std::move(factors);
  } else {  // capped, or independent in pairs but not all together
    out.factors.push_back(restricted(maps, std::move(all_moved)));
  }
  return out;
}

// Each conformer is three columns (x, y, z) over atoms.
using Points = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic>;

struct Centred {
  Points points;                ///< atoms x (3 conformers)
  std::vector<double> squares;  ///< sum of squared distances to the centroid; NaN when not finite
};

Centred centred(const std::vector<const Coordinates*>& conformers, size_t atoms) {
  Centred out;
  out.points.resize(static_cast<Eigen::Index>(atoms),
                    static_cast<Eigen::Index>(3 * conformers.size()));
  for (size_t c = 0; c < conformers.size(); ++c) {
    const Coordinates& points = *conformers[c];
    if (points.size() != atoms)
      throw Error::format("RMSD: a conformer of {} atoms, not {}", points.size(), atoms);
    auto columns = out.points.middleCols(static_cast<Eigen::Index>(3 * c), 3);
    for (size_t i = 0; i < atoms; ++i)
      columns.row(static_cast<Eigen::Index>(i)) << points[i].x, points[i].y, points[i].z;
    columns.rowwise() -= columns.colwise().mean().eval();
    const double squares = columns.squaredNorm();
    out.squares.push_back(squares);
    if (!std::isfinite(squares)) {  // must not reach its neighbours in the matrix product
      out.squares.back() = std::numeric_limits<double>::quiet_NaN();
      columns.setZero();
    }
  }
  return out;
}

Points selected(const Points& points, const std::vector<uint16_t>& atoms) {
  Points out(static_cast<Eigen::Index>(atoms.size()), points.cols());
  for (size_t k = 0; k < atoms.size(); ++k)
    out.row(static_cast<Eigen::Index>(k)) = points.row(atoms[k]);
  return out;
}

void add_block(const Points& products, Eigen::Index row, Eigen::Index column, Covariance& sum) {
  for (Eigen::Index c = 0; c < 3; ++c) {
    for (Eigen::Index r = 0; r < 3; ++r)
      sum[static_cast<size_t>(3 * r + c)] += products(row + r, column + c);
  }
}

/// Products of every partial sum over one tile of pairs.
struct Tile {
  Points fixed;
  std::vector<std::vector<Points>> moved;  ///< by factor, by image
};

// The best trace over all combinations of the factors' images from `level` on.
void search(const Tile& tile, Eigen::Index row, Eigen::Index column, size_t level,
            const Covariance& sum, double& best) {
  if (level == tile.moved.size()) {
    best = largest_trace(sum, best);
    return;
  }
  for (const Points& products : tile.moved[level]) {
    Covariance with = sum;
    add_block(products, row, column, with);
    search(tile, row, column, level + 1, with, best);
  }
}

}  // namespace

struct RmsdKernel::Impl {
  size_t atoms = 0, maps = 0;
  Split split;

  // Side of a tile of pairs such that all its partial sums stay in the cache.
  size_t tile_side() const {
    size_t sums = 1;
    for (const Factor& factor : split.factors) sums += factor.images.size();
    const double pairs = 1e6 / (72.0 * static_cast<double>(sums));
    return std::clamp<size_t>(static_cast<size_t>(std::sqrt(pairs)), 2, 48);
  }
};

RmsdKernel::RmsdKernel(const SymmetryMaps& maps)
    : impl_(std::make_unique<Impl>(Impl{maps.atoms, maps.maps.size(), split(maps)})) {}
RmsdKernel::~RmsdKernel() = default;
RmsdKernel::RmsdKernel(RmsdKernel&&) noexcept = default;
RmsdKernel& RmsdKernel::operator=(RmsdKernel&&) noexcept = default;

size_t RmsdKernel::atoms() const {
  return impl_->atoms;
}
size_t RmsdKernel::map_count() const {
  return impl_->maps;
}
size_t RmsdKernel::factor_count() const {
  return impl_->split.factors.size();
}

RmsdMatrix RmsdKernel::matrix(const std::vector<const Coordinates*>& rows,
                              const std::vector<const Coordinates*>& columns) const {
  RmsdMatrix out{rows.size(), columns.size(), std::vector<double>(rows.size() * columns.size())};
  const Split& parts = impl_->split;
  const Centred p = centred(rows, impl_->atoms);
  const Centred q = centred(columns, impl_->atoms);
  const Points p_fixed = selected(p.points, parts.fixed).transpose();
  const Points q_fixed = selected(q.points, parts.fixed);
  std::vector<Points> p_moved;
  std::vector<std::vector<Points>> q_moved;
  for (const Factor& factor : parts.factors) {
    p_moved.push_back(selected(p.points, factor.atoms).transpose());
    q_moved.emplace_back();
    for (const auto& image : factor.images) q_moved.back().push_back(selected(q.points, image));
  }
  const size_t side = impl_->tile_side();
  const double n = static_cast<double>(impl_->atoms);
  Tile tile;
  tile.moved.resize(parts.factors.size());
  for (size_t f = 0; f < parts.factors.size(); ++f)
    tile.moved[f].resize(parts.factors[f].images.size());
  for (size_t r0 = 0; r0 < rows.size(); r0 += side) {
    const size_t r_count = std::min(side, rows.size() - r0);
    const auto r_first = static_cast<Eigen::Index>(3 * r0);
    const auto r_size = static_cast<Eigen::Index>(3 * r_count);
    for (size_t c0 = 0; c0 < columns.size(); c0 += side) {
      const size_t c_count = std::min(side, columns.size() - c0);
      const auto c_first = static_cast<Eigen::Index>(3 * c0);
      const auto c_size = static_cast<Eigen::Index>(3 * c_count);
      tile.fixed.noalias() =
          p_fixed.middleRows(r_first, r_size) * q_fixed.middleCols(c_first, c_size);
      for (size_t f = 0; f < parts.factors.size(); ++f) {
        for (size_t m = 0; m < tile.moved[f].size(); ++m) {
          tile.moved[f][m].noalias() =
              p_moved[f].middleRows(r_first, r_size) * q_moved[f][m].middleCols(c_first, c_size);
        }
      }
      for (size_t r = 0; r < r_count; ++r) {
        for (size_t c = 0; c < c_count; ++c) {
          const double squares = p.squares[r0 + r] + q.squares[c0 + c];
          double& value = out.values[(r0 + r) * columns.size() + c0 + c];
          if (!(squares >= 0)) {
            value = std::numeric_limits<double>::infinity();
            continue;
          }
          Covariance sum{};
          const auto row = static_cast<Eigen::Index>(3 * r);
          const auto column = static_cast<Eigen::Index>(3 * c);
          add_block(tile.fixed, row, column, sum);
          double best = -1;
          search(tile, row, column, 0, sum, best);
          value = std::sqrt(std::max(0.0, squares - 2 * best) / n);
        }
      }
    }
  }
  return out;
}

double RmsdKernel::operator()(const Coordinates& a, const Coordinates& b) const {
  return matrix({&a}, {&b}).values[0];
}

}  // namespace molgen3d
