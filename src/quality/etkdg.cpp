#include "quality/etkdg.h"

#include <GraphMol/DistGeomHelpers/Embedder.h>
#include <GraphMol/ForceFieldHelpers/MMFF/MMFF.h>
#include <GraphMol/GraphMol.h>
#include <GraphMol/MolOps.h>

#include "quality/rdkit_call.h"

namespace molgen3d {

std::vector<Coordinates> etkdg_conformers(const Molecule& molecule, size_t count,
                                          const EtkdgOptions& options) {
  return rdkit_call("ETKDG", [&] {
    RDKit::RWMol mol(molecule.rdkit());
    mol.clearConformers();
    RDKit::MolOps::addHs(mol);
    RDKit::DGeomHelpers::EmbedParameters parameters = RDKit::DGeomHelpers::ETKDGv3;
    parameters.randomSeed = static_cast<int>(options.seed & 0x7FFFFFFF);
    parameters.numThreads = 1;
    const auto ids =
        RDKit::DGeomHelpers::EmbedMultipleConfs(mol, static_cast<unsigned>(count), parameters);
    if (options.mmff && !ids.empty()) {
      std::vector<std::pair<int, double>> results;
      RDKit::MMFF::MMFFOptimizeMoleculeConfs(mol, results, 1, 500);
    }
    std::vector<Coordinates> out;
    for (const int id : ids) {
      const RDKit::Conformer& conformer = mol.getConformer(id);
      Coordinates points;
      for (unsigned i = 0; i < molecule.atom_count(); ++i) {
        const RDGeom::Point3D& p = conformer.getAtomPos(i);
        points.push_back({p.x, p.y, p.z});
      }
      out.push_back(std::move(points));
    }
    return out;
  });
}

}  // namespace molgen3d
