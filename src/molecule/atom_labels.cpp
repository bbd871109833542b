#include "molecule/atom_labels.h"

#include <GraphMol/GraphMol.h>

#include <algorithm>
#include <vector>

namespace molgen3d {

namespace {

using RDKit::Atom;

constexpr const char* kIsotope = "_molgen3dIsotope";
constexpr const char* kMapNumber = "_molgen3dMapNumber";
/// At a heavy atom: isotope, map number, isotope, map number, ... of its labelled hydrogens.
constexpr const char* kHydrogens = "_molgen3dHydrogenLabels";

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

void put(Atom& atom, const AtomLabel& label) {
  if (label.isotope != 0) atom.setIsotope(static_cast<unsigned>(label.isotope));
  if (label.map_number != 0) atom.setAtomMapNum(label.map_number);
}

void note(Atom& heavy, const std::vector<AtomLabel>& labels) {
  if (labels.empty()) return heavy.clearProp(kHydrogens);
  std::vector<int> numbers;
  for (const AtomLabel& label : labels)
    numbers.insert(numbers.end(), {label.isotope, label.map_number});
  heavy.setProp(kHydrogens, numbers);
}

/// What stands between the brackets of a token, cut into isotope, atom and map number.
struct BracketAtom {
  explicit BracketAtom(std::string_view token) {
    atom = token.substr(1, token.size() - 2);
    while (!atom.empty() && is_digit(atom.front())) {
      atom.remove_prefix(1);
      labelled = true;
    }
    if (const size_t colon = atom.rfind(':'); colon != std::string_view::npos) {
      atom = atom.substr(0, colon);
      labelled = true;
    }
  }
  std::string_view atom;
  bool labelled = false;
};

/// `CH3`, `cH`, `OH`, `C`: a symbol of the organic subset with or without hydrogens. Not `nH`:
/// aromatic nitrogen needs its brackets.
std::string_view bare_symbol(std::string_view atom) {
  std::string_view symbol = atom.substr(0, std::min(atom.find('H'), atom.size()));
  const std::string_view rest = atom.substr(symbol.size());
  if (!is_organic_subset(symbol)) return {};
  if (!rest.empty() && symbol.front() >= 'a' && symbol != "c") return {};
  if (rest.empty() || std::all_of(rest.begin() + 1, rest.end(), is_digit)) return symbol;
  return {};
}

}  // namespace

bool has_labels(const RDKit::ROMol& mol) {
  for (const Atom* atom : mol.atoms()) {
    if (atom->getIsotope() != 0 || atom->getAtomMapNum() != 0) return true;
  }
  return false;
}

AtomLabel label_of(const Atom& atom) {
  AtomLabel label;
  atom.getPropIfPresent(kIsotope, label.isotope);
  atom.getPropIfPresent(kMapNumber, label.map_number);
  return label;
}

std::vector<AtomLabel> hydrogen_labels_of(const Atom& atom) {
  std::vector<int> numbers;
  atom.getPropIfPresent(kHydrogens, numbers);
  std::vector<AtomLabel> labels;
  for (size_t i = 0; i + 1 < numbers.size(); i += 2) labels.push_back({numbers[i], numbers[i + 1]});
  return labels;
}

void set_labels_aside(RDKit::RWMol& mol) {
  for (Atom* atom : mol.atoms()) {
    const AtomLabel label{static_cast<int>(atom->getIsotope()), atom->getAtomMapNum()};
    if (label == AtomLabel{}) continue;
    if (label.isotope != 0) atom->setProp(kIsotope, label.isotope);
    if (label.map_number != 0) atom->setProp(kMapNumber, label.map_number);
    atom->setIsotope(0);
    atom->setAtomMapNum(0);
    if (atom->getAtomicNum() != 1) continue;
    for (Atom* neighbour : mol.atomNeighbors(atom)) {
      if (neighbour->getAtomicNum() <= 1) continue;
      std::vector<AtomLabel> noted = hydrogen_labels_of(*neighbour);
      noted.push_back(label);
      note(*neighbour, noted);
    }
  }
}

void settle_hydrogen_labels(RDKit::RWMol& mol) {
  for (Atom* atom : mol.atoms()) {
    std::vector<AtomLabel> noted = hydrogen_labels_of(*atom);
    if (noted.empty()) continue;
    for (const Atom* neighbour : mol.atomNeighbors(atom)) {
      if (neighbour->getAtomicNum() != 1) continue;
      const auto at = std::find(noted.begin(), noted.end(), label_of(*neighbour));
      if (at != noted.end()) noted.erase(at);
    }
    note(*atom, noted);
  }
}

void restore_labels(RDKit::RWMol& mol) {
  for (Atom* atom : mol.atoms()) {
    put(*atom, label_of(*atom));
    const std::vector<AtomLabel> noted = hydrogen_labels_of(*atom);
    auto next = noted.begin();
    for (Atom* neighbour : mol.atomNeighbors(atom)) {
      if (next == noted.end()) break;
      if (neighbour->getAtomicNum() != 1 || label_of(*neighbour) != AtomLabel{}) continue;
      put(*neighbour, *next++);
    }
  }
}

bool has_labels(std::string_view text, const SmilesScan& scan) {
  return std::any_of(scan.tokens.begin(), scan.tokens.end(), [&](const SmilesToken& token) {
    return token.kind == SmilesToken::Kind::kBracketAtom &&
           BracketAtom(text.substr(token.begin, token.length)).labelled;
  });
}

std::string without_labels(std::string_view text, const SmilesScan& scan, bool unwrap) {
  std::string out;
  for (const SmilesToken& token : scan.tokens) {
    const std::string_view piece = text.substr(token.begin, token.length);
    if (token.kind != SmilesToken::Kind::kBracketAtom) {
      out += piece;
      continue;
    }
    const BracketAtom bracket(piece);
    const std::string_view symbol =
        unwrap && bracket.labelled ? bare_symbol(bracket.atom) : std::string_view();
    if (!symbol.empty()) {
      out += symbol;
    } else {
      out += '[';
      out += bracket.atom;
      out += ']';
    }
  }
  return out;
}

}  // namespace molgen3d
