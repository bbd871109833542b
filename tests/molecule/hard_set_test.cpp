// The hard set of single molecules; hard_set_data_test.cpp has the real structures.
#include "molecule/hard_set.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "geometry/check.h"
#include "molecule/make_template.h"

namespace molgen3d {
namespace {

geometry::HardSet set_of(const std::string& smiles, const geometry::Demand& demand) {
  const Molecule molecule = Molecule::from_smiles(smiles);
  const TemplateResult result = make_template(molecule);
  EXPECT_TRUE(result.ok()) << result.cause;
  return hard_set_of(molecule, result.text_template, demand);
}

bool embedded(const geometry::HardSet& set) {
  const geometry::Position* places = set.view().embedding();
  return places != nullptr &&
         geometry::first_fault(set.view(), places, true) == geometry::Fault::kNone;
}

uint32_t low(const geometry::HardSet& set, int later, int earlier) {
  return geometry::unpack(set.view().pairs(later)[earlier]).low;
}

TEST(HardSet, EveryEmbeddingSatisfiesIt) {
  for (const char* smiles : {"C[C@H](N)C(=O)O", "C/C=C/C=C/C(C)=C/C", "C1CC1(F)Cl", "O=C1CCCCCN1",
                             // Not by the projection: naphthalenes that hold each other.
                             "O=C(O)c1cc2ccccc2c(Cc2c(O)c(C(=O)O)cc3ccccc23)c1O"}) {
    EXPECT_TRUE(embedded(set_of(smiles, geometry::Level::kFull))) << smiles;
  }
}

// Atoms four bonds apart across an ester: RDKit's bounds assume trans.
TEST(HardSet, PoseBustersSparesNoEster) {
  const std::string ester = "CCC(=O)OC";
  const auto full = set_of(ester, geometry::demand_of("full"));
  const auto strict = set_of(ester, geometry::demand_of("posebusters"));
  EXPECT_LT(low(full, 5, 1), low(strict, 5, 1));
  EXPECT_EQ(low(full, 1, 0), low(strict, 1, 0));
}

TEST(HardSet, CentresOfFourHaveHandsAtThemselves) {
  const auto hands = [](const std::string& smiles) {
    const auto set = set_of(smiles, geometry::Level::kFull);
    std::vector<int32_t> least;
    for (int k = 0; k < set.view().hand_begin(set.view().atoms()); ++k)
      least.push_back(set.view().hand(k).least);
    return least;
  };
  EXPECT_EQ(hands("N[C@](F)(Cl)Br"), (std::vector<int32_t>{350, 350, 350, 350, 350}));
  const std::vector<int32_t> small = hands("F[C@]1(Cl)CC1(C)C");
  EXPECT_EQ(std::count(small.begin(), small.end(), 200), 4);
}

TEST(HardSet, SidesAreNotStraight) {
  const auto bent = set_of("C/C=C/C", geometry::Level::kFull);
  const auto any = set_of("CC=CC", geometry::Level::kFull);
  const auto high = [](const geometry::HardSet& set) {
    return geometry::unpack(set.view().pairs(2)[0]).high;
  };
  EXPECT_LT(high(bent), high(any));
}

}  // namespace
}  // namespace molgen3d
