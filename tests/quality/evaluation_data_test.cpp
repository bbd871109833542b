// The evaluator against figures that RDKit for Python gave for real molecules. Needs the data
// folder.
#include <gtest/gtest.h>

#include "data_files.h"
#include "molecule/reader.h"
#include "quality/evaluation.h"
#include "quality/generated_files.h"
#include "quality/rmsd.h"

namespace molgen3d {
namespace {

constexpr const char* kCrest = "geom_drugs_80mols_crest.sdf";
constexpr const char* kPackedCrest = "geom_drugs_80mols_crest.sdf.xz";

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
  MOLGEN3D_NEEDS_DATA(kPackedCrest);
  EXPECT_EQ(crest().molecules.size(), 80U);
  EXPECT_EQ(crest().records, 6990U);
  EXPECT_TRUE(crest().failures.empty());
  size_t conformers = 0;
  for (const ReferenceMolecule& m : crest().molecules) conformers += m.conformers.size();
  EXPECT_EQ(conformers, 6990U);
}

TEST(CrestData, RmsdGoldens) {
  MOLGEN3D_NEEDS_DATA(kPackedCrest);
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
  for (const auto& row : test::csv_rows(test::test_data("geom_drugs_80mols_rmsd_golden.csv"))) {
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
  MOLGEN3D_NEEDS_DATA(kPackedCrest);
  MOLGEN3D_NEEDS_DATA("geom_drugs_40mols_etkdg_generated.sdf.xz");
  const test::TemporaryFolder folder;
  const GeneratedSet generated =
      read_generated(folder.unpack("geom_drugs_40mols_etkdg_generated.sdf"));
  const auto golden = test::csv_rows(test::test_data("geom_drugs_40mols_covmat_golden.csv"));
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
  size_t structures = 0, pass = 0, strict = 0, stereo_wrong = 0, clash_fails = 0;
};

Rates rates_of(ReferenceSet set) {
  ThreadPool pool;
  EXPECT_TRUE(set.failures.empty());
  Evaluator evaluator(std::move(set), {}, pool);
  Rates out;
  for (const SampleScore& s : evaluator.score_references().samples) {
    if (!s.geometry) continue;
    ++out.structures;
    out.pass += s.geometry->passes(kPoseBustersLimits);
    out.strict += s.geometry->passes(kStrictLimits);
    out.stereo_wrong += !s.stereo.all_matched();
    out.clash_fails += !s.geometry->passes(GeometryTest::kClash, kPoseBustersLimits);
  }
  return out;
}

ReferenceSet unpacked(const std::string& command, const std::string& name) {
  const test::TemporaryFolder folder;
  test::command_output(command + " '" + test::test_data(name) + "' > '" + folder.path("s.sdf") +
                       "'");
  ThreadPool pool;
  return read_references(folder.path("s.sdf"), pool);
}

// Quantum-chemical and experimental structures: the ceiling of every check. Counts are those of the
// same tests done with RDKit for Python; every failure is one of RDKit's 1,5 bounds.
TEST(RealStructures, Crest) {
  MOLGEN3D_NEEDS_DATA(kPackedCrest);
  const Rates found = rates_of(crest());
  EXPECT_EQ(found.structures, 6990U);
  EXPECT_EQ(found.pass, 6409U);
  EXPECT_EQ(found.clash_fails, 581U);
  EXPECT_EQ(found.strict, 6990U);
  EXPECT_EQ(found.stereo_wrong, 6U);  // known: six conformers contradict their SMILES
}

TEST(RealStructures, Crystals) {
  MOLGEN3D_NEEDS_DATA("cod_organic_370.sdf.gz");
  const Rates found = rates_of(unpacked("gzip -dc", "cod_organic_370.sdf.gz"));
  EXPECT_EQ(found.structures, 370U);
  EXPECT_EQ(found.pass, 360U);
  EXPECT_EQ(found.clash_fails, 10U);
  EXPECT_EQ(found.strict, 368U);
  EXPECT_EQ(found.stereo_wrong, 0U);
}

TEST(RealStructures, ProteinBound) {
  MOLGEN3D_NEEDS_DATA("pdb_bioactive_3354.sdf.xz");
  const Rates found = rates_of(unpacked("xz -dc", "pdb_bioactive_3354.sdf.xz"));
  EXPECT_EQ(found.structures, 3354U);
  EXPECT_EQ(found.pass, 3348U);
  EXPECT_EQ(found.clash_fails, 6U);
  EXPECT_EQ(found.strict, 3351U);
  EXPECT_EQ(found.stereo_wrong, 2U);  // known: two entries disagree with their SMILES
}

}  // namespace
}  // namespace molgen3d
