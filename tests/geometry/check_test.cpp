// The conditions of the hard set, each by itself.
#include "geometry/check.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

namespace molgen3d::geometry {
namespace {

Position at(double x, double y, double z) {
  const auto units = [](double v) { return static_cast<int32_t>(std::lround(v * kUnits)); };
  return {units(x), units(y), units(z)};
}

/// Tables of `atoms` atoms without any limit.
HardSetTables tables_of(int atoms) {
  HardSetTables tables;
  tables.atoms = atoms;
  tables.pairs.resize(static_cast<size_t>(atoms) * static_cast<size_t>(atoms - 1) / 2);
  tables.earlier.resize(static_cast<size_t>(atoms));
  return tables;
}

Fault first_fault(const HardSetTables& tables, const std::vector<Position>& places) {
  const HardSet set = make_hard_set(tables);
  return first_fault(set.view(), places.data(), set.view().full());
}

TEST(PairLimits, PackLosesNothing) {
  for (const PairLimit limit : {PairLimit{}, PairLimit{1234, 2345, Relation::kBond},
                                PairLimit{0, 0x7FFE, Relation::kAngle}}) {
    const PairLimit back = unpack(pack(limit));
    EXPECT_EQ(back.low, limit.low);
    EXPECT_EQ(back.high, limit.high);
    EXPECT_EQ(back.relation, limit.relation);
  }
}

TEST(PairLimits, AreClosedIntervalsAndNameTheirKind) {
  HardSetTables tables = tables_of(2);
  tables.pairs[0] = {1300, 1700, Relation::kBond};
  EXPECT_EQ(first_fault(tables, {at(0, 0, 0), at(1.3, 0, 0)}), Fault::kNone);
  EXPECT_EQ(first_fault(tables, {at(0, 0, 0), at(1.7, 0, 0)}), Fault::kNone);
  EXPECT_EQ(first_fault(tables, {at(0, 0, 0), at(1.2999, 0, 0)}), Fault::kBond);
  EXPECT_EQ(first_fault(tables, {at(0, 0, 0), at(1.7001, 0, 0)}), Fault::kBond);
  tables.pairs[0].relation = Relation::kAngle;
  EXPECT_EQ(first_fault(tables, {at(0, 0, 0), at(1.8, 0, 0)}), Fault::kAngle);
  tables.pairs[0].relation = Relation::kFar;
  EXPECT_EQ(first_fault(tables, {at(0, 0, 0), at(1, 0, 0)}), Fault::kClash);
  EXPECT_EQ(first_fault(tables, {at(0, 0, 0), at(2, 0, 0)}), Fault::kReach);
  tables.level = Level::kStereo;
  EXPECT_EQ(first_fault(tables, {at(0, 0, 0), at(9, 0, 0)}), Fault::kNone);
}

const std::vector<Position> kCentre = {at(0, 0, 0), at(1.5, 0, 0.3), at(-0.75, 1.3, 0.3),
                                       at(-0.75, -1.3, 0.3)};

TEST(Hands, TheMirrorImageIsWrongAndAFlatCentreIsNone) {
  HardSetTables tables = tables_of(4);
  tables.hands.push_back({0, {1, 2, 3}, 1, 350, -1});
  std::vector<Position> mirror = kCentre, flat = kCentre;
  for (Position& p : mirror) p.z = -p.z;
  for (Position& p : flat) p.z = 0;
  EXPECT_EQ(first_fault(tables, kCentre), Fault::kNone);
  EXPECT_EQ(first_fault(tables, mirror), Fault::kHand);
  EXPECT_EQ(first_fault(tables, flat), Fault::kHand);
  tables.hands[0].sign = -1;
  EXPECT_EQ(first_fault(tables, mirror), Fault::kNone);
}

TEST(Hands, OfAFreeGroupFollowItsReference) {
  HardSetTables tables = tables_of(8);
  tables.hands.push_back({0, {1, 2, 3}, 1, 350, 0});
  tables.hands.push_back({4, {5, 6, 7}, -1, 350, 0});
  std::vector<Position> places = kCentre;
  for (const Position& p : kCentre) places.push_back({p.x + 50000, p.y, -p.z});
  EXPECT_EQ(first_fault(tables, places), Fault::kNone);
  std::vector<Position> mirror = places;
  for (Position& p : mirror) p.z = -p.z;
  EXPECT_EQ(first_fault(tables, mirror), Fault::kNone) << "either hand of the whole group";
  for (size_t i = 4; i < 8; ++i) places[i].z = -places[i].z;
  EXPECT_EQ(first_fault(tables, places), Fault::kHand) << "but not of a part of it";
}

TEST(BondSides, FortyFiveDegreesAroundCisAndTrans) {
  HardSetTables tables = tables_of(4);
  tables.sides.push_back({1, 2, 0, 3, 1});
  const auto turned = [](double degrees) {
    const double a = degrees * 3.14159265358979 / 180;
    return std::vector<Position>{at(-0.7, 1.2, 0), at(0, 0, 0), at(1.33, 0, 0),
                                 at(2.03, 1.2 * std::cos(a), 1.2 * std::sin(a))};
  };
  EXPECT_EQ(first_fault(tables, turned(44)), Fault::kNone);
  EXPECT_EQ(first_fault(tables, turned(46)), Fault::kSide);
  EXPECT_EQ(first_fault(tables, turned(180)), Fault::kSide);
  tables.sides[0].sign = -1;
  EXPECT_EQ(first_fault(tables, turned(180)), Fault::kNone);
  EXPECT_EQ(first_fault(tables, turned(130)), Fault::kSide);
}

TEST(BondSides, AStraightEndHasNoSide) {
  HardSetTables tables = tables_of(4);
  tables.sides.push_back({1, 2, 0, 3, 1});
  const auto bent = [](double degrees) {
    const double a = degrees * 3.14159265358979 / 180;
    return std::vector<Position>{at(-0.7, 1.2, 0), at(0, 0, 0), at(1.33, 0, 0),
                                 at(1.33 + 1.4 * std::cos(a), 1.4 * std::sin(a), 0)};
  };
  EXPECT_EQ(first_fault(tables, bent(21)), Fault::kNone);
  EXPECT_EQ(first_fault(tables, bent(19)), Fault::kSide);
  EXPECT_EQ(first_fault(tables, bent(1)), Fault::kSide);
}

TEST(Planes, OffPlaneIsTheDistanceFromTheBestPlane) {
  // Four corners of a square, alternately 0.1 A above and below: the plane is z = 0.
  const std::vector<Position> square = {at(1, 1, 0.1), at(-1, 1, -0.1), at(-1, -1, 0.1),
                                        at(1, -1, -0.1)};
  const int32_t atoms[] = {0, 1, 2, 3};
  EXPECT_NEAR(off_plane(atoms, 4, square.data()), 0.1 * kUnits, 1e-6);
  // The same, turned and moved.
  std::vector<Position> moved;
  for (const Position& p : square) moved.push_back({p.z + 70000, p.x - 5, p.y + 123});
  EXPECT_NEAR(off_plane(atoms, 4, moved.data()), 0.1 * kUnits, 1e-6);
}

TEST(Planes, FlatAtMostAndPuckeredAtLeast) {
  HardSetTables tables = tables_of(4);
  tables.plane_atoms = {0, 1, 2, 3};
  const std::vector<Position> square = {at(1, 1, 0.1), at(-1, 1, -0.1), at(-1, -1, 0.1),
                                        at(1, -1, -0.1)};
  tables.planes = {{0, 4, 101, 0}};
  EXPECT_EQ(first_fault(tables, square), Fault::kNone);
  tables.planes = {{0, 4, 99, 0}};
  EXPECT_EQ(first_fault(tables, square), Fault::kPlane);
  tables.planes = {{0, 4, 99, 1}};
  EXPECT_EQ(first_fault(tables, square), Fault::kNone);
  tables.planes = {{0, 4, 101, 1}};
  EXPECT_EQ(first_fault(tables, square), Fault::kPlane);
}

}  // namespace
}  // namespace molgen3d::geometry
