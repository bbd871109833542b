// Molecules that the tests of this room share, and 3D coordinates for them.
#pragma once

#include <GraphMol/DistGeomHelpers/Embedder.h>
#include <GraphMol/GraphMol.h>
#include <GraphMol/MolOps.h>

#include <memory>
#include <string>
#include <vector>

#include "molecule/molecule.h"

namespace molgen3d::test {

/// Every kind of thing that the format has to carry.
inline const std::vector<std::string>& test_molecules() {
  static const std::vector<std::string> kMolecules = {
      "CC", "CCC", "CCO", "CC=O", "NCCN", "CCCCCC", "CC(C)CC(C)C", "CCC(=O)CC", "CS(=O)C",
      // aromatic
      "c1ccccc1", "c1ccc(cc1)O", "Oc1ccccc1C", "c1cc2cccc2c1", "C1=CC2=CC=CC=C2C=C1",
      // stereo
      "C[C@H](O)N", "C[C@@H](Br)Cl", "F[C@](Br)(Cl)I", "Cl[C@@](F)(Br)I", "F[C@](Cl)(Br)C",
      "CC(Cl)Br", "C[C@H](Cl)Br", "F[C@](Cl)(Br)[2H]",
      "Cc1ccc([C@@]2(O)C[C@@H](C)N(C)C[C@@H]2C)cc1",
      "C/C(=C/CC[C@@H](C)[C@H]1CC[C@@]2(C)C3=C(CC[C@]12C)[C@@]1(C)CCC(=O)C(C)(C)[C@@H]1CC3)C(=O)O",
      "C/C=C\\C", "C/C=C/C", "C[S@](=O)CC", "C[C@H]1CC[C@@H](C)CC1",
      // charges
      "[NH4+]", "C[NH2+]C", "C[NH+](C)C", "N[C@@H](C(=O)O)C(=O)[O-]", "N[C@@H](C(=O)[O-])C(=O)O",
      "C[N+](=O)[O-]",
      // hydrogens on heteroatoms
      "c1[nH]ccc1", "c1c[nH]c2ccccc12", "CC(=O)O", "CCN", "CCS", "CP",
      "COc1ccccc1NC(=O)c1ccc(N2C[C@@H]3C[C@H](C2)c2cccc(=O)n2C3)c(NC(=O)c2ccncc2)c1",
      // isotopes, elements of two letters
      "BrCCCl", "C[13CH3]", "[2H]OC", "C[Si](C)(C)C", "C[Pt+2]Cl", "[H][H]", "[Na+].[Cl-]",
      "CB(O)O",
      // rings
      "C1CC1", "C1CCC2CCCCC2C1", "C%12CC%12", "C1(CC)CCC1", "C1(CC)CC1", "C1=CC(=O)O1",
      "C1=CC(=O)OC(=O)C=C1", "C1CCCCC1",
      // bonds and branches
      "C#N", "C=C", "CC#CC", "C=CC=C", "C#CC#C", "C=C(C)C", "C(=O)NC", "C#CC(=O)O", "CC(C)(C)O",
      "N(CC(C)C)C(=O)O", "CC(Br)C", "CC(Cl)C", "C(Br)C(Cl)C", "CC.CC",
      // long prompts
      "COC(=O)c1ccc(-c2cc(CC3(C(=O)OC)CCN(C(=O)OC(C)(C)C)CC3)on2)cc1",
      "CCCCNC(=O)C(Cc1ccccc1)NS(=O)(=O)c1ccc2c(c1)c(=O)n(C)c(=O)n2C",
      "CC(C)(C)OC(=O)NCCCC[C@H](NC(=O)c1nc[nH]c1C(=O)NC(c1ccccc1)c1ccccc1)C(=O)OC(C)(C)C",
      "NC(=O)C1CCC1", "CC(C)(C)n1cn[nH]c1=S", "Cc1c(C#N)c2ccccc2n1C"};
  return kMolecules;
}

/// RDKit's distance geometry with a fixed seed; empty when it finds no embedding.
inline Coordinates embed(const Molecule& molecule, int seed = 7) {
  RDKit::RWMol mol(molecule.rdkit());
  RDKit::MolOps::addHs(mol);
  if (RDKit::DGeomHelpers::EmbedMolecule(mol, 20, seed) < 0) return {};
  Coordinates coordinates;
  for (size_t i = 0; i < molecule.atom_count(); ++i) {
    const RDGeom::Point3D& p = mol.getConformer().getAtomPos(static_cast<unsigned>(i));
    coordinates.push_back({p.x, p.y, p.z});
  }
  return coordinates;
}

inline Molecule embedded(const std::string& smiles, int seed = 7) {
  const Molecule molecule = Molecule::from_smiles(smiles);
  return molecule.with_coordinates(embed(molecule, seed));
}

/// Coordinates that tell the atoms apart.
inline Coordinates numbered(size_t atoms) {
  Coordinates coordinates;
  for (size_t i = 0; i < atoms; ++i) {
    coordinates.push_back({0.5 * static_cast<double>(i), -1.25, static_cast<double>(i % 100)});
  }
  return coordinates;
}

/// True when atom i of `a` corresponds to atom map[i] of `b`: elements, charges, hydrogens,
/// isotopes and bonds agree one by one. Stricter than equal canonical SMILES.
inline bool same_under(const RDKit::ROMol& a, const RDKit::ROMol& b,
                       const std::vector<size_t>& map) {
  if (a.getNumAtoms() != b.getNumAtoms() || a.getNumBonds() != b.getNumBonds()) return false;
  for (const RDKit::Atom* atom : a.atoms()) {
    const RDKit::Atom* other = b.getAtomWithIdx(static_cast<unsigned>(map[atom->getIdx()]));
    if (atom->getAtomicNum() != other->getAtomicNum() ||
        atom->getFormalCharge() != other->getFormalCharge() ||
        atom->getIsotope() != other->getIsotope() ||
        atom->getTotalNumHs() != other->getTotalNumHs() ||
        atom->getIsAromatic() != other->getIsAromatic() ||
        atom->getNumRadicalElectrons() != other->getNumRadicalElectrons()) {
      return false;
    }
  }
  for (const RDKit::Bond* bond : a.bonds()) {
    const RDKit::Bond* other =
        b.getBondBetweenAtoms(static_cast<unsigned>(map[bond->getBeginAtomIdx()]),
                              static_cast<unsigned>(map[bond->getEndAtomIdx()]));
    if (!other || other->getIsAromatic() != bond->getIsAromatic()) return false;
    if (!bond->getIsAromatic() && other->getBondType() != bond->getBondType()) return false;
  }
  return true;
}

}  // namespace molgen3d::test
