// The evaluator on molecules made here: matching, failures, stereo, baselines.
#include "quality/evaluation.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

#include "data_files.h"
#include "molecule/test_molecules.h"
#include "molecule/writers.h"
#include "quality/etkdg.h"
#include "quality/evaluation_figures.h"
#include "quality/generated_files.h"
#include "quality/strain.h"

namespace molgen3d {
namespace {

std::string record(const Molecule& molecule, const std::string& smiles = {}) {
  PropertyList properties;
  if (!smiles.empty()) properties.emplace_back("SMILES", smiles);
  return sdf_record(molecule, properties);
}

class EvaluationTest : public testing::Test {
 protected:
  ReferenceSet references(const std::string& sdf) {
    return read_references(folder_.write("reference.sdf", sdf), pool_);
  }
  GeneratedSet generated(const std::string& sdf) {
    return read_generated(folder_.write("generated.sdf", sdf));
  }
  static GeneratedSample failed(const std::string& smiles) {
    GeneratedSample sample;
    sample.smiles = smiles;
    sample.failure = "no end of sequence within N tokens";
    return sample;
  }

  test::TemporaryFolder folder_;
  ThreadPool pool_{2};
};

Coordinates mirrored(Coordinates points) {
  for (Point3& p : points) p.z = -p.z;
  return points;
}

TEST_F(EvaluationTest, TheReferencesThemselvesAreFound) {
  const std::string smiles = "CC(C)C[C@H](N)C(=O)O";
  std::string sdf;
  for (int seed = 1; seed <= 3; ++seed) sdf += record(test::embedded(smiles, seed), smiles);
  Evaluator evaluator(references(sdf), {}, pool_);
  const RowScores row = evaluator.score(generated(sdf));
  ASSERT_EQ(evaluator.molecules().size(), 1U);
  EXPECT_EQ(evaluator.molecules()[0].references, 3U);
  for (const double d : row.distances[0].nearest_generated) EXPECT_LT(d, 1e-3);
  EXPECT_EQ(row.distinct[0], 3U);
  for (const SampleScore& s : row.samples) {
    EXPECT_TRUE(s.stereo.all_matched());
    EXPECT_TRUE(s.geometry->passes(kPoseBustersLimits));
    EXPECT_TRUE(s.bonds_within);
  }
}

// Records may list their atoms in any order, with hydrogens or without.
TEST_F(EvaluationTest, AtomOrderAndHydrogensDoNotMatter) {
  const Molecule molecule = test::embedded("OCC(F)Cl", 3);
  const Molecule other = Molecule::from_smiles("ClC(F)CO");
  const Coordinates p = molecule.coordinates();
  Evaluator evaluator(references(sdf_record(molecule, {}, {.add_hydrogens = true})), {}, pool_);
  const RowScores row =
      evaluator.score(generated(record(other.with_coordinates({p[4], p[2], p[3], p[1], p[0]}))));
  ASSERT_TRUE(row.samples[0].valid()) << row.samples[0].failure;
  EXPECT_LT(row.distances[0].nearest_reference.at(0), 1e-3);
}

TEST_F(EvaluationTest, FailuresCountAsSpecified) {
  const std::string propanol = "CCCO";
  const std::string butane = "CCCC";
  const std::string ether = "COC";
  const std::string reference = record(test::embedded(propanol, 1), propanol) +
                                record(test::embedded(butane, 1), butane) +
                                record(test::embedded(ether, 1), ether);
  Evaluator evaluator(references(reference), {}, pool_);
  GeneratedSet set = generated(record(test::embedded(propanol, 1), propanol));
  set.samples.push_back(failed(propanol));
  set.samples.push_back(failed(propanol));
  set.samples.push_back(failed(butane));
  const RowScores row = evaluator.score(set);
  EXPECT_EQ(row.failures.at("no end of sequence within N tokens"), 3U);

  const RowFigures all = row_figures(row, evaluator.molecules(), std::vector<bool>(3, true), 0.75);
  EXPECT_EQ(all.asked, 4U);
  EXPECT_EQ(all.valid, 1U);
  EXPECT_EQ(all.molecules_scored, 1U);
  EXPECT_EQ(all.molecules_without, 2U);
  EXPECT_EQ(all.molecules_not_mentioned, 1U);  // the ether
  const auto figure = [](const RowFigures& f, const char* key) {
    return f.figures[figure_index(key)].ratio();
  };
  EXPECT_DOUBLE_EQ(figure(all, "valid"), 0.25);
  EXPECT_DOUBLE_EQ(figure(all, "cov_r"), 1.0 / 3);      // zero for the other two
  EXPECT_DOUBLE_EQ(figure(all, "cov_p"), 1.0 / 3 / 3);  // one of three samples
  EXPECT_DOUBLE_EQ(figure(all, "cov_r_dropped"), 1);
  EXPECT_DOUBLE_EQ(figure(all, "cov_p_dropped"), 1);
  EXPECT_LT(figure(all, "mat_r"), 1e-3);  // of the one that has samples
  EXPECT_DOUBLE_EQ(all.cov_r_curve[14], 1.0 / 3);

  const RowFigures two = row_figures(row, evaluator.molecules(), {true, true, false}, 0.75);
  EXPECT_DOUBLE_EQ(figure(two, "cov_r"), 0.5);
}

TEST_F(EvaluationTest, MissingAndSurplusSamples) {
  const std::string smiles = "CCCO";
  std::string sdf;
  for (int seed = 1; seed <= 3; ++seed) sdf += record(test::embedded(smiles, seed), smiles);
  for (const size_t wanted : {size_t{2}, size_t{5}}) {
    EvaluationOptions options;
    options.samples = wanted;
    Evaluator evaluator(references(record(test::embedded(smiles, 9), smiles)), options, pool_);
    const RowScores row = evaluator.score(generated(sdf));
    EXPECT_EQ(row.distances[0].asked(), wanted);
    EXPECT_EQ(row.distances[0].valid(), std::min<size_t>(wanted, 3));
    EXPECT_EQ(row.surplus, wanted == 2 ? 1U : 0U);
  }
  EvaluationOptions twice;
  twice.twice_references = true;
  Evaluator evaluator(references(record(test::embedded(smiles, 9), smiles)), twice, pool_);
  EXPECT_EQ(evaluator.score(generated(sdf)).distances[0].asked(), 2U);
}

TEST_F(EvaluationTest, StereoIsThatOfTheSmilesAskedFor) {
  const std::string smiles = "C[C@H](F)Cl";
  const Molecule right = test::embedded(smiles, 2);
  Evaluator evaluator(references(record(right, smiles)), {}, pool_);
  const RowScores row = evaluator.score(
      generated(record(right, smiles) +
                record(right.with_coordinates(mirrored(right.coordinates())), smiles)));
  ASSERT_EQ(row.samples.size(), 2U);
  EXPECT_TRUE(row.samples[0].stereo.all_matched());
  EXPECT_FALSE(row.samples[1].stereo.all_matched());
  EXPECT_TRUE(row.samples[1].stereo.mirror_image);
  // The mirrored one is no conformer of this molecule: no rotation brings it there.
  EXPECT_GT(row.distances[0].nearest_reference[1], 0.1);
}

// Equal arms may be named either way: the second mapping fits.
TEST_F(EvaluationTest, StereoOfEqualArmsDoesNotDependOnTheMapping) {
  for (const char* smiles :
       {"C[C@H](O)C(C)[C@@H](C)O", "F[C@H]1C[C@@H](F)C1", "C/C=C/C(O)/C=C\\C"}) {
    const Molecule molecule = test::embedded(smiles, 4);
    if (molecule.coordinates().empty()) continue;
    Evaluator evaluator(references(record(molecule, smiles)), {}, pool_);
    for (const SampleScore& s : evaluator.score_references().samples)
      EXPECT_TRUE(s.stereo.all_matched()) << smiles;
  }
}

TEST_F(EvaluationTest, OtherStereoIsMatchedWithoutItAndSaid) {
  const std::string wanted = "C[C@H](F)Cl";
  const std::string other = "C[C@@H](F)Cl";
  Evaluator evaluator(references(record(test::embedded(wanted, 2), wanted)), {}, pool_);
  const RowScores row = evaluator.score(generated(record(test::embedded(other, 2), other)));
  EXPECT_EQ(row.matched_without_stereo, 1U);
  EXPECT_EQ(row.samples[0].molecule, 0U);
  EXPECT_TRUE(row.samples[0].stereo.all_matched());  // it is what was asked for
  // With both stereoisomers among the references there is nothing to fall back to.
  Evaluator both(references(record(test::embedded(wanted, 2), wanted) +
                            record(test::embedded(other, 2), other)),
                 {}, pool_);
  const RowScores flat = both.score(generated(record(test::embedded("CC(F)Cl", 2), "CC(F)Cl")));
  EXPECT_EQ(flat.matched_without_stereo, 0U);
  EXPECT_EQ(flat.without_reference, 1U);
}

TEST_F(EvaluationTest, MatchingByTitle) {
  EvaluationOptions options;
  options.match = MatchBy::kTitle;
  Evaluator evaluator(references(record(test::embedded("CCO", 1).with_title("a")) +
                                 record(test::embedded("CCN", 1).with_title("b"))),
                      options, pool_);
  const RowScores row =
      evaluator.score(generated(record(test::embedded("CCN", 1).with_title("b")) +
                                record(test::embedded("CCN", 1).with_title("a"))));
  EXPECT_EQ(row.samples[0].molecule, 1U);
  EXPECT_TRUE(row.samples[0].valid());
  EXPECT_EQ(row.samples[1].failure, "another molecule");
}

TEST_F(EvaluationTest, BadRecordsAreCountedByCause) {
  const ReferenceSet set = references(record(test::embedded("CCO", 1), "CCN") + "junk\n$$$$\n" +
                                      record(test::embedded("CCO", 1), "CCO"));
  EXPECT_EQ(set.records, 3U);
  EXPECT_EQ(set.failures.at("SMILES names another molecule"), 1U);
  EXPECT_EQ(set.failures.at("cannot be read"), 1U);
  ASSERT_EQ(set.failure_lines.size(), 2U);
  EXPECT_NE(set.failure_lines[0].find("reference.sdf:1"), std::string::npos);
}

TEST_F(EvaluationTest, ResultsDoNotDependOnThreads) {
  std::string sdf;
  for (const char* smiles : {"CCCO", "c1ccccc1CC(=O)[O-]", "CC(C)(C)OC"}) {
    for (int seed = 1; seed <= 5; ++seed) sdf += record(test::embedded(smiles, seed), smiles);
  }
  std::vector<std::vector<double>> found;
  for (const size_t threads : {size_t{1}, size_t{3}}) {
    ThreadPool pool(threads);
    Evaluator evaluator(references(sdf), {}, pool);
    const RowScores made = evaluator.score(evaluator.etkdg(false, 5, nullptr));
    auto& all = found.emplace_back();
    for (const MoleculeDistances& d : made.distances) {
      all.insert(all.end(), d.nearest_generated.begin(), d.nearest_generated.end());
      all.insert(all.end(), d.nearest_reference.begin(), d.nearest_reference.end());
    }
  }
  EXPECT_EQ(found[0], found[1]);
  EXPECT_EQ(found[0].size(), 15U + 30U);  // K and 2K
}

TEST_F(EvaluationTest, RepeatedConformersAreNotDistinct) {
  const std::string smiles = "CCCCO";
  const Molecule a = test::embedded(smiles, 1);
  Coordinates shaken = a.coordinates();
  shaken[0].x += 0.05;
  Evaluator evaluator(references(record(a, smiles)), {}, pool_);
  const RowScores row =
      evaluator.score(generated(record(a, smiles) + record(a.with_coordinates(shaken), smiles) +
                                record(test::embedded(smiles, 6), smiles)));
  EXPECT_EQ(row.distinct[0], 2U);
}

TEST_F(EvaluationTest, DistantNumbersAreValidButFar) {
  const Molecule a = test::embedded("CCO", 1);
  Coordinates broken = a.coordinates();
  broken[0].x = 9000;
  Evaluator evaluator(references(record(a, "CCO")), {}, pool_);
  const RowScores row = evaluator.score(generated(record(a.with_coordinates(broken), "CCO")));
  EXPECT_TRUE(row.samples[0].valid());
  EXPECT_FALSE(row.samples[0].bonds_within);
  EXPECT_FALSE(row.samples[0].geometry->passes(kPoseBustersLimits));
  EXPECT_GT(row.distances[0].nearest_reference[0], 1000);
}

TEST(Strain, GrowsWithDistortion) {
  const Molecule molecule = Molecule::from_smiles("CCCCO").with_coordinates(
      etkdg_conformers(Molecule::from_smiles("CCCCO"), 1, {42, true}).at(0));
  const double relaxed = *mmff_strain(molecule);
  EXPECT_GE(relaxed, -1e-6);
  EXPECT_LT(relaxed, 0.5);
  Coordinates stretched = molecule.coordinates();
  for (Point3& p : stretched) p.x *= 1.1;
  EXPECT_GT(*mmff_strain(molecule.with_coordinates(stretched)), relaxed + 5);
  EXPECT_FALSE(mmff_strain(Molecule::from_smiles("C[Pt]").with_coordinates({{0, 0, 0}, {2, 0, 0}}))
                   .has_value());
}

}  // namespace
}  // namespace molgen3d
