#include "geometry/demand.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace molgen3d::geometry {
namespace {

TEST(Demand, WordsComeBack) {
  for (const char* words : {"off", "stereo", "full", "posebusters", "stereo+bonds",
                            "stereo+angles+planes", "stereo+bonds+angles+clashes"}) {
    EXPECT_EQ(demand_name(demand_of(words)), words);
  }
  EXPECT_EQ(demand_name(demand_of("stereo+planes+clashes+angles+bonds")), "full");
  EXPECT_EQ(demand_of("posebusters").level, Level::kFull);
  EXPECT_FALSE(demand_of("off").any());
}

TEST(Demand, OtherWordsAreNamed) {
  for (const char* words : {"", "Full", "stereo+", "stereo+bond", "full+bonds", "stereo++bonds",
                            "off+bonds", "posebusters+bonds"}) {
    try {
      demand_of(words);
      FAIL() << words;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(std::string("\"") + words + "\""), std::string::npos)
          << error.what();
    }
  }
}

TEST(Demand, PartsThatAreNotAskedForHaveNoLimits) {
  HardSetTables all;
  all.atoms = 4;
  all.pairs = {{1000, 2000, Relation::kBond},  {2000, 3000, Relation::kAngle},
               {2200, 5000, Relation::kFar},   {1000, 2000, Relation::kBond},
               {2000, 3000, Relation::kAngle}, {2200, 5000, Relation::kFar}};
  all.planes.push_back({0, 4, 250, false});
  all.plane_atoms = {0, 1, 2, 3};

  HardSetTables tables = all;
  relax(tables, demand_of("stereo+bonds"));
  EXPECT_EQ(tables.pairs[0].low, 1000U);
  EXPECT_EQ(tables.pairs[1].low, 0U);
  EXPECT_EQ(tables.pairs[1].high, PairLimit::kNoLimit);
  EXPECT_EQ(tables.pairs[2].low, 0U);
  EXPECT_EQ(tables.pairs[2].high, 5000U);  // rings close
  EXPECT_TRUE(tables.planes.empty());

  tables = all;
  relax(tables, demand_of("stereo+angles+clashes+planes"));
  EXPECT_EQ(tables.pairs[0].low, 0U);
  EXPECT_EQ(tables.pairs[0].high, PairLimit::kNoLimit);
  EXPECT_EQ(tables.pairs[1].high, 3000U);
  EXPECT_EQ(tables.pairs[2].low, 2200U);
  EXPECT_EQ(tables.pairs[2].high, PairLimit::kNoLimit);
  EXPECT_EQ(tables.planes.size(), 1U);

  tables = all;
  relax(tables, demand_of("full"));
  for (size_t i = 0; i < all.pairs.size(); ++i)
    EXPECT_EQ(pack(tables.pairs[i]), pack(all.pairs[i]));
}

}  // namespace
}  // namespace molgen3d::geometry
