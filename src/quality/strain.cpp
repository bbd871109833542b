#include "quality/strain.h"

#include <ForceField/ForceField.h>
#include <GraphMol/ForceFieldHelpers/MMFF/AtomTyper.h>
#include <GraphMol/ForceFieldHelpers/MMFF/Builder.h>
#include <GraphMol/GraphMol.h>
#include <GraphMol/MolOps.h>

#include <cmath>
#include <memory>

#include "quality/rdkit_call.h"

namespace molgen3d {

std::optional<double> mmff_strain(const Molecule& molecule, int iterations) {
  return rdkit_call("MMFF94", [&]() -> std::optional<double> {
    RDKit::RWMol mol(molecule.rdkit());
    const unsigned heavy = mol.getNumAtoms();
    RDKit::MolOps::addHs(mol, false, true);
    RDKit::MMFF::MMFFMolProperties properties(mol);
    if (!properties.isValid()) return std::nullopt;
    const std::unique_ptr<ForceFields::ForceField> held(
        RDKit::MMFF::constructForceField(mol, &properties));
    for (unsigned i = 0; i < heavy; ++i) held->fixedPoints().push_back(static_cast<int>(i));
    held->initialize();
    held->minimize(static_cast<unsigned>(iterations));
    const double before = held->calcEnergy();
    const std::unique_ptr<ForceFields::ForceField> free(
        RDKit::MMFF::constructForceField(mol, &properties));
    free->initialize();
    free->minimize(static_cast<unsigned>(iterations));
    const double strain = before - free->calcEnergy();
    if (!std::isfinite(strain)) return std::nullopt;
    return strain;
  });
}

}  // namespace molgen3d
