// Split behaviours, with the examples of the reference's documentation of SplitDelimiterBehavior.
#include <gtest/gtest.h>

#include "tokenizer/piece_cutter.h"
#include "tokenizer/unicode_text.h"

namespace molgen3d {
namespace {

std::vector<std::string> cut(const std::string& text, SplitBehavior behavior, bool invert = false) {
  PieceCutter cutter;
  cutter.steps.push_back({std::string("-"), behavior, invert});
  std::vector<ByteSpan> pieces;
  cutter.cut(text, pieces);
  std::vector<std::string> out;
  for (const ByteSpan& piece : pieces)
    out.push_back(text.substr(piece.begin, piece.end - piece.begin));
  return out;
}

using Strings = std::vector<std::string>;
const std::string kText = "the-final--countdown";

TEST(Pieces, SplitBehaviors) {
  EXPECT_EQ(cut(kText, SplitBehavior::kRemoved), (Strings{"the", "final", "countdown"}));
  EXPECT_EQ(cut(kText, SplitBehavior::kIsolated),
            (Strings{"the", "-", "final", "-", "-", "countdown"}));
  EXPECT_EQ(cut(kText, SplitBehavior::kMergedWithPrevious),
            (Strings{"the-", "final-", "-", "countdown"}));
  EXPECT_EQ(cut(kText, SplitBehavior::kMergedWithNext),
            (Strings{"the", "-final", "-", "-countdown"}));
  EXPECT_EQ(cut(kText, SplitBehavior::kContiguous),
            (Strings{"the", "-", "final", "--", "countdown"}));
  EXPECT_EQ(cut(kText, SplitBehavior::kRemoved, true), (Strings{"-", "-", "-"}));
}

TEST(Pieces, WhiteSpaceIsUnicodes) {
  PieceCutter cutter;
  cutter.steps.push_back({Regex("\\s", "test"), SplitBehavior::kIsolated, false});
  std::vector<ByteSpan> pieces;
  cutter.cut("a\u0085b", pieces);
  EXPECT_EQ(pieces.size(), 3u);
  cutter.cut("a\u180Eb", pieces);  // no white space since Unicode 6.3
  EXPECT_EQ(pieces.size(), 1u);
  cutter.cut("a\uFEFFb", pieces);
  EXPECT_EQ(pieces.size(), 1u);
}

TEST(Pieces, NfcInSegmentsIsNfcOfTheWhole) {
  // Canonical composition across what looks like a boundary: Hangul, Indic vowel signs, reordering.
  EXPECT_EQ(to_nfc("\u1100\u1161\u11A8", nullptr), "\uAC01");
  EXPECT_EQ(to_nfc("\uAC00\u11A8", nullptr), "\uAC01");
  EXPECT_EQ(to_nfc("\u09C7\u09BE", nullptr), "\u09CB");
  EXPECT_EQ(to_nfc("\u0DD9\u0DCF\u0DCA", nullptr), "\u0DDD");
  EXPECT_EQ(to_nfc("a\u0323\u0302", nullptr), to_nfc("a\u0302\u0323", nullptr));
  EXPECT_EQ(to_nfc("\u212B", nullptr), "\u00C5");
  EXPECT_EQ(to_nfc("\u0958", nullptr), "\u0915\u093C");
}

}  // namespace
}  // namespace molgen3d
