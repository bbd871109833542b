#include "quality/heavy_atoms.h"

#include <GraphMol/GraphMol.h>
#include <GraphMol/MolOps.h>

#include <memory>

#include "quality/rdkit_call.h"

namespace molgen3d {

Molecule without_hydrogens(const Molecule& molecule) {
  size_t hydrogens = 0;
  for (const RDKit::Atom* atom : molecule.rdkit().atoms())
    hydrogens += atom->getAtomicNum() == 1 && atom->getIsotope() == 0;
  if (hydrogens == 0 || hydrogens == molecule.atom_count()) return molecule;
  auto mol = std::make_shared<RDKit::RWMol>(molecule.rdkit());
  rdkit_call("removing hydrogens", [&] {
    RDKit::MolOps::RemoveHsParameters parameters;
    parameters.removeDefiningBondStereo = true;
    parameters.showWarnings = false;
    RDKit::MolOps::removeHs(*mol, parameters);
  });
  return Molecule::from_rdkit(std::move(mol), molecule.title());
}

}  // namespace molgen3d
