#include "quality/reference_set.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "base/error.h"
#include "base/seeded_hash.h"
#include "molecule/reader.h"
#include "molecule/spatial_check.h"
#include "quality/heavy_atoms.h"
#include "quality/symmetry_maps.h"

namespace molgen3d {

namespace {

constexpr size_t kChunk = 1024;  // records in memory at a time

struct Parsed {
  std::optional<Molecule> molecule;
  std::string smiles;  ///< canonical
  std::string key;     ///< the molecule's identity
  std::string cause;   ///< why the record cannot be used
};

bool finite(const Coordinates& points) {
  for (const Point3& p : points) {
    if (!std::isfinite(p.x) || !std::isfinite(p.y) || !std::isfinite(p.z)) return false;
  }
  return true;
}

Parsed parse(const InputRecord& record, MatchBy match) {
  Parsed out;
  try {
    Molecule molecule = without_hydrogens(molecule_of(record));
    if (!molecule.has_coordinates()) throw Error("no coordinates");
    if (!finite(molecule.coordinates())) throw Error("a coordinate is not finite");
    if (const std::string drawing = why_not_spatial(molecule); !drawing.empty())
      throw Error(drawing);
    const std::string property = record_property(record, "SMILES");
    out.smiles = property.empty()
                     ? molecule.canonical_smiles()
                     : without_hydrogens(Molecule::from_smiles(property)).canonical_smiles();
    out.key = match == MatchBy::kTitle && property.empty() && !record.title.empty()
                  ? molecule.canonical_smiles(false) + " " + record.title
                  : out.smiles;
    out.molecule = std::move(molecule);
  } catch (const Error& error) {
    out.cause = error.what();
  }
  return out;
}

/// The molecule of its graph alone, conformers in the order of that.
void forget_stereo(ReferenceMolecule& molecule) {
  const Molecule graph = Molecule::from_smiles(molecule.flat_smiles, molecule.title);
  const auto place = atom_map(graph, molecule.graph);
  if (!place) return;
  for (Coordinates& conformer : molecule.conformers) conformer = reordered(conformer, *place);
  molecule.smiles = graph.canonical_smiles();
  molecule.graph = graph;
}

}  // namespace

ReferenceSet read_references(const std::string& path, ThreadPool& pool, MatchBy match) {
  ReaderOptions options;
  options.format = RecordFormat::kSdf;
  RecordReader reader(path, options);
  ReferenceSet out;
  out.path = path;
  TextMap<size_t> index;
  std::vector<bool> open;  // by molecule: its records differ in stereo
  const auto fail = [&](const InputRecord& record, const char* kind, const std::string& cause) {
    ++out.failures[kind];
    out.failure_lines.push_back(record_error(path, record, cause));
  };
  std::vector<InputRecord> records;
  for (bool more = true; more;) {
    records.clear();
    InputRecord record;
    while (records.size() < kChunk && (more = reader.next(record))) records.push_back(record);
    std::vector<Parsed> parsed(records.size());
    pool.parallel_for(records.size(), 16, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) parsed[i] = parse(records[i], match);
    });
    // In the order of the file, so that results do not depend on the threads.
    std::vector<size_t> molecule_of_record(records.size());
    for (size_t i = 0; i < records.size(); ++i) {
      ++out.records;
      if (!parsed[i].molecule) continue;
      auto found = index.find(parsed[i].key);
      if (found == index.end()) {
        try {
          Molecule graph = Molecule::from_smiles(parsed[i].smiles, records[i].title);
          std::string flat = graph.canonical_smiles(false);
          found = index.emplace(parsed[i].key, out.molecules.size()).first;
          out.molecules.push_back(
              {records[i].title, parsed[i].smiles, std::move(flat), std::move(graph), {}});
          open.push_back(false);
        } catch (const Error& error) {  // RDKit writes a few SMILES that it does not read
          parsed[i].molecule.reset();
          parsed[i].cause = error.what();
          continue;
        }
      }
      molecule_of_record[i] = found->second;
      if (parsed[i].smiles != out.molecules[found->second].smiles) open[found->second] = true;
    }
    std::vector<std::optional<Coordinates>> conformers(records.size());
    pool.parallel_for(records.size(), 16, [&](size_t begin, size_t end) {
      for (size_t i = begin; i < end; ++i) {
        if (!parsed[i].molecule) continue;
        const auto place =
            atom_map(out.molecules[molecule_of_record[i]].graph, *parsed[i].molecule);
        if (place) conformers[i] = reordered(parsed[i].molecule->coordinates(), *place);
      }
    });
    for (size_t i = 0; i < records.size(); ++i) {
      if (!parsed[i].molecule) {
        fail(records[i], "cannot be read", parsed[i].cause);
      } else if (!conformers[i]) {
        fail(records[i], "SMILES names another molecule",
             fmt::format("the record is not the molecule {} that its SMILES names",
                         parsed[i].smiles));
      } else {
        out.molecules[molecule_of_record[i]].conformers.push_back(std::move(*conformers[i]));
      }
    }
  }
  for (size_t m = 0; m < open.size(); ++m) {
    if (open[m]) forget_stereo(out.molecules[m]);
  }
  return out;
}

}  // namespace molgen3d
