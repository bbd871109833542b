#include "molecule/stereo.h"

#include <GraphMol/Substruct/SubstructMatch.h>
#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "molecule/stereo_isomorphism.h"
#include "molecule/test_molecules.h"

namespace molgen3d {
namespace {

Molecule mirrored(const Molecule& molecule) {
  Coordinates coordinates = molecule.coordinates();
  for (Point3& p : coordinates) p.x = -p.x;
  return molecule.with_coordinates(coordinates);
}

/// The coordinates of one isomer on the graph of another that is spelled with the same atom order.
Molecule swapped(const std::string& graph, const std::string& shape) {
  return Molecule::from_smiles(graph).with_coordinates(test::embedded(shape).coordinates());
}

TEST(Stereo, EmbeddedMoleculesMatchAndTheirMirrorsDoNot) {
  size_t centres = 0;
  for (const std::string& smiles : test::test_molecules()) {
    const Molecule plain = Molecule::from_smiles(smiles);
    const Coordinates coordinates = test::embed(plain);
    if (coordinates.empty()) continue;
    const Molecule molecule = plain.with_coordinates(coordinates);
    const StereoVerdict verdict = judge_stereo(molecule);
    EXPECT_TRUE(verdict.all_matched()) << smiles;
    EXPECT_FALSE(verdict.mirror_image);
    centres += verdict.centres.total();
    const StereoVerdict mirror = judge_stereo(mirrored(molecule));
    const bool chiral = verdict.centres.total() > 0 && smiles != "C[C@H]1CC[C@@H](C)CC1";
    EXPECT_EQ(mirror.mirror_image, chiral) << smiles;
    EXPECT_EQ(mirror.centres.mismatched, chiral ? verdict.centres.total() : 0) << smiles;
    EXPECT_EQ(mirror.double_bonds.matched, verdict.double_bonds.total()) << smiles;
  }
  EXPECT_GE(centres, 20U);
}

TEST(Stereo, OneWrongCentreIsNoMirror) {
  const StereoVerdict verdict =
      judge_stereo(swapped("C[C@H](O)[C@H](F)Cl", "C[C@@H](O)[C@H](F)Cl"));
  EXPECT_EQ(verdict.centres.matched, 1U);
  EXPECT_EQ(verdict.centres.mismatched, 1U);
  EXPECT_FALSE(verdict.mirror_image);
}

TEST(Stereo, WrongSideOfADoubleBond) {
  const StereoVerdict verdict = judge_stereo(swapped("C/C=C\\C", "C/C=C/C"));
  EXPECT_EQ(verdict.double_bonds.mismatched, 1U);
  EXPECT_FALSE(verdict.all_matched());
  EXPECT_EQ(judge_stereo(swapped("CC=CC", "C/C=C/C")).double_bonds.total(), 0U);
}

TEST(Stereo, MesoInTheMirrorIsItself) {
  const Molecule meso = test::embedded("O[C@@H](C(=O)O)[C@H](O)C(=O)O");
  EXPECT_TRUE(judge_stereo(meso).all_matched());
  EXPECT_TRUE(judge_stereo(mirrored(meso)).all_matched());
}

TEST(Stereo, FlatOrMissingGeometryDecidesNothing) {
  Molecule molecule = test::embedded("C[C@H](O)N");
  Coordinates flat = molecule.coordinates();
  for (Point3& p : flat) p.z = 0;
  const Molecule planar =
      Molecule::from_smiles("C[C@H](O)N")
          .with_coordinates({{1, 0, 0}, {0, 0, 0}, {-0.5, 0.9, 0}, {-0.5, -0.9, 0}});
  EXPECT_EQ(judge_stereo(planar).centres.undetermined, 1U);
  EXPECT_EQ(judge_stereo(molecule.with_coordinates(Coordinates(4))).centres.undetermined, 1U);
  flat[0].x = NAN;
  EXPECT_EQ(judge_stereo(molecule.with_coordinates(flat)).centres.undetermined, 1U);
  EXPECT_EQ(judge_stereo(Molecule::from_smiles("C/C=C/C").with_coordinates(Coordinates(4)))
                .double_bonds.undetermined,
            1U);
  EXPECT_THROW(judge_stereo(Molecule::from_smiles("C[C@H](O)N")), Error);
}

TEST(Stereo, AgreesWithRdkitsReadingOfTheGeometry) {
  for (const std::string& smiles : test::test_molecules()) {
    const Molecule plain = Molecule::from_smiles(smiles);
    const Coordinates coordinates = test::embed(plain, 11);
    if (coordinates.empty()) continue;
    for (const bool mirror : {false, true}) {
      Molecule molecule = plain.with_coordinates(coordinates);
      if (mirror) molecule = mirrored(molecule);
      RDKit::RWMol perceived(molecule.rdkit());
      RDKit::MolOps::assignChiralTypesFrom3D(perceived);
      size_t different = 0;
      size_t specified = 0;
      for (const RDKit::Atom* atom : molecule.rdkit().atoms()) {
        if (atom->getChiralTag() == RDKit::Atom::CHI_UNSPECIFIED) continue;
        ++specified;
        different +=
            perceived.getAtomWithIdx(atom->getIdx())->getChiralTag() != atom->getChiralTag();
      }
      EXPECT_EQ(different, mirror ? specified : 0) << smiles;
    }
  }
}

/// Two stereoisomers that differ at one or more marks, atoms in the same order.
using Pair = std::pair<const char*, const char*>;

TEST(Stereo, RingIsomersAreToldApart) {
  const std::vector<Pair> pairs = {
      {"C[C@H]1CC[C@@H](C)CC1", "C[C@H]1CC[C@H](C)CC1"},
      {"NC[C@H]1CC[C@H](C(=O)O)CC1", "NC[C@H]1CC[C@@H](C(=O)O)CC1"},
      {"C[C@H]1CC[C@@H](O)CC1", "C[C@H]1CC[C@H](O)CC1"},
      {"C[C@H]1C[C@@H](C)C1", "C[C@H]1C[C@H](C)C1"},
      {"N[C@H]1C[C@@H](O)C1", "N[C@H]1C[C@H](O)C1"},
      {"C[C@H]1CCCC[C@@H]1C", "C[C@@H]1CCCC[C@@H]1C"},
      {"C[C@@H]1CCC[C@H](C)C1", "C[C@H]1CCC[C@H](C)C1"},
      {"C[C@H]1C[C@@H](C)C[C@@H](C)C1", "C[C@H]1C[C@H](C)C[C@@H](C)C1"},
      {"O[C@H]1[C@H](O)[C@@H](O)[C@H](O)[C@@H](O)[C@H]1O",
       "O[C@H]1[C@H](O)[C@H](O)[C@@H](O)[C@H](O)[C@H]1O"},
      {"C[C@H]1CN[C@@H](C)CN1", "C[C@@H]1CN[C@@H](C)CN1"},
      {"C1CC[C@H]2CCCC[C@H]2C1", "C1CC[C@H]2CCCC[C@@H]2C1"},
      {"C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O"},
      // Centres that depend on other centres or on double bonds.
      {"C[C@H](F)[C@H](O)[C@H](F)C", "C[C@H](F)[C@@H](O)[C@H](F)C"},
      {"F/C=C/[C@H](O)/C=C\\F", "F/C=C/[C@@H](O)/C=C\\F"},
      {"C[C@H]1C[C@H](O)C[C@@H](C)C1", "C[C@H]1C[C@@H](O)C[C@@H](C)C1"},
      {"O=C1[C@H](F)CC[C@@H]1F", "O=C1[C@@H](F)CC[C@@H]1F"}};
  for (const auto& [one, other] : pairs) {
    for (const auto& [graph, shape] : {Pair{one, other}, Pair{other, one}}) {
      EXPECT_TRUE(judge_stereo(test::embedded(graph)).all_matched()) << graph;
      const StereoVerdict wrong = judge_stereo(swapped(graph, shape));
      EXPECT_FALSE(wrong.all_matched()) << graph << " with the shape of " << shape;
      EXPECT_GT(wrong.centres.mismatched, 0U) << graph;
      // Centres keep their sense when equal atoms are named the other way.
      const StereoVerdict right = judge_stereo(mirrored(test::embedded(shape)));
      EXPECT_TRUE(right.all_matched() || right.mirror_image) << shape;
    }
  }
}

TEST(Stereo, RelabellingEqualAtomsIsNoOtherIsomer) {
  // A spiro centre without a mark lets each ring turn over by itself: one molecule, two spellings.
  EXPECT_TRUE(judge_stereo(swapped("C[C@H]1CC2(C[C@H](C)C2)C1", "C[C@H]1CC2(C[C@@H](C)C2)C1"))
                  .all_matched());
  // E,Z read from the other end.
  EXPECT_TRUE(judge_stereo(swapped("C/C=C/CC/C=C\\C", "C/C=C\\CC/C=C/C")).all_matched());
  EXPECT_EQ(judge_stereo(swapped("C/C=C/CC/C=C\\C", "C/C=C/CC/C=C/C")).double_bonds.mismatched, 1U);
  // cis-1,4: both marks inverted together.
  EXPECT_TRUE(
      judge_stereo(swapped("C[C@H]1CC[C@@H](O)CC1", "C[C@@H]1CC[C@H](O)CC1")).all_matched());
}

TEST(Stereo, ManyEqualPartsTakeNoTime) {
  const std::string arm = "C(c1ccccc1)(c1ccccc1)OC(C(C)(C)C)(C(F)(F)F)C(C)(C)C";
  const Molecule graph = Molecule::from_smiles("FC(" + arm + ")" + arm);
  StereoMarks wanted{std::vector<int8_t>(graph.atom_count()),
                     std::vector<int8_t>(graph.bond_count())};
  wanted.centres[1] = 1;
  StereoMarks found = wanted;
  EXPECT_TRUE(same_stereoisomer(graph.rdkit(), wanted, found));
  // Two equal arms on the centre: inverted, it is the same.
  found.centres[1] = -1;
  EXPECT_TRUE(same_stereoisomer(graph.rdkit(), wanted, found));
  const Molecule chiral = Molecule::from_smiles("F[C@](Cl)(" + arm + ")" + arm + "O");
  wanted = {std::vector<int8_t>(chiral.atom_count()), std::vector<int8_t>(chiral.bond_count())};
  wanted.centres[1] = 1;
  found = wanted;
  found.centres[1] = -1;
  EXPECT_FALSE(same_stereoisomer(chiral.rdkit(), wanted, found));
}

/// Sign of the permutation that takes the bonds of `atom` to those of its image.
int permutation_sign(const RDKit::ROMol& mol, unsigned atom, const std::vector<unsigned>& image) {
  std::vector<unsigned> here, there;
  for (const auto* n : mol.atomNeighbors(mol.getAtomWithIdx(atom)))
    here.push_back(image[n->getIdx()]);
  for (const auto* n : mol.atomNeighbors(mol.getAtomWithIdx(image[atom])))
    there.push_back(n->getIdx());
  int sign = 1;
  for (size_t i = 0; i < here.size(); ++i) {
    for (size_t j = i; j < here.size(); ++j) {
      if (here[j] != there[i]) continue;
      if (i != j) sign = -sign;
      std::swap(here[i], here[j]);
      break;
    }
  }
  return sign;
}

TEST(Stereo, IsomorphismIsThatOfAllAutomorphisms) {
  size_t same = 0;
  size_t different = 0;
  for (const char* smiles :
       {"C[C@H]1CC[C@@H](C)CC1", "O[C@H]1[C@H](O)[C@@H](O)[C@H](O)[C@@H](O)[C@H]1O",
        "C1CC[C@H]2CCCC[C@H]2C1", "C[C@H]1C[C@@H](C)C[C@@H](C)C1", "F[C@H]1C[C@]2(C1)C[C@H](F)C2",
        "C[C@H](F)[C@H](O)[C@H](F)C", "OC(=O)[C@H](O)[C@@H](O)C(=O)O", "C[C@H]1CN[C@@H](C)CN1",
        "C[C@H](F)c1cc([C@H](C)F)cc([C@@H](C)F)c1", "C[C@H](F)O.C[C@@H](F)O"}) {
    const Molecule molecule = Molecule::from_smiles(smiles);
    const RDKit::ROMol& mol = molecule.rdkit();
    StereoMarks wanted{std::vector<int8_t>(mol.getNumAtoms()),
                       std::vector<int8_t>(mol.getNumBonds())};
    std::vector<unsigned> centres;
    for (const auto* atom : mol.atoms()) {
      if (atom->getChiralTag() == RDKit::Atom::CHI_UNSPECIFIED) continue;
      centres.push_back(atom->getIdx());
      wanted.centres[atom->getIdx()] =
          atom->getChiralTag() == RDKit::Atom::CHI_TETRAHEDRAL_CW ? 1 : -1;
    }
    RDKit::SubstructMatchParameters all;
    all.uniquify = false;
    const auto maps = RDKit::SubstructMatch(mol, mol, all);
    for (unsigned flips = 0; flips < 1U << centres.size(); ++flips) {
      StereoMarks found = wanted;
      for (size_t i = 0; i < centres.size(); ++i) {
        if (flips >> i & 1U) found.centres[centres[i]] *= -1;
      }
      bool expected = false;
      for (const auto& map : maps) {
        std::vector<unsigned> image(mol.getNumAtoms());
        for (const auto& [from, to] : map) image[from] = static_cast<unsigned>(to);
        bool agrees = true;
        for (const unsigned c : centres) {
          agrees &= wanted.centres[c] * permutation_sign(mol, c, image) == found.centres[image[c]];
        }
        expected |= agrees;
      }
      EXPECT_EQ(same_stereoisomer(mol, wanted, found), expected) << smiles << " " << flips;
      ++(expected ? same : different);
    }
  }
  EXPECT_GT(same, 20U);
  EXPECT_GT(different, 50U);
}

}  // namespace
}  // namespace molgen3d
