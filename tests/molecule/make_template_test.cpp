#include "molecule/make_template.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>

#include "base/error.h"
#include "molecule/enriched.h"
#include "molecule/test_molecules.h"
#include "text/tags.h"

namespace molgen3d {
namespace {

using Literals = std::vector<std::string>;

Template template_of(const std::string& smiles, TemplateOptions options = {}) {
  const TemplateResult result = make_template(smiles, options);
  EXPECT_TRUE(result.ok()) << smiles << ": " << result.cause;
  return result.text_template;
}

/// The literals joined: the answer with empty holes.
std::string joined(const Template& text_template) {
  std::string text;
  for (const std::string& literal : text_template.literals) text += literal;
  return text;
}

std::string joined(const std::string& smiles, SmilesStyle style, DescriptorStyle descriptors) {
  return joined(template_of(smiles, {style, descriptors}));
}

TEST(MakeTemplate, LiteralsStandAroundTheHoles) {
  const Template text_template = template_of("OCC");
  EXPECT_EQ(text_template.smiles, "CCO");
  EXPECT_EQ(text_template.literals, (Literals{"[C]<", ">[C]<", ">[O]<", ">"}));
  EXPECT_EQ(text_template.atom_of_input, (std::vector<size_t>{2, 1, 0}));
  EXPECT_EQ(prompt_text(text_template.smiles), "[SMILES]CCO[/SMILES]");
  EXPECT_EQ(tagged_literals(text_template),
            (Literals{"[CONFORMER][C]<", ">[C]<", ">[O]<", ">[/CONFORMER]"}));
  const Coordinates text_order = {{0, 0, 0}, {1, 0, 0}, {2, 0, 0}};
  EXPECT_EQ(to_input_order(text_template, text_order),
            (Coordinates{{2, 0, 0}, {1, 0, 0}, {0, 0, 0}}));
  EXPECT_EQ(to_text_order(text_template, to_input_order(text_template, text_order)), text_order);
}

TEST(MakeTemplate, BondsRingsAndBranchesFollowTheBlock) {
  EXPECT_EQ(
      template_of("c1c[nH]cc1C(=O)O").literals,
      (Literals{"[O]<", ">=[C]<", ">([O]<", ">)[c]<", ">1[c]<", ">[c]<", ">[nH]<", ">[c]<", ">1"}));
  EXPECT_EQ(joined(template_of("C/C=C\\C")), "[C]<>/[C]<>=[C]<>\\[C]<>");
  EXPECT_EQ(joined(template_of("[Na+].[Cl-]")), "[Cl-]<>.[Na+]<>");
  EXPECT_EQ(template_of("[Na+].[Cl-]").fragments, 2U);
}

TEST(MakeTemplate, AsGivenKeepsSpellingAndOrder) {
  const Template text_template = template_of("OC(C)%11CC%11", {SmilesStyle::kAsGiven});
  EXPECT_EQ(text_template.smiles, "OC(C)%11CC%11");
  EXPECT_EQ(joined(text_template), "[O]<>[C]<>([C]<>)%11[C]<>[C]<>%11");
  EXPECT_EQ(text_template.atom_of_input, (std::vector<size_t>{0, 1, 2, 3, 4}));
  EXPECT_EQ(joined("C1=CC=CC=C1", SmilesStyle::kAsGiven, DescriptorStyle::kVerbatim),
            "[C]<>1=[C]<>[C]<>=[C]<>[C]<>=[C]<>1");
  EXPECT_EQ(make_template("[H]OC", {SmilesStyle::kAsGiven}).refusal, Refusal::kExplicitHydrogen);
  EXPECT_TRUE(make_template("[H]OC").ok());
}

TEST(MakeTemplate, DescriptorStyles) {
  const std::string smiles = "CC(=O)Nc1c[nH]cc1[C@@H](N)S";
  const Template verbatim = template_of(smiles);
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
}

TEST(MakeTemplate, EqualsTheEncoderAndComesBackAtomByAtom) {
  for (const std::string& smiles : test::test_molecules()) {
    const Molecule molecule = Molecule::from_smiles(smiles);
    for (const SmilesStyle style : {SmilesStyle::kCanonical, SmilesStyle::kAsGiven}) {
      for (const DescriptorStyle descriptors :
           {DescriptorStyle::kVerbatim, DescriptorStyle::kHydrogenCount, DescriptorStyle::kStudy}) {
        const TemplateResult result = make_template(molecule, {style, descriptors});
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
                                     result.text_template.atom_of_input))
            << text;
        EXPECT_EQ(to_input_order(result.text_template, decoded.molecule->coordinates()),
                  coordinates);
        EXPECT_EQ(decoded.molecule->canonical_smiles(), molecule.canonical_smiles()) << text;
      }
    }
    EXPECT_EQ(template_of(smiles).smiles, molecule.canonical_smiles());
  }
}

TEST(MakeTemplate, InventsNothing) {
  for (const char* smiles : {"CC(C)CC(C)C", "C1CCC2CCCCC2C1"}) {
    EXPECT_EQ(joined(template_of(smiles)).find("[CH"), std::string::npos);
  }
  EXPECT_EQ(joined(template_of("CC(=O)O")).find("[OH"), std::string::npos);
  EXPECT_EQ(joined(template_of("CCN")).find("[NH"), std::string::npos);
  EXPECT_EQ(joined(template_of("c1ccccc1")).find("[cH"), std::string::npos);
  EXPECT_EQ(joined(template_of("CC(Cl)Br")).find('@'), std::string::npos);
  EXPECT_NE(joined(template_of("F[C@](Br)(Cl)I")).find('@'), std::string::npos);
  for (const char* kept : {"[NH4+]", "C[NH2+]C", "C[Pt+2]Cl"}) {
    const std::string smiles = Molecule::from_smiles(kept).canonical_smiles();
    const size_t open = smiles.find('[');
    const std::string bracket = smiles.substr(open, smiles.find(']') - open + 1);
    EXPECT_NE(joined(template_of(kept)).find(bracket + "<"), std::string::npos) << kept;
  }
}

TEST(MakeTemplate, RefusalsSayWhy) {
  const auto refusal = [](const std::string& smiles) { return make_template(smiles).refusal; };
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
  EXPECT_EQ(make_template("C%(100)CC%(100)", {SmilesStyle::kAsGiven}).refusal,
            Refusal::kWideRingNumber);
  EXPECT_TRUE(make_template("C%(100)CC%(100)").ok());
  EXPECT_EQ(make_template("C~C").cause, "bond of unusual order between atoms 1 and 2");
  for (const char* smiles : {"N->[Fe]", "C*", "[O]", "C("}) {
    const std::string cause = make_template(smiles).cause;
    EXPECT_FALSE(cause.empty());
    EXPECT_EQ(cause.find('\n'), std::string::npos);
  }
}

TEST(MakeTemplate, SameFromManyThreads) {
  const std::string smiles = test::test_molecules()[23];
  const Molecule shared = Molecule::from_smiles(smiles);
  const Literals expected = template_of(smiles).literals;
  std::vector<int> equal(4, 0);
  std::vector<std::thread> threads;
  for (size_t t = 0; t < equal.size(); ++t) {
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; ++i)
        equal[t] += make_template(shared).text_template.literals == expected;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(equal, std::vector<int>(4, 50));
}

}  // namespace
}  // namespace molgen3d
