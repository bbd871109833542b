// What a SMILES says beside structure: characters of other scripts, labels, extensions, stereo that
// RDKit does not see.
#include <GraphMol/SmilesParse/SmilesWrite.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "molecule/cxsmiles.h"
#include "molecule/enriched.h"
#include "molecule/graph_key.h"
#include "molecule/reader.h"
#include "molecule/stereo.h"
#include "molecule/test_molecules.h"

namespace molgen3d {
namespace {

std::string error_of(const std::string& smiles) {
  try {
    Molecule::from_smiles(smiles);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

TEST(SmilesCharacters, OutsideAsciiIsRefusedWithColumnAndCodePoint) {
  const auto cause = [](const std::string& smiles) {
    const std::string text = error_of(smiles);
    return text.substr(text.rfind(": ") + 2);
  };
  EXPECT_EQ(cause("C\u2013C"), "U+2013 at column 2 is no SMILES character");
  EXPECT_EQ(cause("N\u2261N"), "U+2261 at column 2 is no SMILES character");
  EXPECT_EQ(cause("C\uFF1DO"), "U+FF1D at column 2 is no SMILES character");
  EXPECT_EQ(cause("C1=CC=C(C=C1)\u200BC(=O)O"), "U+200B at column 14 is no SMILES character");
  EXPECT_EQ(cause("CC\u00A0name"), "U+00A0 at column 3 is no SMILES character");
  EXPECT_EQ(cause("[C\U0001F600]"), "U+1F600 at column 3 is no SMILES character");
  EXPECT_EQ(cause("CC\x96"), "byte 0x96 at column 3 is no SMILES character");
  EXPECT_EQ(cause("CC\x01"), "U+0001 at column 3 is no SMILES character");
  EXPECT_EQ(Molecule::from_smiles("CCO", "na\u00EFve").title(), "na\u00EFve");
  EXPECT_EQ(make_template("C\u2013C").refusal, Refusal::kUnparsable);
  EXPECT_FALSE(same_molecular_graph("N", "N\u2261N"));
  const DecodeResult decoded = decode_enriched("[N\u2261]<0,0,0>", DecodeLevel::kLenient);
  EXPECT_FALSE(decoded.molecule);
  EXPECT_TRUE(decoded.error.starts_with("Failed to parse rebuilt SMILES: ")) << decoded.error;
}

TEST(Labels, AreNoStructure) {
  const std::vector<std::pair<const char*, const char*>> pairs = {
      {"[cH:1]1[cH:2][cH:3][cH:4][cH:5][c:6]1[C:7](=[O:8])[NH:9][CH2:10][CH2:11][O:12][CH3:13]",
       "c1ccccc1C(=O)NCCOC"},
      {"[CH3:1][CH2:2][OH:3]", "CCO"},
      {"[13CH3]CO", "CCO"},
      {"CC(=O)Nc1c([2H])c([2H])c(O)c([2H])c1[2H]", "CC(=O)Nc1ccc(O)cc1"},
      {"[3H]OC([2H])([2H])[2H]", "CO"},
      {"F[C@](Cl)(Br)[2H]", "F[C@](Cl)(Br)[H]"},
      {"[2H][C@@](F)(Cl)Br", "[H][C@@](F)(Cl)Br"},
      {"[2H][C@H](C)O", "CCO"},
      {"[2H]/C(C)=C(\\F)C", "[H]/C(C)=C(\\F)C"},
      {"[13CH3][C@@H:7]([15NH2])C(=O)[O-:3]", "C[C@@H](N)C(=O)[O-]"},
      {"[CH3:1]/[CH:2]=[CH:3]/[13CH3]", "C/C=C/C"},
      {"c1c[15nH:4]cc1", "c1c[nH]cc1"},
      {"[2H][2H]", "[H][H]"},
      {"[2H]O[2H]", "O"}};
  for (const auto& [labelled, plain] : pairs) {
    const Molecule a = Molecule::from_smiles(labelled);
    const Molecule b = Molecule::from_smiles(plain);
    EXPECT_EQ(a.canonical_smiles(), b.canonical_smiles()) << labelled;
    EXPECT_EQ(graph_key(a), graph_key(b)) << labelled;
    EXPECT_EQ(make_template(a).text_template.smiles, make_template(b).text_template.smiles)
        << labelled;
    EXPECT_EQ(make_template(a).text_template.literals, make_template(b).text_template.literals)
        << labelled;
    EXPECT_TRUE(same_molecular_graph(labelled, plain)) << labelled;
  }
  EXPECT_EQ(Molecule::from_smiles("[CH3:1][CH2:2][OH:3]").typed_smiles(), "CCO");
  EXPECT_EQ(Molecule::from_smiles("[CH3:1][C@@H:2](F)[NH3+:3]").typed_smiles(), "C[C@@H](F)[NH3+]");
  EXPECT_EQ(Molecule::from_smiles("C[CH3]").typed_smiles(), "C[CH3]");  // no label: as typed
}

TEST(Labels, StayWithTheirAtoms) {
  const Molecule molecule = Molecule::from_smiles("[13CH3:5]C([2H])([3H:8])[OH:7]");
  ASSERT_EQ(molecule.atom_count(), 3U);
  EXPECT_EQ(molecule.label(0), (AtomLabel{13, 5}));
  EXPECT_EQ(molecule.label(1), AtomLabel{});
  EXPECT_EQ(molecule.label(2), (AtomLabel{0, 7}));
  EXPECT_EQ(molecule.hydrogen_labels(1), (std::vector<AtomLabel>{{2, 0}, {3, 8}}));
  EXPECT_TRUE(molecule.hydrogen_labels(0).empty());
  EXPECT_EQ(molecule.with_coordinates(Coordinates(3)).label(0).isotope, 13);
}

TEST(Cxsmiles, IsSplitFromTheTitle) {
  const auto parts = [](std::string_view text) {
    const SmilesField field = split_smiles_field(text);
    return std::vector<std::string>{std::string(field.smiles), std::string(field.extension),
                                    std::string(field.title)};
  };
  using Parts = std::vector<std::string>;
  EXPECT_EQ(parts("CCO |&1:1,4,r| F1 x "), (Parts{"CCO", "|&1:1,4,r|", "F1 x"}));
  EXPECT_EQ(parts(" CCO\tF2"), (Parts{"CCO", "", "F2"}));
  EXPECT_EQ(parts("CCO |&1:1|"), (Parts{"CCO", "|&1:1|", ""}));
  EXPECT_EQ(parts("CCO |open"), (Parts{"CCO", "", "|open"}));
  EXPECT_EQ(parts("CCO a |b|"), (Parts{"CCO", "", "a |b|"}));
  for (const auto& [text, name] :
       {std::pair{"CCO |&1:1| F1\n", "x.smi"}, {"smiles\nCCO |&1:1| F1\n", "x.csv"}}) {
    RecordReader reader = RecordReader::from_text(text, name);
    InputRecord record;
    ASSERT_TRUE(reader.next(record));
    EXPECT_EQ(record.smiles, "CCO |&1:1|") << name;
    EXPECT_EQ(record.title, "F1") << name;
    EXPECT_EQ(molecule_of(record).canonical_smiles(), "CCO");
    EXPECT_EQ(molecule_of(record).notes().size(), 1U);
  }
  EXPECT_EQ(Molecule::from_smiles("CCO |r| from the field").title(), "from the field");
}

TEST(Cxsmiles, FeaturesAreCarriedNamedOrRefused) {
  EXPECT_EQ(Molecule::from_smiles("CC |^1:1| ethyl").canonical_smiles(), "[CH2]C");
  EXPECT_EQ(Molecule::from_smiles("CC |^1:1|").typed_smiles(), "");
  EXPECT_TRUE(make_template(Molecule::from_smiles("CC |^1:1|")).ok());
  EXPECT_NE(error_of("CC |^1:7|"), "no error");
  const auto notes = [](const std::string& text) { return Molecule::from_smiles(text).notes(); };
  const auto named =
      notes("C[C@@H]1CC[C@@H](O1)C(=O)N2CCC=C(F)C2 |(1,2,;3,4,),&1:1,4,r,$;;R$,what:3,^1:2|");
  ASSERT_EQ(named.size(), 5U);
  EXPECT_EQ(named[0].substr(0, 22), "CXSMILES \"(1,2,;3,4,)\"");
  EXPECT_EQ(named[1],
            "CXSMILES \"&1:1,4\": stereo group (both isomers); the isomer as drawn stands for it");
  EXPECT_EQ(named[3], "CXSMILES \"$;;R$\": atom labels; left out");
  EXPECT_EQ(named[4], "CXSMILES \"what:3\": unknown feature; left out");
  EXPECT_TRUE(notes("CCO ||").empty());
  EXPECT_NE(error_of("[Fe].C |C:1.0|").find("coordinate bond cannot be carried"),
            std::string::npos);
  EXPECT_NE(error_of("CC |Sg:n:0:n:ht|").find("polymer"), std::string::npos);
}

TEST(LostStereo, IsNamedByTheTypedAtoms) {
  const auto lost = [](const std::string& smiles) {
    std::string all;
    for (const std::string& what : unjudged_stereo(Molecule::from_smiles(smiles)))
      all += (all.empty() ? "" : "; ") + what;
    return all;
  };
  EXPECT_EQ(lost("FC(Cl)=[C@]=C(Br)I"), "allene at atom 4");
  EXPECT_EQ(lost("FC(Cl)=[C@AL2]=C(Br)I"), "allene at atom 4");
  EXPECT_EQ(lost("F/C=C=C=C/F"), "cumulene of atoms 2 to 5");
  EXPECT_EQ(lost("Cl[Pt@SP1](Cl)([NH3+])[NH3+]"), "square planar centre at atom 2");
  EXPECT_EQ(lost("O[Co@OH5](Cl)(C)(N)(F)P"), "octahedral centre at atom 2");
  EXPECT_EQ(lost("S[As@TB3](F)(Cl)(Br)N"), "trigonal bipyramidal centre at atom 2");
  EXPECT_EQ(lost("F/C=C1\\CC[C@H](F)CC1"), "centre at atom 6; double bond of atoms 2 and 3");
  EXPECT_EQ(lost("C[C@H](C)C"), "centre at atom 2");
  for (const char* kept :
       {"C/C=C/C", "F/C=C/C=C\\F", "[H]/C(=C1/S/C(=N\\c2ccccc2)N(C)C1=O)c1ccccc1",
        "C[C@H]1CC[C@@H](C)CC1", "C1CC/C=C/CCC1", "C/C=C/CC/C=C\\C", "F/C=C"}) {
    EXPECT_EQ(lost(kept), "") << kept;
  }
}

}  // namespace
}  // namespace molgen3d
