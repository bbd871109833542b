#include "molecule/graph_key.h"

#include <GraphMol/ChemTransforms/ChemTransforms.h>
#include <GraphMol/SmilesParse/SmilesWrite.h>

#include "base/error.h"
#include "molecule/make_template.h"
#include "molecule/rdkit_guard.h"

namespace molgen3d {

namespace {

/// A fixed point is nearly always reached at once; what still changes after this is left as it is.
constexpr int kMaxRounds = 4;

/// Stereo marks can steer RDKit's ranking even where they are not written: read the plain text
/// anew.
std::string settled(std::string smiles) {
  for (int round = 0; round < kMaxRounds; ++round) {
    std::string again = Molecule::from_smiles(smiles).canonical_smiles(false);
    if (again == smiles) break;
    smiles = std::move(again);
  }
  return smiles;
}

}  // namespace

Molecule canonical_molecule(const Molecule& molecule) {
  Molecule current = molecule;
  for (int round = 0; round < kMaxRounds; ++round) {
    const TemplateResult written = make_template(current);
    if (!written.ok()) throw Error(written.cause);
    const Template& text_template = written.text_template;
    if (text_template.smiles == current.typed_smiles()) break;
    Molecule next = Molecule::from_smiles(text_template.smiles, molecule.title());
    if (next.atom_count() != current.atom_count()) {
      throw Error::format("RDKit reads its own SMILES {} with another number of atoms",
                          in_quotes(text_template.smiles));
    }
    if (current.has_coordinates()) {
      next = next.with_coordinates(to_text_order(text_template, current.coordinates()));
    }
    current = std::move(next);
  }
  return current;
}

std::string graph_key(const Molecule& molecule) {
  return settled(molecule.canonical_smiles(false));
}

std::string scaffold_key(const Molecule& molecule) {
  std::string smiles;
  const std::string cause = rdkit_cause([&] {
    const std::unique_ptr<RDKit::ROMol> scaffold(RDKit::MurckoDecompose(molecule.rdkit()));
    if (scaffold && scaffold->getNumAtoms() > 0) smiles = RDKit::MolToSmiles(*scaffold, false);
  });
  if (!cause.empty()) {
    throw Error::format("scaffold of {}: {}", in_quotes(molecule.typed_smiles()), cause);
  }
  if (smiles.empty()) return smiles;
  try {
    return settled(smiles);
  } catch (const Error&) {
    return smiles;  // a cut ring system that is no molecule of its own still names its class
  }
}

}  // namespace molgen3d
