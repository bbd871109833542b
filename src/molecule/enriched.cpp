#include "molecule/enriched.h"

#include <GraphMol/MolOps.h>
#include <GraphMol/SmilesParse/SmilesParse.h>

#include "base/error.h"
#include "molecule/atom_labels.h"
#include "molecule/rdkit_guard.h"

namespace molgen3d {

namespace {

/// Hydrogens spelled as atoms stay atoms, so that text order is atom order.
std::shared_ptr<RDKit::RWMol> build(const std::string& smiles, std::string& error) {
  std::shared_ptr<RDKit::RWMol> mol;
  RDKit::SmilesParserParams parameters;
  parameters.allowCXSMILES = false;
  parameters.parseName = false;
  parameters.sanitize = false;
  parameters.removeHs = false;
  const std::string syntax =
      rdkit_cause([&] { mol.reset(RDKit::SmilesToMol(smiles, parameters)); });
  // RDKit drops what follows a byte outside ASCII.
  if (!mol || !syntax.empty() || smiles.empty() || !foreign_character(smiles).empty()) {
    error = "Failed to parse rebuilt SMILES: " + smiles;
    return nullptr;
  }
  error = rdkit_cause([&] {
    set_labels_aside(*mol);
    settle_hydrogen_labels(*mol);
    RDKit::MolOps::sanitizeMol(*mol);
    RDKit::MolOps::assignStereochemistry(*mol, true, true, true);
  });
  return mol;
}

}  // namespace

std::string encode_enriched(const Molecule& molecule, const NumberFormat& format,
                            const TemplateOptions& options) {
  const TemplateResult result = make_template(molecule, options);
  if (!result.ok()) {
    throw Error::format("molecule {} cannot be written as enriched text: {}",
                        in_quotes(molecule.title()), result.cause);
  }
  return fill_template(result.text_template,
                       to_text_order(result.text_template, molecule.coordinates()), format);
}

DecodeResult decode_enriched(std::string_view text, DecodeLevel level, const NumberFormat& format) {
  DecodeResult result;
  const auto [smiles, coordinates, unread] = split_enriched(text, level, format);
  result.error = unread;
  if (!result.error.empty()) return result;
  if (smiles.size() > kMaxSmilesLength || coordinates.size() > kMaxAtoms) {
    result.error = fmt::format("more than {} atoms", kMaxAtoms);
    return result;
  }
  std::shared_ptr<RDKit::RWMol> mol = build(smiles, result.error);
  if (!result.error.empty()) return result;
  if (mol->getNumAtoms() != coordinates.size()) {
    result.error = fmt::format("Atom count mismatch: mol has {} atoms, coords list has {} entries.",
                               mol->getNumAtoms(), coordinates.size());
    return result;
  }
  result.molecule = Molecule::from_rdkit(std::move(mol)).with_coordinates(coordinates);
  return result;
}

}  // namespace molgen3d
