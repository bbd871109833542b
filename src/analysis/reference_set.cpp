#include "analysis/reference_set.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>

#include "analysis/heavy_atoms.h"
#include "analysis/symmetry_maps.h"
#include "base/error.h"
#include "base/seeded_hash.h"
#include "molecule/reader.h"

namespace molgen3d {

namespace {

constexpr size_t kChunk = 1024;  // records in memory at a time

struct Parsed {
  std::optional<Molecule> molecule;
  std::string smiles;  ///< the molecule's identity
  std::string cause;   ///< why the record cannot be used
};

bool finite(const Coordinates& points) {
  for (const Point3& p : points) {
    if (!std::isfinite(p.x) || !std::isfinite(p.y) || !std::isfinite(p.z)) return false;
  }
  return true;
}

Parsed parse(const InputRecord& record) {
  Parsed out;
  try {
    Molecule molecule = without_hydrogens(molecule_of(record));
    if (!molecule.has_coordinates()) throw Error("no coordinates");
    if (!finite(molecule.coordinates())) throw Error("a coordinate is not finite");
    const std::string property = record_property(record, "SMILES");
    out.smiles = property.empty()
                     ? molecule.canonical_smiles()
                     : without_hydrogens(Molecule::from_smiles(property)).canonical_smiles();
    out.molecule = std::move(molecule);
  } catch (const Error& error) {
    out.cause = error.what();
  }
  return out;
}

}  // namespace

ReferenceSet read_references(const std::string& path, ThreadPool& pool) {
  ReaderOptions options;
  options.format = RecordFormat::kSdf;
  RecordReader reader(path, options);
  ReferenceSet out;
  out.path = path;
  TextMap<size_t> index;
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
      for (size_t i = begin; i < end; ++i) parsed[i] = parse(records[i]);
    });
    // In the order of the file, so that results do not depend on the threads.
    std::vector<size_t> molecule_of_record(records.size());
    for (size_t i = 0; i < records.size(); ++i) {
      ++out.records;
      if (!parsed[i].molecule) continue;
      auto found = index.find(parsed[i].smiles);
      if (found == index.end()) {
        try {
          Molecule graph = Molecule::from_smiles(parsed[i].smiles, records[i].title);
          std::string flat = graph.canonical_smiles(false);
          found = index.emplace(parsed[i].smiles, out.molecules.size()).first;
          out.molecules.push_back(
              {records[i].title, parsed[i].smiles, std::move(flat), std::move(graph), {}});
        } catch (const Error& error) {  // RDKit writes a few SMILES that it does not read
          parsed[i].molecule.reset();
          parsed[i].cause = error.what();
          continue;
        }
      }
      molecule_of_record[i] = found->second;
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
  return out;
}

}  // namespace molgen3d
