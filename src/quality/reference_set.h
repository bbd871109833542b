// The conformers that generated ones are compared with, by molecule.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "molecule/molecule.h"

namespace molgen3d {

/// How a sample finds its reference molecule.
enum class MatchBy : uint8_t {
  kSmiles,  ///< canonical isomeric SMILES; without stereo where only one reference fits then
  kTitle,
};

struct ReferenceMolecule {
  std::string title;
  std::string smiles;       ///< canonical, isomeric
  std::string flat_smiles;  ///< canonical, without stereo
  Molecule graph;           ///< from `smiles`: its stereo, and the atom order of all conformers
  std::vector<Coordinates> conformers;  ///< Angstrom
};

struct ReferenceSet {
  std::string path;
  std::vector<ReferenceMolecule> molecules;  ///< in the order of their first records
  size_t records = 0;
  std::map<std::string, size_t> failures;  ///< by cause: records that cannot be used
  std::vector<std::string> failure_lines;  ///< one per record: file, line, text, cause
};

/// Reads an SDF file (also .gz; `-`: standard input) in which a molecule may have many records. A
/// record belongs to the molecule that its data item SMILES names (which need not agree with the
/// stereo of the coordinates: CREST ensembles hold a few inverted conformers), else to that of its
/// own stereo. With MatchBy::kTitle, records without that item belong together when title and graph
/// agree; a stereocentre in which they differ is open then. Hydrogens are removed. Drawings and
/// atoms in one place are failures. Throws Error when the file cannot be opened.
ReferenceSet read_references(const std::string& path, ThreadPool& pool,
                             MatchBy match = MatchBy::kSmiles);

}  // namespace molgen3d
