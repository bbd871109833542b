#include "molecule/writers.h"

#include <GraphMol/FileParsers/FileParsers.h>
#include <GraphMol/GraphMol.h>
#include <GraphMol/MolOps.h>

#include <cmath>

#include "base/error.h"
#include "base/plain_text.h"
#include "molecule/atom_labels.h"
#include "molecule/hydrogens.h"
#include "molecule/rdkit_guard.h"

namespace molgen3d {

namespace {

/// Ten columns with four decimals hold no more.
constexpr double kLargestCoordinate = 9999.0;
constexpr unsigned kLargestV2000 = 999;

/// A line that begins so would end the record or the block for a reader.
std::string harmless_line(const std::string& text) {
  std::string line = on_one_line(text);
  if (line.starts_with("$$$$") || line.starts_with("M  ") || line.starts_with(">")) {
    line.insert(line.begin(), ' ');
  }
  return line;
}

/// A property name ends at the first `>`.
std::string property_name(const std::string& text) {
  std::string name = on_one_line(text);
  for (char& c : name) {
    if (c == '<' || c == '>') c = '_';
  }
  return name;
}

void check_coordinates(const Molecule& molecule) {
  const Coordinates coordinates = molecule.coordinates();
  for (size_t i = 0; i < coordinates.size(); ++i) {
    for (const double value : {coordinates[i].x, coordinates[i].y, coordinates[i].z}) {
      if (std::isfinite(value) && std::abs(value) <= kLargestCoordinate) continue;
      throw Error::format("molecule {}: coordinate {} of atom {} cannot be written",
                          in_quotes(molecule.title()), value, i + 1);
    }
  }
}

/// A copy ready for writing, with stereo as the coordinates have it and the labels of the input.
RDKit::RWMol prepared(const Molecule& molecule, const WriteOptions& options) {
  check_coordinates(molecule);
  RDKit::RWMol mol(molecule.rdkit());
  mol.getConformer().set3D(true);
  std::string no_place;
  const std::string cause = rdkit_cause([&] {
    RDKit::MolOps::assignStereochemistryFrom3D(mol, -1, true);
    if (options.add_hydrogens) no_place = place_hydrogens(mol);
    restore_labels(mol);
  });
  if (!cause.empty()) {
    throw Error::format("molecule {} cannot be written: {}", in_quotes(molecule.title()), cause);
  }
  if (!no_place.empty()) {
    throw Error::format("molecule {}: {}", in_quotes(molecule.title()), no_place);
  }
  return mol;
}

}  // namespace

std::string sdf_record(const Molecule& molecule, const PropertyList& properties,
                       const WriteOptions& options) {
  RDKit::RWMol mol = prepared(molecule, options);
  std::string text;
  const std::string cause = rdkit_cause([&] {
    mol.setProp(RDKit::common_properties::_Name, harmless_line(molecule.title()));
    const bool large = mol.getNumAtoms() > kLargestV2000 || mol.getNumBonds() > kLargestV2000;
    text = RDKit::MolToMolBlock(mol, true, -1, true, large);
  });
  if (!cause.empty()) {
    throw Error::format("molecule {} cannot be written: {}", in_quotes(molecule.title()), cause);
  }
  for (const auto& [name, value] : properties) {
    text += fmt::format(">  <{}>\n{}\n\n", property_name(name), harmless_line(value));
  }
  text += fmt::format(">  <HYDROGENS>\n{}\n\n$$$$\n",
                      options.add_hydrogens ? "placed by RDKit" : "none (heavy atoms only)");
  return text;
}

std::string xyz_record(const Molecule& molecule, const PropertyList& properties,
                       const WriteOptions& options) {
  const RDKit::RWMol mol = prepared(molecule, options);
  std::string text = fmt::format("{}\n{}", mol.getNumAtoms(), on_one_line(molecule.title()));
  for (const auto& [name, value] : properties) {
    text += fmt::format(" {}={}", property_name(name), on_one_line(value));
  }
  text += fmt::format(" CHARGE={} HYDROGENS={}\n", RDKit::MolOps::getFormalCharge(mol),
                      options.add_hydrogens ? "placed" : "none");
  const RDKit::Conformer& conformer = mol.getConformer();
  for (const RDKit::Atom* atom : mol.atoms()) {
    const RDGeom::Point3D& p = conformer.getAtomPos(atom->getIdx());
    text += fmt::format("{:<2} {:>10.4f} {:>10.4f} {:>10.4f}\n", atom->getSymbol(), p.x, p.y, p.z);
  }
  return text;
}

}  // namespace molgen3d
