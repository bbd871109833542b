#include "molecule/lost_stereo.h"

#include <GraphMol/GraphMol.h>
#include <fmt/format.h>

#include <optional>
#include <unordered_map>
#include <utility>

namespace molgen3d {

namespace {

using RDKit::Atom;
using RDKit::Bond;

constexpr const char* kTyped = "_molgen3dTypedAtom";

bool has_direction(const Bond& bond) {
  return bond.getBondDir() == Bond::ENDUPRIGHT || bond.getBondDir() == Bond::ENDDOWNRIGHT;
}

bool is_stereo(const Bond& bond) {
  return bond.getStereo() != Bond::STEREONONE && bond.getStereo() != Bond::STEREOANY;
}

size_t double_bonds(const RDKit::ROMol& mol, const Atom* atom) {
  size_t count = 0;
  for (const Bond* bond : mol.atomBonds(atom)) count += bond->getBondType() == Bond::DOUBLE;
  return count;
}

bool is_inside_cumulene(const RDKit::ROMol& mol, const Atom* atom) {
  return atom->getDegree() == 2 && double_bonds(mol, atom) == 2;
}

bool has_marked_neighbour(const RDKit::ROMol& mol, const Atom* atom) {
  for (const Bond* bond : mol.atomBonds(atom)) {
    if (has_direction(*bond)) return true;
  }
  return false;
}

/// The other end of a double bond or of a chain of them, with the number of bonds.
std::pair<const Atom*, size_t> far_end(const RDKit::ROMol& mol, const Atom* begin,
                                       const Bond* bond) {
  const Atom* at = bond->getOtherAtom(begin);
  size_t length = 1;
  while (is_inside_cumulene(mol, at) && length < mol.getNumBonds()) {
    for (const Bond* next : mol.atomBonds(at)) {
      if (next == bond) continue;
      bond = next;
      break;
    }
    at = bond->getOtherAtom(at);
    ++length;
  }
  return {at, length};
}

class Comparison {
 public:
  Comparison(const RDKit::ROMol& raw, const RDKit::ROMol& mol) : raw_(raw), mol_(mol) {
    for (const Atom* atom : mol.atoms()) {
      int typed = 0;
      if (atom->getPropIfPresent(kTyped, typed)) kept_[static_cast<unsigned>(typed)] = atom;
    }
  }

  std::vector<std::string> run() {
    for (const Atom* atom : raw_.atoms()) centre(atom);
    for (const Atom* atom : raw_.atoms()) {
      if (is_inside_cumulene(raw_, atom) || !has_marked_neighbour(raw_, atom)) continue;
      for (const Bond* bond : raw_.atomBonds(atom)) {
        if (bond->getBondType() == Bond::DOUBLE) double_bond(atom, bond);
      }
    }
    return std::move(lost_);
  }

 private:
  const Atom* kept(const Atom* typed) const {
    const auto found = kept_.find(typed->getIdx());
    return found == kept_.end() ? nullptr : found->second;
  }

  void centre(const Atom* typed) {
    if (typed->getChiralTag() == Atom::CHI_UNSPECIFIED) return;
    const Atom* atom = kept(typed);
    if (atom != nullptr && atom->getChiralTag() != Atom::CHI_UNSPECIFIED) return;
    const bool is_allene =
        typed->getChiralTag() == Atom::CHI_ALLENE || is_inside_cumulene(raw_, typed);
    lost_.push_back(
        fmt::format("{} at atom {}", is_allene ? "allene" : "centre", typed->getIdx() + 1));
  }

  void double_bond(const Atom* begin, const Bond* bond) {
    const auto [end, length] = far_end(raw_, begin, bond);
    if (end->getIdx() <= begin->getIdx() || !has_marked_neighbour(raw_, end)) return;
    if (length > 1) {
      lost_.push_back(fmt::format("{} of atoms {} to {}", length == 2 ? "allene" : "cumulene",
                                  begin->getIdx() + 1, end->getIdx() + 1));
      return;
    }
    const Atom* a = kept(begin);
    const Atom* b = kept(end);
    const Bond* there =
        a != nullptr && b != nullptr ? mol_.getBondBetweenAtoms(a->getIdx(), b->getIdx()) : nullptr;
    if (there != nullptr && is_stereo(*there)) return;
    lost_.push_back(
        fmt::format("double bond of atoms {} and {}", begin->getIdx() + 1, end->getIdx() + 1));
  }

  const RDKit::ROMol& raw_;
  const RDKit::ROMol& mol_;
  std::unordered_map<unsigned, const Atom*> kept_;  ///< by the number in the text
  std::vector<std::string> lost_;
};

}  // namespace

bool may_have_lost_stereo(std::string_view text, const SmilesScan& scan, const RDKit::ROMol& mol) {
  size_t marks = 0;
  size_t directions = 0;
  for (const SmilesToken& token : scan.tokens) {
    const std::string_view piece = text.substr(token.begin, token.length);
    marks += token.kind == SmilesToken::Kind::kBracketAtom && piece.find('@') != piece.npos;
    directions += piece == "/" || piece == "\\";
  }
  for (const Atom* atom : mol.atoms()) {
    if (marks > 0 && atom->getChiralTag() != Atom::CHI_UNSPECIFIED) --marks;
  }
  if (marks > 0) return true;
  // Two marks for one bond, one more for each that is conjugated with it.
  size_t bonds = 0;
  for (const Bond* bond : mol.bonds()) bonds += is_stereo(*bond);
  return directions > bonds + 1;
}

void number_typed_atoms(RDKit::ROMol& raw) {
  for (Atom* atom : raw.atoms()) atom->setProp(kTyped, static_cast<int>(atom->getIdx()));
}

std::vector<std::string> lost_stereo(const RDKit::ROMol& raw, const RDKit::ROMol& mol) {
  return Comparison(raw, mol).run();
}

}  // namespace molgen3d
