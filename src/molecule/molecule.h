// A molecule without its removable hydrogens, as a value. RDKit stays behind this header.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/coordinates.h"

namespace RDKit {
class ROMol;
}

namespace molgen3d {

/// What the input calls an atom beside its element; 0: nothing.
struct AtomLabel {
  int isotope = 0;
  int map_number = 0;
  bool operator==(const AtomLabel&) const = default;
};

/// Larger inputs are refused: RDKit walks molecules recursively, and canonical ranking of thousands
/// of atoms takes minutes.
inline constexpr size_t kMaxAtoms = 1500;
inline constexpr size_t kMaxSmilesLength = 20000;

/// Immutable and cheap to copy; safe to share between threads. Atoms stand in input order: as typed
/// in a SMILES, as listed in a mol block, less the hydrogens that RDKit's RemoveHs takes away.
/// Isotopes and atom map numbers are labels: they play no part in text, keys and hydrogens (D and T
/// are hydrogens), and the writers put them back.
class Molecule {
 public:
  /// Throws Error with the cause when the text is empty or cannot be read as a SMILES: bytes
  /// outside ASCII among them, which RDKit would drop. White space around the text is ignored. A
  /// CXSMILES extension and a title after it are read (the argument's title goes before): radicals
  /// are carried, what is not is in notes() or an Error.
  static Molecule from_smiles(std::string_view smiles, std::string title = {});

  /// An MDL mol block (V2000 or V3000; text after `M  END` is ignored). The first line becomes the
  /// title. Stereo comes from the 3D coordinates when the block has them. Throws Error.
  static Molecule from_mol_block(std::string_view block);

  /// Takes a molecule built inside the project. Heavy atoms as they are: nothing is removed.
  static Molecule from_rdkit(std::shared_ptr<const RDKit::ROMol> mol, std::string title = {});

  size_t atom_count() const;
  size_t bond_count() const;
  /// Parts without a bond between them: 2 for a salt.
  size_t fragment_count() const;
  /// Element symbol of atom `index`, `*` for a dummy.
  std::string element(size_t index) const;
  const std::string& title() const { return title_; }
  Molecule with_title(std::string title) const;
  /// The SMILES as typed, less labels and extension; empty when the molecule came from elsewhere or
  /// has radicals of an extension.
  const std::string& typed_smiles() const { return typed_smiles_; }

  AtomLabel label(size_t index) const;
  /// Labels of the hydrogens that were removed from atom `index`: D, T, mapped ones.
  std::vector<AtomLabel> hydrogen_labels(size_t index) const;
  /// What the input says and this molecule does not carry, one line each.
  const std::vector<std::string>& notes() const { return notes_; }
  /// Stereo that the SMILES spells and RDKit does not see: `allene at atom 3`.
  const std::vector<std::string>& lost_stereo() const { return lost_stereo_; }

  bool has_coordinates() const;
  /// Input order; throws Error when there are none.
  Coordinates coordinates() const;
  /// The same molecule with one conformer. Throws Error when the count differs from atom_count().
  Molecule with_coordinates(const Coordinates& coordinates) const;

  /// RDKit's canonical SMILES.
  std::string canonical_smiles(bool isomeric = true) const;

  /// For code that includes RDKit itself. Never modify or compute lazily on it without a copy.
  const RDKit::ROMol& rdkit() const { return *mol_; }

 private:
  Molecule() = default;
  std::shared_ptr<const RDKit::ROMol> mol_;
  std::string title_;
  std::string typed_smiles_;
  std::vector<std::string> notes_;
  std::vector<std::string> lost_stereo_;
};

/// True when both SMILES parse and their canonical non-isomeric SMILES, hydrogens removed, are
/// equal: the study's test. Stereo, and which of two equal atoms is which, play no part.
bool same_molecular_graph(std::string_view smiles_a, std::string_view smiles_b);

}  // namespace molgen3d
