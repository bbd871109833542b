#include "molecule/molecule.h"

#include <GraphMol/FileParsers/FileParsers.h>
#include <GraphMol/PeriodicTable.h>
#include <GraphMol/SmilesParse/SmilesParse.h>
#include <GraphMol/SmilesParse/SmilesWrite.h>

#include "base/error.h"
#include "molecule/rdkit_guard.h"
#include "molecule/smiles_text.h"

namespace molgen3d {

namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view kBlank = " \t\r\n";
  const size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

/// Null when RDKit's parser refused the syntax; throws what sanitization throws.
std::unique_ptr<RDKit::RWMol> parse_smiles(std::string_view text) {
  RDKit::SmilesParserParams parameters;
  parameters.allowCXSMILES = false;
  parameters.parseName = false;
  return std::unique_ptr<RDKit::RWMol>(RDKit::SmilesToMol(std::string(text), parameters));
}

}  // namespace

Molecule Molecule::from_smiles(std::string_view smiles, std::string title) {
  const std::string_view text = trimmed(smiles);
  if (text.empty()) throw Error("empty SMILES");
  if (text.size() > kMaxSmilesLength) {
    throw Error::format("SMILES {}: longer than {} characters", in_quotes(text), kMaxSmilesLength);
  }
  if (text.find_first_of(std::string_view(" \t\r\n\0", 5)) != std::string_view::npos) {
    throw Error::format("SMILES {}: white space or NUL inside", in_quotes(text));
  }
  // Counted before parsing, because the parser itself recurses.
  const SmilesScan scan = scan_smiles(text);
  if (scan.atoms > kMaxAtoms) {
    throw Error::format("SMILES {}: more than {} atoms", in_quotes(text), kMaxAtoms);
  }
  std::unique_ptr<RDKit::RWMol> mol;
  std::string cause = rdkit_cause([&] { mol = parse_smiles(text); });
  if (cause.empty() && !mol) {
    cause = scan.refusal == Refusal::kUnparsable ? scan.cause : "RDKit finds a syntax error";
  }
  if (!cause.empty()) throw Error::format("SMILES {}: {}", in_quotes(text), cause);
  if (mol->getNumAtoms() == 0) throw Error::format("SMILES {}: no atom", in_quotes(text));
  Molecule molecule = from_rdkit(std::move(mol), std::move(title));
  molecule.typed_smiles_ = text;
  return molecule;
}

Molecule Molecule::from_mol_block(std::string_view block) {
  std::unique_ptr<RDKit::RWMol> mol;
  std::string cause = rdkit_cause([&] { mol.reset(RDKit::MolBlockToMol(std::string(block))); });
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
