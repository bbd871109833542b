#include "molecule/bond_lengths.h"

#include <ForceField/UFF/Params.h>
#include <GraphMol/ForceFieldHelpers/UFF/AtomTyper.h>
#include <GraphMol/GraphMol.h>

namespace molgen3d {

namespace {

double length_of(const RDKit::Conformer& conformer, unsigned a, unsigned b) {
  return (conformer.getAtomPos(a) - conformer.getAtomPos(b)).length();
}

}  // namespace

std::vector<BondLength> bond_lengths(const Molecule& molecule) {
  const RDKit::ROMol& mol = molecule.rdkit();
  const RDKit::Conformer& conformer = mol.getConformer();
  std::vector<BondLength> out;
  out.reserve(mol.getNumBonds());
  for (const RDKit::Bond* bond : mol.bonds()) {
    const unsigned a = bond->getBeginAtomIdx();
    const unsigned b = bond->getEndAtomIdx();
    ForceFields::UFF::UFFBond parameters{};
    if (!RDKit::UFF::getUFFBondStretchParams(mol, a, b, parameters)) continue;
    out.push_back({a, b, length_of(conformer, a, b), parameters.r0});
  }
  return out;
}

std::vector<BondLength> bond_lengths(const Molecule& molecule, const Molecule& reference,
                                     const std::vector<size_t>& place) {
  const RDKit::ROMol& mol = molecule.rdkit();
  const RDKit::ROMol& ref = reference.rdkit();
  std::vector<BondLength> out;
  if (mol.getNumAtoms() != ref.getNumAtoms() || mol.getNumBonds() != ref.getNumBonds() ||
      place.size() != ref.getNumAtoms())
    return out;
  out.reserve(mol.getNumBonds());
  for (const RDKit::Bond* bond : ref.bonds()) {
    const auto a = static_cast<unsigned>(place[bond->getBeginAtomIdx()]);
    const auto b = static_cast<unsigned>(place[bond->getEndAtomIdx()]);
    if (mol.getBondBetweenAtoms(a, b) == nullptr) return {};
    out.push_back({a, b, length_of(mol.getConformer(), a, b),
                   length_of(ref.getConformer(), bond->getBeginAtomIdx(), bond->getEndAtomIdx())});
  }
  return out;
}

}  // namespace molgen3d
