#include "molecule/molecule.h"

#include <GraphMol/FileParsers/FileParsers.h>
#include <GraphMol/MolOps.h>
#include <GraphMol/PeriodicTable.h>
#include <GraphMol/SmilesParse/SmilesWrite.h>

#include "base/error.h"
#include "molecule/atom_labels.h"
#include "molecule/rdkit_guard.h"
#include "molecule/smiles_parser.h"

namespace molgen3d {

namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

/// Labels out of the way; D and T become hydrogens, which are removed.
void set_labels_of_block_aside(RDKit::RWMol& mol) {
  if (!has_labels(mol)) return;
  set_labels_aside(mol);
  RDKit::MolOps::RemoveHsParameters parameters;
  parameters.removeDefiningBondStereo = true;
  parameters.showWarnings = false;
  RDKit::MolOps::removeHs(mol, parameters);
  settle_hydrogen_labels(mol);
  if (mol.getNumConformers() > 0 && mol.getConformer().is3D()) {
    RDKit::MolOps::assignStereochemistryFrom3D(mol, -1, true);
  } else {
    RDKit::MolOps::assignStereochemistry(mol, true, true, true);
  }
}

}  // namespace

Molecule Molecule::from_smiles(std::string_view smiles, std::string title) {
  ParsedSmiles parsed = parse_smiles(smiles);
  Molecule molecule =
      from_rdkit(std::move(parsed.mol), title.empty() ? std::move(parsed.title) : std::move(title));
  molecule.typed_smiles_ = std::move(parsed.typed);
  molecule.notes_ = std::move(parsed.notes);
  molecule.lost_stereo_ = std::move(parsed.lost_stereo);
  return molecule;
}

Molecule Molecule::from_mol_block(std::string_view block) {
  std::unique_ptr<RDKit::RWMol> mol;
  std::string cause = rdkit_cause([&] {
    mol.reset(RDKit::MolBlockToMol(std::string(block)));
    if (mol) set_labels_of_block_aside(*mol);
  });
  if (cause.empty() && !mol) cause = "not a mol block";
  std::string title(trimmed(block.substr(0, block.find('\n'))));
  if (cause.empty() && mol->getNumAtoms() == 0) cause = "no atom";
  if (!cause.empty()) throw Error::format("mol block {}: {}", in_quotes(title), cause);
  return from_rdkit(std::move(mol), std::move(title));
}

Molecule Molecule::from_rdkit(std::shared_ptr<const RDKit::ROMol> mol, std::string title) {
  if (mol->getNumAtoms() > kMaxAtoms) {
    throw Error::format("molecule of {} atoms: more than {}", mol->getNumAtoms(), kMaxAtoms);
  }
  Molecule molecule;
  molecule.mol_ = std::move(mol);
  molecule.title_ = std::move(title);
  return molecule;
}

size_t Molecule::atom_count() const {
  return mol_->getNumAtoms();
}
size_t Molecule::bond_count() const {
  return mol_->getNumBonds();
}

size_t Molecule::fragment_count() const {
  std::vector<int> fragment;
  return RDKit::MolOps::getMolFrags(*mol_, fragment);
}

std::string Molecule::element(size_t index) const {
  return mol_->getAtomWithIdx(static_cast<unsigned>(index))->getSymbol();
}

AtomLabel Molecule::label(size_t index) const {
  return label_of(*mol_->getAtomWithIdx(static_cast<unsigned>(index)));
}

std::vector<AtomLabel> Molecule::hydrogen_labels(size_t index) const {
  return hydrogen_labels_of(*mol_->getAtomWithIdx(static_cast<unsigned>(index)));
}

Molecule Molecule::with_title(std::string title) const {
  Molecule copy = *this;
  copy.title_ = std::move(title);
  return copy;
}

bool Molecule::has_coordinates() const {
  return mol_->getNumConformers() > 0;
}

Coordinates Molecule::coordinates() const {
  if (!has_coordinates()) throw Error::format("molecule {} has no coordinates", in_quotes(title_));
  const RDKit::Conformer& conformer = mol_->getConformer();
  Coordinates result;
  result.reserve(atom_count());
  for (const RDGeom::Point3D& p : conformer.getPositions()) result.push_back({p.x, p.y, p.z});
  return result;
}

Molecule Molecule::with_coordinates(const Coordinates& coordinates) const {
  if (coordinates.size() != atom_count()) {
    throw Error::format("{} coordinates for a molecule of {} atoms", coordinates.size(),
                        atom_count());
  }
  auto copy = std::make_shared<RDKit::RWMol>(*mol_);
  copy->clearConformers();
  auto conformer = std::make_unique<RDKit::Conformer>(copy->getNumAtoms());
  conformer->set3D(true);
  for (unsigned i = 0; i < copy->getNumAtoms(); ++i) {
    const Point3& p = coordinates[i];
    conformer->setAtomPos(i, RDGeom::Point3D(p.x, p.y, p.z));
  }
  copy->addConformer(conformer.release(), true);
  Molecule result = *this;
  result.mol_ = std::move(copy);
  return result;
}

std::string Molecule::canonical_smiles(bool isomeric) const {
  // Writing stores properties in the molecule: a copy keeps the shared one untouched.
  RDKit::RWMol copy(*mol_);
  std::string smiles;
  const std::string cause = rdkit_cause([&] { smiles = RDKit::MolToSmiles(copy, isomeric); });
  if (!cause.empty()) throw Error::format("canonical SMILES of {}: {}", in_quotes(title_), cause);
  return smiles;
}

bool same_molecular_graph(std::string_view smiles_a, std::string_view smiles_b) {
  try {
    return Molecule::from_smiles(smiles_a).canonical_smiles(false) ==
           Molecule::from_smiles(smiles_b).canonical_smiles(false);
  } catch (const Error&) {
    return false;
  }
}

}  // namespace molgen3d
