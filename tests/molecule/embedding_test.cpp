#include "molecule/embedding.h"

#include <gtest/gtest.h>

#include <cmath>
#include <set>

#include "base/error.h"
#include "molecule/stereo.h"
#include "test_molecules.h"

namespace molgen3d {
namespace {

Embedding embed(const std::string& smiles, const EmbedSettings& settings = {}, uint64_t seed = 1) {
  return embed_conformers(Molecule::from_smiles(smiles), settings, seed);
}

TEST(Embedding, EveryConformerHasTheStereoThatWasAskedFor) {
  for (const std::string& smiles : test::test_molecules()) {
    SCOPED_TRACE(smiles);
    const Molecule molecule = Molecule::from_smiles(smiles);
    const Embedding out = embed_conformers(molecule, {.conformers = 2, .max_attempts = 10}, 1);
    if (out.failure != EmbedFailure::kNone) {
      EXPECT_FALSE(out.cause.empty());
      continue;
    }
    ASSERT_EQ(out.conformers.size(), out.energies.size());
    for (const Coordinates& c : out.conformers) {
      ASSERT_EQ(c.size(), molecule.atom_count());
      EXPECT_TRUE(judge_stereo(molecule.with_coordinates(c)).all_matched());
    }
  }
}

TEST(Embedding, SeedDecides) {
  const EmbedSettings settings{.conformers = 2};
  EXPECT_EQ(embed("CCCCO", settings, 5).conformers, embed("CCCCO", settings, 5).conformers);
  EXPECT_NE(embed("CCCCO", settings, 5).conformers, embed("CCCCO", settings, 6).conformers);
  // Large seeds are used whole, not cut to a sign bit.
  EXPECT_EQ(embed("CCCCO", settings, UINT64_MAX).conformers.size(), 2U);
}

TEST(Embedding, ForceFieldsRelax) {
  for (const ForceFieldKind kind :
       {ForceFieldKind::kMmff94, ForceFieldKind::kMmff94s, ForceFieldKind::kUff}) {
    const Embedding few = embed("CC(C)CC(=O)NC", {.force_field = kind, .max_steps = 1});
    const Embedding many = embed("CC(C)CC(=O)NC", {.force_field = kind, .max_steps = 2000});
    EXPECT_EQ(few.force_field, kind);
    EXPECT_EQ(few.unconverged, 1U);
    EXPECT_EQ(many.unconverged, 0U);
    EXPECT_LT(many.energies[0], few.energies[0] - 1);
  }
  const Embedding none = embed("CC(C)CC(=O)NC", {.force_field = ForceFieldKind::kNone});
  EXPECT_EQ(none.force_field, ForceFieldKind::kNone);
  EXPECT_TRUE(std::isnan(none.energies[0]));
}

TEST(Embedding, MissingParametersAreHandledAsAsked) {
  const std::string boron = "CCB(O)O";  // MMFF94 knows no boron
  EXPECT_EQ(embed(boron).force_field, ForceFieldKind::kUff);
  EXPECT_EQ(embed(boron, {.missing = MissingParameters::kKeep}).force_field, ForceFieldKind::kNone);
  const Embedding failed = embed(boron, {.missing = MissingParameters::kFail});
  EXPECT_EQ(failed.failure, EmbedFailure::kNoParameters);
  EXPECT_EQ(failed.cause, "no mmff94 parameters");
}

TEST(Embedding, ImpossibleStereoHasACause) {
  // Camphor, and camphor with one bridgehead turned inside out.
  const EmbedSettings settings{.max_attempts = 5, .retry_from_random = false};
  EXPECT_EQ(embed("CC1(C)[C@@H]2CC[C@@]1(C)C(=O)C2", settings).failure, EmbedFailure::kNone);
  const Embedding out = embed("CC1(C)[C@@H]2CC[C@]1(C)C(=O)C2", settings);
  EXPECT_EQ(out.failure, EmbedFailure::kNoEmbedding);
  EXPECT_EQ(out.cause, "distance geometry found no coordinates");
  EXPECT_TRUE(out.conformers.empty());
  EXPECT_THROW(embed("C", {.conformers = 0}), Error);
  EXPECT_THROW(embed("C", {.conformers = kMaxConformers + 1}), Error);
}

TEST(Embedding, PruningDropsLikeConformers) {
  EXPECT_EQ(embed("c1ccccc1", {.conformers = 10, .prune_rmsd = 0.5}).conformers.size(), 1U);
  EXPECT_EQ(embed("c1ccccc1", {.conformers = 10}).conformers.size(), 10U);
}

}  // namespace
}  // namespace molgen3d
