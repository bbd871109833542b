#include "molecule/hard_set.h"

#include <GraphMol/GraphMol.h>
#include <GraphMol/MolOps.h>

#include <algorithm>
#include <cmath>
#include <set>

#include "base/error.h"
#include "geometry/embedding.h"
#include "geometry/position.h"
#include "molecule/distance_bounds.h"
#include "molecule/flat_groups.h"
#include "molecule/free_centres.h"
#include "molecule/rdkit_guard.h"
#include "molecule/second_embedding.h"
#include "molecule/stereo_tags.h"

namespace molgen3d {

namespace {

using geometry::PairLimit;
using geometry::Relation;

constexpr double kMilli = 1000;
/// getDistanceMat() gives this or more for atoms of different parts.
constexpr double kOtherPart = 1e6;
/// Hydrogens that the text keeps may come as near as this, Angstrom.
constexpr double kHydrogenClash = 1.0;

uint32_t floor_milli(double value) {
  return static_cast<uint32_t>(std::max(0.0, std::floor(value * kMilli)));
}
uint32_t ceil_milli(double value) {
  return static_cast<uint32_t>(std::min<double>(std::ceil(value * kMilli), PairLimit::kNoLimit));
}

/// Makes the tables of one molecule; all atom numbers are places in the text.
class Builder {
 public:
  Builder(const Molecule& molecule, const Template& text_template, const geometry::Demand& demand,
          const HardSetThresholds& thresholds)
      : molecule_(molecule),
        template_(text_template),
        mol_(molecule.rdkit()),
        order_(text_template.atom_of_input),
        limits_(thresholds),
        demand_(demand) {
    mol_.clearConformers();
    if (!mol_.getRingInfo()->isInitialized()) RDKit::MolOps::findSSSR(mol_);
    tables_.atoms = static_cast<int>(order_.size());
  }

  geometry::HardSetTables take() {
    add_bonds();
    add_distances();
    add_hands();
    add_sides();
    if (tables_.has_distances) {
      // Also where only stereo is asked for: what is not asked for shall still be sensible.
      add_planes();
      tables_.embedding = geometry::embed(tables_);
      if (tables_.embedding.empty())
        tables_.embedding = second_embedding(molecule_, template_, tables_);
      tables_.level = demand_.level;
    } else {
      tables_.level = geometry::Level::kStereo;
    }
    if (tables_.level != geometry::Level::kFull) tables_.planes.clear();
    geometry::relax(tables_, demand_);
    return std::move(tables_);
  }

 private:
  int32_t place(unsigned atom) const { return static_cast<int32_t>(order_[atom]); }

  void add_bonds() {
    tables_.earlier.resize(order_.size());
    for (const RDKit::Bond* bond : mol_.bonds()) {
      const int32_t a = place(bond->getBeginAtomIdx()), b = place(bond->getEndAtomIdx());
      tables_.earlier[static_cast<size_t>(std::max(a, b))].push_back(std::min(a, b));
    }
  }

  bool is_hydrogen(unsigned atom) const { return mol_.getAtomWithIdx(atom)->getAtomicNum() <= 1; }

  PairLimit limit_of(unsigned a, unsigned b, double apart, bool same_ring,
                     const DistGeom::BoundsMatrix& bounds) const {
    const double low = bounds.getLowerBound(a, b), high = bounds.getUpperBound(a, b);
    if (apart < 1.5) {
      return {floor_milli(low * (1 - limits_.bond)), ceil_milli(high * (1 + limits_.bond)),
              Relation::kBond};
    }
    if (apart < 2.5) {
      return {floor_milli(low * (1 - limits_.angle)), ceil_milli(high * (1 + limits_.angle)),
              Relation::kAngle};
    }
    PairLimit out;
    if (is_hydrogen(a) || is_hydrogen(b)) {
      out.low = floor_milli(kHydrogenClash);
      return out;
    }
    if (apart >= kOtherPart) return out;  // how parts stand to each other means nothing
    const int bonds = std::min(static_cast<int>(apart + 0.5), 6);
    double least = limits_.clash[bonds - 3];
    if (bonds != 4 || !limits_.spare_amides || !across_amide(a, b))
      least = std::max(least, low * limits_.clash_share[bonds - 3]);
    out.low = floor_milli(least);
    if (same_ring) out.high = ceil_milli(high * limits_.reach_factor + limits_.reach_margin);
    return out;
  }

  /// Bonds of N, O or S to an unsaturated carbon: amides, esters, amidines and the like.
  void find_amides() {
    for (const RDKit::Bond* bond : mol_.bonds()) {
      for (const auto& [carbon, other] : {std::pair(bond->getBeginAtom(), bond->getEndAtom()),
                                          std::pair(bond->getEndAtom(), bond->getBeginAtom())}) {
        const int number = other->getAtomicNum();
        if (carbon->getAtomicNum() != 6 || (number != 7 && number != 8 && number != 16)) continue;
        bool unsaturated = false;
        for (const RDKit::Bond* b : mol_.atomBonds(carbon)) {
          unsaturated =
              unsaturated ||
              (b != bond && (b->getBondType() == RDKit::Bond::DOUBLE || b->getIsAromatic()));
        }
        if (unsaturated) amides_.emplace_back(carbon->getIdx(), other->getIdx());
      }
    }
  }

  /// Whether a shortest path between atoms four bonds apart has such a bond inside.
  bool across_amide(unsigned a, unsigned b) const {
    const unsigned n = mol_.getNumAtoms();
    const auto inside = [&](unsigned u, unsigned v) {
      const double before = apart_[a * n + u], after = apart_[v * n + b];
      return before > 0.5 && after > 0.5 && before + 1 + after < 4.5;
    };
    return std::any_of(amides_.begin(), amides_.end(), [&](const auto& bond) {
      return inside(bond.first, bond.second) || inside(bond.second, bond.first);
    });
  }

  void add_distances() {
    const unsigned n = mol_.getNumAtoms();
    tables_.pairs.resize(static_cast<size_t>(n) * (n - 1) / 2);
    DistGeom::BoundsMatPtr bounds;
    try {
      bounds = distance_bounds(mol_);
    } catch (const Error& error) {
      tables_.not_enforced.push_back(fmt::format("distances and flatness ({})", error.what()));
      tables_.has_distances = false;
      return;
    }
    std::set<std::pair<int, int>> ring_pairs;
    for (const auto& ring : mol_.getRingInfo()->atomRings()) {
      for (const int a : ring) {
        for (const int b : ring) ring_pairs.emplace(a, b);
      }
    }
    apart_ = RDKit::MolOps::getDistanceMat(mol_);
    find_amides();
    for (unsigned a = 0; a < n; ++a) {
      for (unsigned b = 0; b < a; ++b) {
        pair(a, b) = limit_of(a, b, apart_[a * n + b], ring_pairs.count({a, b}) > 0, *bounds);
      }
    }
  }

  void add_hands() {
    const StereoTags tags = stereo_tags(mol_);
    tables_.not_enforced.insert(tables_.not_enforced.end(), tags.not_judged.begin(),
                                tags.not_judged.end());
    std::vector<std::vector<unsigned>> free = free_centres(mol_, tags);
    for (const CentreTag& centre : tags.centres) {
      const std::vector<unsigned>& arm = centre.arms;
      if (arm.size() == 3) {
        add_hand(centre, centre.atom, arm[0], arm[1], arm[2], 1, limits_.hand_of_three);
        continue;
      }
      add_hand(centre, arm[3], arm[0], arm[1], arm[2], 1, limits_.hand_of_four);
      const double least = limits_.hand_at_centre[std::min(small_rings(centre.atom), 2)];
      if (least <= 0 && std::any_of(free.begin(), free.end(), [&](const auto& group) {
            return std::find(group.begin(), group.end(), centre.atom) != group.end();
          })) {
        continue;  // three of its arms do not say which hand the group has
      }
      add_hand(centre, centre.atom, arm[0], arm[1], arm[2], 1, least);
      add_hand(centre, centre.atom, arm[0], arm[1], arm[3], -1, least);
      add_hand(centre, centre.atom, arm[0], arm[2], arm[3], 1, least);
      add_hand(centre, centre.atom, arm[1], arm[2], arm[3], -1, least);
    }
    for (const std::vector<unsigned>& group : free) refer(group);
  }

  /// Rings of three and four with `atom`.
  int small_rings(unsigned atom) const {
    const std::vector<int> sizes = mol_.getRingInfo()->atomRingSizes(atom);
    return static_cast<int>(
        std::count_if(sizes.begin(), sizes.end(), [](int s) { return s <= 4; }));
  }

  void add_hand(const CentreTag& centre, unsigned origin, unsigned a, unsigned b, unsigned c,
                int turn, double least) {
    hand_atom_.push_back(centre.atom);
    tables_.hands.push_back({place(origin),
                             {place(a), place(b), place(c)},
                             centre.sign * turn,
                             static_cast<int32_t>(std::lround(kMilli * least)),
                             -1});
  }

  /// All hands of the group follow the one whose atoms stand first.
  void refer(const std::vector<unsigned>& group) {
    std::vector<size_t> members;
    for (size_t i = 0; i < tables_.hands.size(); ++i) {
      if (std::find(group.begin(), group.end(), hand_atom_[i]) != group.end()) members.push_back(i);
    }
    const auto last = [&](size_t i) {
      const geometry::Hand& h = tables_.hands[i];
      return std::max({h.origin, h.arm[0], h.arm[1], h.arm[2]});
    };
    const size_t reference = *std::min_element(
        members.begin(), members.end(), [&](size_t a, size_t b) { return last(a) < last(b); });
    for (const size_t i : members) tables_.hands[i].reference = static_cast<int32_t>(reference);
  }

  PairLimit& pair(unsigned a, unsigned b) {
    const size_t first = std::min(order_[a], order_[b]), last = std::max(order_[a], order_[b]);
    return tables_.pairs[last * (last - 1) / 2 + first];
  }

  /// Keeps the angle at `middle` from becoming straight, where no side could be told.
  void bend(unsigned a, unsigned middle, unsigned c) {
    PairLimit& limit = pair(a, c);
    if (!tables_.has_distances || limit.relation != Relation::kAngle) return;
    const auto length = [&](unsigned x, unsigned y) {
      const PairLimit& bond = pair(x, y);
      return 0.5 * (bond.low + bond.high);
    };
    const double p = length(a, middle), q = length(middle, c);
    const double most = std::sqrt(p * p + q * q + 2 * p * q * limits_.bent_cosine);
    limit.high = std::min(limit.high, static_cast<uint32_t>(most));
  }

  void add_sides() {
    for (const RDKit::Bond* bond : mol_.bonds()) {
      const int wanted = wanted_side(*bond);
      if (wanted == 0) continue;
      const unsigned begin = bond->getBeginAtomIdx(), end = bond->getEndAtomIdx();
      for (const RDKit::Atom* x : mol_.atomNeighbors(bond->getBeginAtom())) {
        if (x->getIdx() == end) continue;
        bend(x->getIdx(), begin, end);
        for (const RDKit::Atom* y : mol_.atomNeighbors(bond->getEndAtom())) {
          if (y->getIdx() == begin) continue;
          bend(y->getIdx(), end, begin);
          const auto& reference = bond->getStereoAtoms();
          const bool same_x = static_cast<int>(x->getIdx()) == reference[0];
          const bool same_y = static_cast<int>(y->getIdx()) == reference[1];
          tables_.sides.push_back({place(begin), place(end), place(x->getIdx()), place(y->getIdx()),
                                   same_x == same_y ? wanted : -wanted});
        }
      }
    }
  }

  void add_planes() {
    const FlatGroups groups = flat_groups(mol_);
    const auto add = [&](const std::vector<std::vector<uint32_t>>& all, double limit, bool pucker) {
      for (const std::vector<uint32_t>& group : all) {
        tables_.planes.push_back({static_cast<int32_t>(tables_.plane_atoms.size()),
                                  static_cast<int32_t>(group.size()),
                                  static_cast<int32_t>(std::lround(kMilli * limit)), pucker});
        for (const uint32_t atom : group) tables_.plane_atoms.push_back(place(atom));
      }
    };
    add(groups.rings, limits_.flat, false);
    add(groups.ethenes, limits_.flat, false);
    add(groups.saturated, limits_.pucker, true);
  }

  const Molecule& molecule_;
  const Template& template_;
  RDKit::RWMol mol_;
  const std::vector<size_t>& order_;
  const HardSetThresholds& limits_;
  const geometry::Demand demand_;
  geometry::HardSetTables tables_;
  std::vector<unsigned> hand_atom_;  ///< of the molecule, for each hand
  const double* apart_ = nullptr;    ///< [atoms][atoms] bonds; kept by the molecule
  std::vector<std::pair<unsigned, unsigned>> amides_;
};

}  // namespace

geometry::HardSet hard_set_of(const Molecule& molecule, const Template& text_template,
                              const geometry::Demand& demand) {
  return hard_set_of(molecule, text_template, demand,
                     demand.posebusters ? kPoseBustersThresholds : kHardSetThresholds);
}

geometry::HardSet hard_set_of(const Molecule& molecule, const Template& text_template,
                              const geometry::Demand& demand, const HardSetThresholds& thresholds) {
  geometry::HardSet set;
  const std::string cause = rdkit_cause([&] {
    set = geometry::make_hard_set(Builder(molecule, text_template, demand, thresholds).take());
  });
  if (!cause.empty()) throw Error::format("geometry: {}", cause);
  return set;
}

std::vector<geometry::Position> positions_of(const Coordinates& coordinates) {
  std::vector<geometry::Position> out;
  out.reserve(coordinates.size());
  const auto units = [](double value) {
    return static_cast<int32_t>(std::lround(value * geometry::kUnits));
  };
  for (const Point3& p : coordinates) out.push_back({units(p.x), units(p.y), units(p.z)});
  return out;
}

}  // namespace molgen3d
