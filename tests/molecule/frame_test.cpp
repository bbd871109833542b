#include "molecule/frame.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "base/error.h"
#include "molecule/stereo.h"
#include "test_molecules.h"

namespace molgen3d {
namespace {

double distance(const Point3& a, const Point3& b) {
  return std::hypot(a.x - b.x, a.y - b.y, a.z - b.z);
}

/// Signed volume of the first four atoms that span one; a mirror turns its sign.
double handedness(const Coordinates& c) {
  for (size_t i = 3; i < c.size(); ++i) {
    const auto minus = [&](size_t k) {
      return Point3{c[k].x - c[0].x, c[k].y - c[0].y, c[k].z - c[0].z};
    };
    const Point3 a = minus(i - 2), b = minus(i - 1), d = minus(i);
    const double volume = a.x * (b.y * d.z - b.z * d.y) - a.y * (b.x * d.z - b.z * d.x) +
                          a.z * (b.x * d.y - b.y * d.x);
    if (std::abs(volume) > 0.1) return volume;
  }
  return 0;
}

void expect_rigid(const Coordinates& before, const Coordinates& after) {
  ASSERT_EQ(before.size(), after.size());
  for (size_t i = 0; i < before.size(); ++i) {
    for (size_t k = 0; k < i; ++k) {
      EXPECT_NEAR(distance(before[i], before[k]), distance(after[i], after[k]), 1e-9);
    }
  }
  EXPECT_NEAR(handedness(before), handedness(after), 1e-9);
}

void expect_centred(const Coordinates& c) {
  Point3 sum;
  for (const Point3& p : c) sum = {sum.x + p.x, sum.y + p.y, sum.z + p.z};
  EXPECT_LT(std::hypot(sum.x, sum.y, sum.z), 1e-9 * static_cast<double>(c.size()));
}

TEST(Frame, EveryFrameIsRigidAndKeepsStereo) {
  for (const std::string& smiles : test::test_molecules()) {
    const Molecule molecule = Molecule::from_smiles(smiles);
    const Coordinates raw = test::embed(molecule);
    if (raw.empty()) continue;
    for (const Frame frame : {Frame::kPrincipal, Frame::kCentred, Frame::kRandom, Frame::kRaw}) {
      SCOPED_TRACE(smiles + " " + frame_name(frame));
      const Coordinates moved = in_frame(raw, frame, 3);
      expect_rigid(raw, moved);
      if (frame != Frame::kRaw) expect_centred(moved);
      const StereoVerdict before = judge_stereo(molecule.with_coordinates(raw));
      const StereoVerdict after = judge_stereo(molecule.with_coordinates(moved));
      EXPECT_EQ(before.centres.matched, after.centres.matched);
      EXPECT_EQ(before.double_bonds.matched, after.double_bonds.matched);
    }
  }
}

TEST(Frame, PrincipalAxesAreSortedUncorrelatedAndSigned) {
  const Molecule molecule = Molecule::from_smiles("CC(C)(C)OC(=O)NCCCC[C@H](N)C(=O)O");
  const Coordinates c = in_frame(test::embed(molecule), Frame::kPrincipal);
  double m[3][3] = {};
  for (const Point3& p : c) {
    const double v[3] = {p.x, p.y, p.z};
    for (int i = 0; i < 3; ++i) {
      for (int k = 0; k < 3; ++k) m[i][k] += v[i] * v[k];
    }
  }
  EXPECT_GT(m[0][0], m[1][1]);
  EXPECT_GT(m[1][1], m[2][2]);
  for (const auto& [i, k] : {std::pair{0, 1}, {0, 2}, {1, 2}}) EXPECT_NEAR(m[i][k], 0, 1e-9);
  for (double Point3::*axis : {&Point3::x, &Point3::y}) {
    for (const Point3& p : c) {
      if (std::abs(p.*axis) <= 0.05) continue;
      EXPECT_GT(p.*axis, 0);
      break;
    }
  }
}

TEST(Frame, PrincipalDoesNotDependOnTheInputFrame) {
  const Molecule molecule = Molecule::from_smiles("C[C@H](N)C(=O)NCc1ccncc1");
  const Coordinates raw = test::embed(molecule);
  const Coordinates wanted = in_frame(raw, Frame::kPrincipal);
  for (uint64_t seed = 0; seed < 50; ++seed) {
    Coordinates turned = in_frame(raw, Frame::kRandom, seed);
    for (Point3& p : turned) p = {p.x + 5, p.y - 3, p.z + 100};
    const Coordinates back = in_frame(turned, Frame::kPrincipal);
    for (size_t i = 0; i < wanted.size(); ++i) EXPECT_LT(distance(wanted[i], back[i]), 1e-9);
  }
}

TEST(Frame, DegenerateShapes) {
  const std::vector<Coordinates> shapes = {
      {{1, 2, 3}},                                                    // one atom
      {{1, 1, 1}, {2, 3, 4}},                                         // two
      {{0, 0, 0}, {0, 0, 1.2}, {0, 0, 2.4}, {0, 0, -1.2}},            // on a line
      {{1, 0, 0}, {0, 1, 0}, {-1, 0, 0}, {0, -1, 0}},                 // a square: two equal axes
      {{1, 1, 1}, {-1, -1, 1}, {-1, 1, -1}, {1, -1, -1}, {0, 0, 0}},  // a tetrahedron: all equal
      {{2, 2, 2}, {2, 2, 2}},                                         // one place
  };
  for (const Coordinates& shape : shapes) {
    for (const Frame frame : {Frame::kPrincipal, Frame::kRandom, Frame::kCentred}) {
      const Coordinates moved = in_frame(shape, frame, 9);
      expect_rigid(shape, moved);
      expect_centred(moved);
      EXPECT_EQ(moved, in_frame(shape, frame, 9));
    }
  }
  const Coordinates line = in_frame(shapes[2], Frame::kPrincipal);
  for (const Point3& p : line) EXPECT_LT(std::hypot(p.y, p.z), 1e-9);
  EXPECT_GT(line[0].x, -0.7);
  EXPECT_EQ(in_frame({}, Frame::kPrincipal), Coordinates());
}

TEST(Frame, RandomRotationsAreUniform) {
  // The image of an axis is uniform on the sphere: its components have mean 0, mean square 1/3, and
  // the image of the second axis around it is uniform too (mean of its x given the first is 0).
  constexpr int kTurns = 20000;
  double mean[3] = {}, square[3] = {}, second = 0;
  for (uint64_t seed = 0; seed < kTurns; ++seed) {
    const Coordinates c =
        in_frame({{1, 0, 0}, {-1, 0, 0}, {0, 1, 0}, {0, -1, 0}}, Frame::kRandom, seed);
    const double v[3] = {c[0].x, c[0].y, c[0].z};
    for (int i = 0; i < 3; ++i) mean[i] += v[i] / kTurns, square[i] += v[i] * v[i] / kTurns;
    second += c[2].x / kTurns;
  }
  const double error = 4 / std::sqrt(static_cast<double>(kTurns));
  for (int i = 0; i < 3; ++i) {
    EXPECT_NEAR(mean[i], 0, error / std::sqrt(3.0));
    EXPECT_NEAR(square[i], 1.0 / 3, error * 0.3);
  }
  EXPECT_NEAR(second, 0, error / std::sqrt(3.0));
}

TEST(Frame, Names) {
  for (const Frame frame : {Frame::kPrincipal, Frame::kCentred, Frame::kRandom, Frame::kRaw}) {
    EXPECT_EQ(frame_of_name(frame_name(frame)), frame);
  }
  EXPECT_THROW(frame_of_name("inertial"), Error);
}

}  // namespace
}  // namespace molgen3d
