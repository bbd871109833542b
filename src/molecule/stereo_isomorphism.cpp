#include "molecule/stereo_isomorphism.h"

#include <GraphMol/GraphMol.h>

#include <algorithm>
#include <numeric>
#include <set>
#include <unordered_map>
#include <utility>

#include "base/text_hash.h"

namespace molgen3d {

namespace {

using RDKit::Atom;
using RDKit::Bond;

constexpr unsigned kUnmapped = ~0U;

/// The parts of a molecule that the search walks over, as arrays.
struct Graph {
  struct Edge {
    unsigned atom, bond;
  };
  explicit Graph(const RDKit::ROMol& mol) : edges(mol.getNumAtoms()), ends(mol.getNumBonds()) {
    for (const Atom* atom : mol.atoms()) {
      for (const Bond* bond : mol.atomBonds(atom)) {
        edges[atom->getIdx()].push_back({bond->getOtherAtomIdx(atom->getIdx()), bond->getIdx()});
      }
    }
    for (const Bond* bond : mol.bonds())
      ends[bond->getIdx()] = {bond->getBeginAtomIdx(), bond->getEndAtomIdx()};
  }
  const Edge* between(unsigned a, unsigned b) const {
    for (const Edge& edge : edges[a]) {
      if (edge.atom == b) return &edge;
    }
    return nullptr;
  }
  size_t atoms() const { return edges.size(); }

  std::vector<std::vector<Edge>> edges;  ///< by atom, in RDKit's order of its bonds
  std::vector<std::pair<unsigned, unsigned>> ends;
};

uint64_t hash(uint64_t seed, uint64_t value) {
  return mix64(seed ^ mix64(value + 1));
}

std::vector<uint64_t> bond_colours(const RDKit::ROMol& mol, const StereoMarks& wanted) {
  std::vector<uint64_t> colours;
  for (const Bond* bond : mol.bonds()) {
    const auto type =
        static_cast<uint64_t>(bond->getIsAromatic() ? Bond::AROMATIC : bond->getBondType());
    colours.push_back(hash(type, wanted.bonds[bond->getIdx()] != 0 ? 1 : 0));
  }
  return colours;
}

size_t class_count(std::vector<uint64_t> colours) {
  std::sort(colours.begin(), colours.end());
  return static_cast<size_t>(std::unique(colours.begin(), colours.end()) - colours.begin());
}

/// Equal for atoms that an automorphism may exchange: colour refinement over the whole molecule.
std::vector<uint64_t> atom_colours(const RDKit::ROMol& mol, const Graph& graph,
                                   const StereoMarks& wanted,
                                   const std::vector<uint64_t>& of_bond) {
  const RDKit::RingInfo* rings = mol.getRingInfo();
  std::vector<uint64_t> colours;
  for (const Atom* atom : mol.atoms()) {
    uint64_t colour = static_cast<uint64_t>(atom->getAtomicNum());
    for (const int value : {atom->getFormalCharge(), static_cast<int>(atom->getTotalNumHs()),
                            static_cast<int>(atom->getNumRadicalElectrons()),
                            int{atom->getIsAromatic()}, int{wanted.centres[atom->getIdx()] != 0}}) {
      colour = hash(colour, static_cast<uint64_t>(value + 100));
    }
    if (rings->isInitialized()) {
      colour = hash(colour, rings->numAtomRings(atom->getIdx()));
      colour = hash(colour, rings->minAtomRingSize(atom->getIdx()));
    }
    colours.push_back(colour);
  }
  for (size_t classes = class_count(colours), before = 0; classes != before;) {
    std::vector<uint64_t> next(colours.size());
    std::vector<uint64_t> around;
    for (size_t i = 0; i < colours.size(); ++i) {
      around.clear();
      for (const auto& edge : graph.edges[i])
        around.push_back(hash(of_bond[edge.bond], colours[edge.atom]));
      std::sort(around.begin(), around.end());
      next[i] = std::accumulate(around.begin(), around.end(), colours[i], hash);
    }
    colours = std::move(next);
    before = std::exchange(classes, class_count(colours));
  }
  return colours;
}

/// Atoms that the search must map: stereo elements with their neighbours and what links them. Parts
/// that hang on one bond and hold no stereo can always be mapped when their colours agree; walking
/// over them would multiply the work by 2 for every phenyl and by 6 for every tert-butyl.
std::vector<bool> core_of(const RDKit::ROMol& mol, const Graph& graph, const StereoMarks& wanted) {
  std::vector<bool> core(graph.atoms(), true);
  std::vector<bool> needed(graph.atoms(), false);
  const auto need = [&](unsigned atom) {
    needed[atom] = true;
    for (const auto& edge : graph.edges[atom]) needed[edge.atom] = true;
  };
  for (unsigned i = 0; i < graph.atoms(); ++i) {
    if (wanted.centres[i] != 0) need(i);
  }
  for (size_t b = 0; b < graph.ends.size(); ++b) {
    if (wanted.bonds[b] == 0) continue;
    need(graph.ends[b].first);
    need(graph.ends[b].second);
  }
  // Ring systems and single atoms, joined by the bonds that are in no ring, form a forest.
  const RDKit::RingInfo* rings = mol.getRingInfo();
  if (!rings->isInitialized()) return core;
  std::vector<unsigned> part(graph.atoms(), kUnmapped);
  std::vector<std::vector<unsigned>> members;
  for (unsigned start = 0; start < graph.atoms(); ++start) {
    if (part[start] != kUnmapped) continue;
    const auto number = static_cast<unsigned>(members.size());
    members.emplace_back(1, start);
    part[start] = number;
    for (size_t next = 0; next < members[number].size(); ++next) {
      for (const auto& edge : graph.edges[members[number][next]]) {
        if (part[edge.atom] != kUnmapped || rings->numBondRings(edge.bond) == 0) continue;
        part[edge.atom] = number;
        members[number].push_back(edge.atom);
      }
    }
  }
  std::vector<std::multiset<unsigned>> links(members.size());
  for (const auto& [a, b] : graph.ends) {
    if (part[a] == part[b]) continue;
    links[part[a]].insert(part[b]);
    links[part[b]].insert(part[a]);
  }
  std::vector<unsigned> leaves(members.size());
  std::iota(leaves.begin(), leaves.end(), 0U);
  while (!leaves.empty()) {
    const unsigned leaf = leaves.back();
    leaves.pop_back();
    const bool keep = std::any_of(members[leaf].begin(), members[leaf].end(),
                                  [&](unsigned atom) { return needed[atom] || !core[atom]; });
    if (keep || links[leaf].size() > 1) continue;
    for (const unsigned atom : members[leaf]) core[atom] = false;
    for (const unsigned other : links[leaf]) {
      links[other].erase(links[other].find(leaf));
      leaves.push_back(other);
    }
  }
  return core;
}

/// Backtracking over maps of the core onto itself.
class Search {
 public:
  Search(const RDKit::ROMol& mol, const StereoMarks& wanted, const StereoMarks& found)
      : graph_(mol),
        wanted_(wanted),
        found_(found),
        bond_colours_(bond_colours(mol, wanted)),
        colours_(atom_colours(mol, graph_, wanted, bond_colours_)),
        image_(graph_.atoms(), kUnmapped),
        taken_(graph_.atoms(), false) {
    stereo_atoms_.resize(graph_.ends.size());
    for (const Bond* bond : mol.bonds()) {
      if (wanted.bonds[bond->getIdx()] == 0) continue;
      const auto& atoms = bond->getStereoAtoms();
      stereo_atoms_[bond->getIdx()] = {static_cast<unsigned>(atoms[0]),
                                       static_cast<unsigned>(atoms[1])};
    }
    plan(core_of(mol, graph_, wanted));
  }

  bool run() { return extend(0); }

 private:
  struct Step {
    unsigned atom = 0;
    unsigned parent = kUnmapped;    ///< an earlier neighbour
    std::vector<unsigned> centres;  ///< stereo elements all of whose atoms are mapped from here on
    std::vector<unsigned> bonds;
  };

  /// Next comes the atom with most neighbours among those before: their bonds leave few choices.
  void plan(const std::vector<bool>& core) {
    std::unordered_map<uint64_t, std::vector<unsigned>> classes;
    size_t left = 0;
    for (unsigned i = 0; i < graph_.atoms(); ++i) {
      if (!core[i]) continue;
      classes[colours_[i]].push_back(i);
      ++left;
    }
    std::vector<size_t> place(graph_.atoms(), graph_.atoms());
    std::vector<unsigned> linked(graph_.atoms(), 0);
    for (; left > 0; --left) {
      Step best;
      size_t best_class = 0;
      bool any = false;
      for (unsigned i = 0; i < graph_.atoms(); ++i) {
        if (!core[i] || place[i] < graph_.atoms()) continue;
        const size_t size = classes[colours_[i]].size();
        if (any && (linked[i] < linked[best.atom] ||
                    (linked[i] == linked[best.atom] && size >= best_class)))
          continue;
        any = true;
        best.atom = i;
        best_class = size;
      }
      place[best.atom] = steps_.size();
      for (const auto& edge : graph_.edges[best.atom]) {
        ++linked[edge.atom];
        if (place[edge.atom] < steps_.size()) best.parent = edge.atom;
      }
      steps_.push_back(std::move(best));
    }
    for (unsigned i = 0; i < graph_.atoms(); ++i) {
      if (wanted_.centres[i] == 0) continue;
      size_t last = place[i];
      for (const auto& edge : graph_.edges[i]) last = std::max(last, place[edge.atom]);
      steps_[last].centres.push_back(i);
    }
    for (unsigned b = 0; b < graph_.ends.size(); ++b) {
      if (wanted_.bonds[b] == 0) continue;
      const auto [first, second] = graph_.ends[b];
      const auto [one, two] = stereo_atoms_[b];
      steps_[std::max({place[first], place[second], place[one], place[two]})].bonds.push_back(b);
    }
    starts_ = std::move(classes);
  }

  bool extend(size_t depth) {
    if (depth == steps_.size()) return true;
    const Step& step = steps_[depth];
    if (step.parent == kUnmapped) {
      for (const unsigned candidate : starts_.at(colours_[step.atom])) {
        if (attempt(step, candidate, depth)) return true;
      }
      return false;
    }
    for (const auto& edge : graph_.edges[image_[step.parent]]) {
      if (attempt(step, edge.atom, depth)) return true;
    }
    return false;
  }

  bool attempt(const Step& step, unsigned candidate, size_t depth) {
    if (taken_[candidate] || colours_[candidate] != colours_[step.atom]) return false;
    if (++tried_ > kMaxStereoSteps) return false;
    for (const auto& edge : graph_.edges[step.atom]) {
      if (image_[edge.atom] == kUnmapped) continue;
      const Graph::Edge* other = graph_.between(candidate, image_[edge.atom]);
      if (other == nullptr || bond_colours_[other->bond] != bond_colours_[edge.bond]) return false;
    }
    image_[step.atom] = candidate;
    taken_[candidate] = true;
    if (agrees(step) && extend(depth + 1)) return true;
    image_[step.atom] = kUnmapped;
    taken_[candidate] = false;
    return false;
  }

  bool agrees(const Step& step) const {
    return std::all_of(step.centres.begin(), step.centres.end(),
                       [&](unsigned atom) { return centre_agrees(atom); }) &&
           std::all_of(step.bonds.begin(), step.bonds.end(),
                       [&](unsigned bond) { return bond_agrees(bond); });
  }

  bool centre_agrees(unsigned atom) const {
    const int there = found_.centres[image_[atom]];
    if (there == 0) return true;
    std::vector<size_t> order;  // of the neighbours, as the image's bonds stand
    const auto& edges = graph_.edges[image_[atom]];
    for (const auto& edge : graph_.edges[atom]) {
      const auto at = std::find_if(edges.begin(), edges.end(), [&](const Graph::Edge& other) {
        return other.atom == image_[edge.atom];
      });
      order.push_back(static_cast<size_t>(at - edges.begin()));
    }
    int sign = wanted_.centres[atom];
    for (size_t i = 0; i < order.size(); ++i) {
      for (size_t j = i + 1; j < order.size(); ++j) {
        if (order[i] > order[j]) sign = -sign;
      }
    }
    return sign == there;
  }

  bool bond_agrees(unsigned bond) const {
    const auto [first, second] = graph_.ends[bond];
    const unsigned image = graph_.between(image_[first], image_[second])->bond;
    const int there = found_.bonds[image];
    if (there == 0) return true;
    const auto [one, two] = stereo_atoms_[image];
    int sign = wanted_.bonds[bond];
    for (const unsigned reference : {stereo_atoms_[bond].first, stereo_atoms_[bond].second}) {
      const unsigned place = image_[reference];
      if (place != one && place != two) sign = -sign;  // the other neighbour of that end
    }
    return sign == there;
  }

  Graph graph_;
  const StereoMarks& wanted_;
  const StereoMarks& found_;
  std::vector<uint64_t> bond_colours_, colours_;
  std::vector<std::pair<unsigned, unsigned>> stereo_atoms_;  ///< by bond
  std::unordered_map<uint64_t, std::vector<unsigned>> starts_;
  std::vector<Step> steps_;
  std::vector<unsigned> image_;
  std::vector<bool> taken_;
  long tried_ = 0;
};

}  // namespace

bool same_stereoisomer(const RDKit::ROMol& mol, const StereoMarks& wanted,
                       const StereoMarks& found) {
  return Search(mol, wanted, found).run();
}

}  // namespace molgen3d
