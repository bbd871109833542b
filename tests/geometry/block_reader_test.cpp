// Tokens of an answer, read into positions.
#include "geometry/block_reader.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "geometry/candidates.h"

namespace molgen3d::geometry {
namespace {

/// The text of one token, as token_texts() packs it.
TokenText packed(const std::string& bytes) {
  const std::string codes = "0123456789.,-<>";
  TokenText text = 0;
  int count = 0;
  for (const char c : bytes) {
    const size_t code = codes.find(c);
    if (code != std::string::npos) text |= static_cast<TokenText>(code) << (4 + 4 * count++);
  }
  return text | static_cast<TokenText>(count);
}

struct Read {
  ReaderState state;
  int closed = 0, z_begun = 0;
};
Read read(const std::vector<std::string>& tokens, const NumberText& numbers = {}) {
  Read out;
  for (const std::string& token : tokens) {
    const ReadEvents events = read_token(out.state, packed(token), numbers);
    out.closed += events.closed;
    out.z_begun += events.z_begun;
  }
  return out;
}

TEST(BlockReader, UnitsOfEveryKindOfNumber) {
  const Read r =
      read({"[C]<-", "1", "2", ".", "5", ",", "0", ".", "0", "0", "0", "1", ",-", "3", ">["});
  EXPECT_EQ(r.closed, 1);
  EXPECT_EQ(r.z_begun, 1);
  EXPECT_EQ(r.state.value[0], -125000);
  EXPECT_EQ(r.state.value[1], 1);
  EXPECT_EQ(r.state.value[2], -30000);
}

TEST(BlockReader, TokensOfSeveralCharactersReadTheSame) {
  const Read one = read({"<", "1", "0", ".", "2", "5", ",", "-", "0", ".", "7", ",", "4", ">"});
  const Read many = read({"<10", ".25", ",-0.7,", "4>"});
  for (int axis = 0; axis < 3; ++axis) EXPECT_EQ(one.state.value[axis], many.state.value[axis]);
  EXPECT_EQ(many.closed, 1);
  EXPECT_EQ(one.state.value[1], -7000);
}

TEST(BlockReader, TextOutsideBlocksSaysNothing) {
  EXPECT_EQ(read({"[13C]", "-", "1", ".", "(", ")"}).state.digits, 0);
}

TEST(MayBecome, KnowsWhatPrefixesCanStillBe) {
  const NumberText numbers;
  const auto may = [&](const std::vector<std::string>& tokens, double value) {
    return may_become(read(tokens, numbers).state, static_cast<int32_t>(value * kUnits), 10,
                      numbers);
  };
  EXPECT_TRUE(may({"<", "1"}, 1.5));
  EXPECT_TRUE(may({"<", "1"}, 12.5)) << "an integer digit may follow";
  EXPECT_TRUE(may({"<", "1"}, 187));
  EXPECT_FALSE(may({"<", "1"}, 2.5));
  EXPECT_FALSE(may({"<", "0"}, 5)) << "a leading zero stands alone";
  EXPECT_TRUE(may({"<", "1", ".", "2"}, 1.2999));
  EXPECT_FALSE(may({"<", "1", ".", "2"}, 1.31));
  EXPECT_TRUE(may({"<-", "1", ".", "2"}, -1.25));
  EXPECT_FALSE(may({"<-", "1", ".", "2"}, 1.25));
  EXPECT_TRUE(may({"<"}, -3)) << "a minus may still come";
}

TEST(MayBecome, ASeparatorDecidesTheSignWhereTheTokenizerJoinsThem) {
  NumberText numbers;
  numbers.comma_decides_sign = 1;
  const ReaderState plain = read({"<", "1", ","}, numbers).state;
  EXPECT_FALSE(may_become(plain, -5000, 10, numbers));
  EXPECT_TRUE(may_become(plain, 5000, 10, numbers));
  const ReaderState minus = read({"<", "1", ",-"}, numbers).state;
  EXPECT_TRUE(may_become(minus, -5000, 10, numbers));
  EXPECT_FALSE(may_become(minus, 5000, 10, numbers));
}

TEST(Candidates, DirectionsAreUnitVectorsWellSpread) {
  const Position* d = candidate_directions();
  double x = 0, y = 0, z = 0;
  for (int i = 0; i < kDirections; ++i) {
    const double length = std::sqrt(static_cast<double>(squared_distance(d[i], {})));
    EXPECT_NEAR(length, kUnits, 2);
    x += d[i].x;
    y += d[i].y;
    z += d[i].z;
  }
  EXPECT_LT(std::sqrt(x * x + y * y + z * z) / kDirections, 0.01 * kUnits);
}

}  // namespace
}  // namespace molgen3d::geometry
