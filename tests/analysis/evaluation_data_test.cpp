// The evaluator against figures that RDKit for Python gave for real molecules. Needs the data
// folder.
#include <gtest/gtest.h>

#include "analysis/evaluation.h"
#include "analysis/rmsd.h"
#include "analysis/shared_data.h"
#include "molecule/reader.h"

namespace molgen3d {
namespace {

constexpr const char* kCrest = "geom_drugs_80mols_crest.sdf";

bool have_crest() {
  return test::have_shared_data(std::string(kCrest) + ".xz");
}

/// Read once: 6,990 records.
const ReferenceSet& crest() {
  static const ReferenceSet set = [] {
    const test::TemporaryFolder folder;
    ThreadPool pool;
    return read_references(folder.unpack(kCrest), pool);
  }();
  return set;
}

TEST(CrestData, ReadsEveryConformer) {
  if (!have_crest()) GTEST_SKIP() << "../shared/data is not there";
  EXPECT_EQ(crest().molecules.size(), 80U);
  EXPECT_EQ(crest().records, 6990U);
  EXPECT_TRUE(crest().failures.empty());
  size_t conformers = 0;
  for (const ReferenceMolecule& m : crest().molecules) conformers += m.conformers.size();
  EXPECT_EQ(conformers, 6990U);
}

TEST(CrestData, RmsdGoldens) {
  if (!have_crest()) GTEST_SKIP() << "../shared/data is not there";
  std::map<std::string, const ReferenceMolecule*> by_title;
  for (const ReferenceMolecule& m : crest().molecules) by_title[m.title] = &m;
  // The goldens count conformers by the data item CONF, and some were left out of the file.
  std::map<std::string, std::map<std::string, size_t>> place;
  {
    const test::TemporaryFolder folder;
    RecordReader reader(folder.unpack(kCrest));
    for (InputRecord record; reader.next(record);)
      place[record.title].emplace(record_property(record, "CONF"), place[record.title].size());
  }
  size_t pairs = 0;
  for (const auto& row : test::csv_rows(test::shared_data("geom_drugs_80mols_rmsd_golden.csv"))) {
    const ReferenceMolecule& m = *by_title.at(row.at("id"));
    const Coordinates& a = m.conformers.at(place.at(m.title).at(row.at("conf_i")));
    const Coordinates& b = m.conformers.at(place.at(m.title).at(row.at("conf_j")));
    const RmsdKernel merged(symmetry_maps(m.graph, {TerminalGroups::kMerged}));
    const RmsdKernel plain(symmetry_maps(m.graph, {TerminalGroups::kDistinct}));
    EXPECT_NEAR(merged(a, b), std::stod(row.at("rmsd_sym")), 1e-3) << m.title;
    EXPECT_NEAR(plain(a, b), std::stod(row.at("rmsd_graph")), 1e-3) << m.title;
    EXPECT_EQ(plain.map_count(), std::stoul(row.at("automorphisms"))) << m.title;
    ++pairs;
  }
  EXPECT_EQ(pairs, 627U);
}

TEST(CrestData, CovMatGoldens) {
  if (!have_crest()) GTEST_SKIP() << "../shared/data is not there";
  const test::TemporaryFolder folder;
  const GeneratedSet generated =
      read_generated(folder.unpack("geom_drugs_40mols_etkdg_generated.sdf"));
  const auto golden = test::csv_rows(test::shared_data("geom_drugs_40mols_covmat_golden.csv"));
  ASSERT_EQ(golden.size(), 40U);
  ThreadPool pool;
  for (const auto& [groups, suffix] : {std::pair{TerminalGroups::kMerged, "_sym"},
                                       std::pair{TerminalGroups::kDistinct, "_graph"}}) {
    EvaluationOptions options;
    options.symmetry.terminal_groups = groups;
    Evaluator evaluator(crest(), options, pool);
    const RowScores row = evaluator.score(generated);
    EXPECT_TRUE(row.failures.empty());
    EXPECT_EQ(row.without_reference, 0U);
    std::map<std::string, size_t> by_title;
    for (size_t m = 0; m < evaluator.molecules().size(); ++m)
      by_title[evaluator.molecules()[m].title] = m;
    for (const auto& expected : golden) {
      const std::string& id = expected.at("id");
      const MoleculeDistances& distances = row.distances.at(by_title.at(id));
      const auto value = [&](const std::string& column) {
        return std::stod(expected.at(column + suffix));
      };
      EXPECT_EQ(distances.references(), std::stoul(expected.at("K"))) << id;
      EXPECT_EQ(distances.valid(), std::stoul(expected.at("n_gen"))) << id;
      const CovMat found = cov_mat(distances, 0.75, FailureRule::kCounted);
      EXPECT_NEAR(found.cov_r, value("cov_r"), 1e-5) << id;
      EXPECT_NEAR(found.cov_p, value("cov_p"), 1e-5) << id;
      EXPECT_NEAR(found.mat_r, value("mat_r"), 1e-3) << id;
      EXPECT_NEAR(found.mat_p, value("mat_p"), 1e-3) << id;
    }
  }
}

struct Rates {
  size_t records = 0, pass = 0, strict = 0, stereo_wrong = 0;
  size_t test[kGeometryTests] = {};
};

Rates rates_of(const std::string& name, const std::string& how) {
  const test::TemporaryFolder folder;
  test::command_output(how + " '" + test::shared_data(name) + "' > '" + folder.path("set.sdf") +
                       "'");
  ThreadPool pool;
  Evaluator evaluator(read_references(folder.path("set.sdf"), pool), {}, pool);
  for (const std::string& line : evaluator.references().failure_lines)
    std::printf("%s\n", line.c_str());
  for (const auto& m : evaluator.molecules())
    if (!m.no_bounds.empty()) std::printf("%s %s\n", m.smiles.c_str(), m.no_bounds.c_str());
  Rates out;
  for (const SampleScore& s : evaluator.score_references().samples) {
    if (!s.geometry) continue;
    ++out.records;
    out.pass += s.geometry->passes(kPoseBustersLimits);
    out.strict += s.geometry->passes(kStrictLimits);
    out.stereo_wrong += !s.stereo.all_matched();
    for (size_t t = 0; t < kGeometryTests; ++t)
      out.test[t] += !s.geometry->passes(static_cast<GeometryTest>(t), kPoseBustersLimits);
  }
  std::printf("%s: %zu structures, geometry %zu, strict %zu, stereo wrong %zu; failing:",
              name.c_str(), out.records, out.pass, out.strict, out.stereo_wrong);
  for (size_t t = 0; t < kGeometryTests; ++t)
    std::printf(" %s %zu", geometry_test_name(static_cast<GeometryTest>(t)), out.test[t]);
  std::printf("\n");
  return out;
}

// Experimental and quantum-chemical structures: the ceiling of every check.
TEST(RealStructures, Crest) {
  if (!have_crest()) GTEST_SKIP() << "../shared/data is not there";
  rates_of("geom_drugs_80mols_crest.sdf.xz", "xz -dc");
}
TEST(RealStructures, Crystals) {
  if (!have_crest()) GTEST_SKIP() << "../shared/data is not there";
  rates_of("cod_organic_370.sdf.gz", "gzip -dc");
}
TEST(RealStructures, ProteinBound) {
  if (!have_crest()) GTEST_SKIP() << "../shared/data is not there";
  rates_of("pdb_bioactive_3354.sdf.xz", "xz -dc");
}

}  // namespace
}  // namespace molgen3d
