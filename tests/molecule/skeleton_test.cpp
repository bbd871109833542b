#include "molecule/skeleton.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "base/error.h"
#include "molecule/enriched.h"
#include "molecule/test_molecules.h"

namespace molgen3d {
namespace {

using Literals = std::vector<std::string>;

Skeleton skeleton_of(const std::string& smiles, SkeletonOptions options = {}) {
  const SkeletonResult result = make_skeleton(smiles, options);
  EXPECT_TRUE(result.ok()) << smiles << ": " << result.cause;
  return result.skeleton;
}

/// The literals joined: the answer with empty holes.
std::string joined(const Skeleton& skeleton) {
  std::string text;
  for (const std::string& literal : skeleton.literals) text += literal;
  return text;
}

std::string joined(const std::string& smiles, SmilesStyle style, DescriptorStyle descriptors) {
  return joined(skeleton_of(smiles, {style, descriptors}));
}

TEST(Skeleton, LiteralsStandAroundTheHoles) {
  const Skeleton skeleton = skeleton_of("OCC");
  EXPECT_EQ(skeleton.smiles, "CCO");
  EXPECT_EQ(skeleton.literals, (Literals{"[C]<", ">[C]<", ">[O]<", ">"}));
  EXPECT_EQ(skeleton.atom_of_input, (std::vector<size_t>{2, 1, 0}));
  EXPECT_EQ(prompt_text(skeleton), "[SMILES]CCO[/SMILES]");
  EXPECT_EQ(tagged_literals(skeleton),
            (Literals{"[CONFORMER][C]<", ">[C]<", ">[O]<", ">[/CONFORMER]"}));
  const Coordinates text_order = {{0, 0, 0}, {1, 0, 0}, {2, 0, 0}};
  EXPECT_EQ(to_input_order(skeleton, text_order), (Coordinates{{2, 0, 0}, {1, 0, 0}, {0, 0, 0}}));
  EXPECT_EQ(to_text_order(skeleton, to_input_order(skeleton, text_order)), text_order);
}

TEST(Skeleton, BondsRingsAndBranchesFollowTheBlock) {
  EXPECT_EQ(
      skeleton_of("c1c[nH]cc1C(=O)O").literals,
      (Literals{"[O]<", ">=[C]<", ">([O]<", ">)[c]<", ">1[c]<", ">[c]<", ">[nH]<", ">[c]<", ">1"}));
  EXPECT_EQ(joined(skeleton_of("C/C=C\\C")), "[C]<>/[C]<>=[C]<>\\[C]<>");
  EXPECT_EQ(joined(skeleton_of("[Na+].[Cl-]")), "[Cl-]<>.[Na+]<>");
  EXPECT_EQ(skeleton_of("[Na+].[Cl-]").fragments, 2U);
}

TEST(Skeleton, AsGivenKeepsSpellingAndOrder) {
  const Skeleton skeleton = skeleton_of("OC(C)%11CC%11", {SmilesStyle::kAsGiven});
  EXPECT_EQ(skeleton.smiles, "OC(C)%11CC%11");
  EXPECT_EQ(joined(skeleton), "[O]<>[C]<>([C]<>)%11[C]<>[C]<>%11");
  EXPECT_EQ(skeleton.atom_of_input, (std::vector<size_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(joined("C1=CC=CC=C1", SmilesStyle::kAsGiven, DescriptorStyle::kVerbatim),
            "[C]<>1=[C]<>[C]<>=[C]<>[C]<>=[C]<>1");
  EXPECT_EQ(make_skeleton("[H]OC", {SmilesStyle::kAsGiven}).refusal, Refusal::kExplicitHydrogen);
  EXPECT_TRUE(make_skeleton("[H]OC").ok());
}

TEST(Skeleton, DescriptorStyles) {
  const std::string smiles = "CC(=O)Nc1c[nH]cc1[C@@H](N)S";
  const Skeleton verbatim = skeleton_of(smiles);
  EXPECT_EQ(joined(smiles, SmilesStyle::kAsGiven, DescriptorStyle::kVerbatim),
            "[C]<>[C]<>(=[O]<>)[N]<>[c]<>1[c]<>[nH]<>[c]<>[c]<>1[C@@H]<>([N]<>)[S]<>");
  EXPECT_EQ(joined(smiles, SmilesStyle::kAsGiven, DescriptorStyle::kStudy),
            "[C]<>[C]<>(=[O]<>)[NH]<>[c]<>1[c]<>[nH]<>[c]<>[c]<>1[C@@H]<>([NH2]<>)[SH]<>");
  EXPECT_EQ(joined(smiles, SmilesStyle::kAsGiven, DescriptorStyle::kHydrogenCount),
            "[CH3]<>[C]<>(=[O]<>)[NH]<>[c]<>1[cH]<>[nH]<>[cH]<>[c]<>1[C@@H]<>([NH2]<>)[SH]<>");
  EXPECT_EQ(joined("CC(=O)O", SmilesStyle::kCanonical, DescriptorStyle::kStudy),
            "[C]<>[C]<>(=[O]<>)[OH]<>");
  EXPECT_EQ(joined("CP", SmilesStyle::kCanonical, DescriptorStyle::kStudy), "[C]<>[PH2]<>");
  EXPECT_EQ(joined("Cl", SmilesStyle::kCanonical, DescriptorStyle::kStudy), "[ClH]<>");
  EXPECT_EQ(descriptor_style("hcount"), DescriptorStyle::kHydrogenCount);
  EXPECT_THROW(descriptor_style("x"), Error);
}

TEST(Skeleton, EqualsTheEncoderAndComesBackAtomByAtom) {
  for (const std::string& smiles : test::test_molecules()) {
    const Molecule molecule = Molecule::from_smiles(smiles);
    for (const SmilesStyle style : {SmilesStyle::kCanonical, SmilesStyle::kAsGiven}) {
      for (const DescriptorStyle descriptors :
           {DescriptorStyle::kVerbatim, DescriptorStyle::kHydrogenCount, DescriptorStyle::kStudy}) {
        const SkeletonResult result = make_skeleton(molecule, {style, descriptors});
        if (style == SmilesStyle::kAsGiven && smiles.find("[2H]") != smiles.npos) {
          EXPECT_EQ(result.refusal, Refusal::kExplicitHydrogen);  // deuterium is a hydrogen
          continue;
        }
        ASSERT_TRUE(result.ok()) << smiles << ": " << result.cause;
        const Coordinates coordinates = test::numbered(molecule.atom_count());
        const std::string text =
            encode_enriched(molecule.with_coordinates(coordinates), {}, {style, descriptors});
        const DecodeResult decoded = decode_enriched(text, DecodeLevel::kStrict);
        ASSERT_TRUE(decoded.molecule) << text << ": " << decoded.error;
        EXPECT_TRUE(test::same_under(molecule.rdkit(), decoded.molecule->rdkit(),
                                     result.skeleton.atom_of_input))
            << text;
        EXPECT_EQ(to_input_order(result.skeleton, decoded.molecule->coordinates()), coordinates);
        EXPECT_EQ(decoded.molecule->canonical_smiles(), molecule.canonical_smiles()) << text;
      }
    }
    EXPECT_EQ(skeleton_of(smiles).smiles, molecule.canonical_smiles());
  }
}

TEST(Skeleton, InventsNothing) {
  for (const char* smiles : {"CC(C)CC(C)C", "C1CCC2CCCCC2C1"}) {
    EXPECT_EQ(joined(skeleton_of(smiles)).find("[CH"), std::string::npos);
  }
  EXPECT_EQ(joined(skeleton_of("CC(=O)O")).find("[OH"), std::string::npos);
  EXPECT_EQ(joined(skeleton_of("CCN")).find("[NH"), std::string::npos);
  EXPECT_EQ(joined(skeleton_of("c1ccccc1")).find("[cH"), std::string::npos);
  EXPECT_EQ(joined(skeleton_of("CC(Cl)Br")).find('@'), std::string::npos);
  EXPECT_NE(joined(skeleton_of("F[C@](Br)(Cl)I")).find('@'), std::string::npos);
  for (const char* kept : {"[NH4+]", "C[NH2+]C", "C[Pt+2]Cl"}) {
    const std::string smiles = Molecule::from_smiles(kept).canonical_smiles();
    const size_t open = smiles.find('[');
    const std::string bracket = smiles.substr(open, smiles.find(']') - open + 1);
    EXPECT_NE(joined(skeleton_of(kept)).find(bracket + "<"), std::string::npos) << kept;
  }
}

TEST(Skeleton, RefusalsSayWhy) {
  const auto refusal = [](const std::string& smiles) { return make_skeleton(smiles).refusal; };
  EXPECT_EQ(refusal(""), Refusal::kEmpty);
  EXPECT_EQ(refusal(" \t"), Refusal::kEmpty);
  EXPECT_EQ(refusal("C("), Refusal::kUnparsable);
  EXPECT_EQ(refusal("CC>>CC"), Refusal::kUnparsable);
  EXPECT_EQ(refusal("N->[Fe]"), Refusal::kDativeBond);
  EXPECT_EQ(refusal("[Fe]<-N"), Refusal::kDativeBond);
  EXPECT_EQ(refusal("[Re]$[Re]"), Refusal::kQuadrupleBond);
  EXPECT_EQ(refusal("C~C"), Refusal::kAnyBond);
  EXPECT_EQ(refusal("C*"), Refusal::kDummyAtom);
  EXPECT_EQ(refusal("C[1*]"), Refusal::kDummyAtom);
  EXPECT_EQ(refusal("[O]"), Refusal::kBarePlainBracket);
  EXPECT_EQ(refusal("C[O]"), Refusal::kBarePlainBracket);
  EXPECT_EQ(refusal(std::string(kMaxSmilesLength + 1, 'C')), Refusal::kTooLarge);
  EXPECT_EQ(refusal(std::string(kMaxAtoms + 1, 'C')), Refusal::kTooLarge);
  EXPECT_EQ(make_skeleton("C%(100)CC%(100)", {SmilesStyle::kAsGiven}).refusal,
            Refusal::kWideRingNumber);
  EXPECT_TRUE(make_skeleton("C%(100)CC%(100)").ok());
  EXPECT_EQ(make_skeleton("C~C").cause, "bond of unusual order between atoms 1 and 2");
  for (const char* smiles : {"N->[Fe]", "C*", "[O]", "C("}) {
    const std::string cause = make_skeleton(smiles).cause;
    EXPECT_FALSE(cause.empty());
    EXPECT_EQ(cause.find('\n'), std::string::npos);
  }
}

TEST(Skeleton, ScannerReportsPlaces) {
  EXPECT_EQ(scan_smiles("CC)").cause, "')' without '(' at column 3");
  EXPECT_EQ(scan_smiles("C%1C").cause, "'%' without two digits at column 2");
  EXPECT_EQ(scan_smiles("C[]").cause, "empty brackets at column 2");
  EXPECT_EQ(scan_smiles("C->N").cause, "dative bond '->' at column 2");
  EXPECT_EQ(scan_smiles("ClCBr").atoms, 3U);
  EXPECT_EQ(scan_smiles("().").refusal, Refusal::kEmpty);
}

TEST(Skeleton, SameFromManyThreads) {
  const std::string smiles = test::test_molecules()[23];
  const Molecule shared = Molecule::from_smiles(smiles);
  const Literals expected = skeleton_of(smiles).literals;
  std::vector<int> equal(4, 0);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < equal.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i) equal[t] += make_skeleton(shared).skeleton.literals == expected;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(equal, std::vector<int>(4, 50));
}

}  // namespace
}  // namespace molgen3d
