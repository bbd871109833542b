// The search by itself: fed with blocks of text, one character a token, it says what to do.
#include "geometry/search.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "geometry/embedding.h"
#include "geometry/program.h"

namespace molgen3d::geometry {
namespace {

constexpr int kRounds = 1 << 30;
constexpr int kComma = 200, kCommaMinus = 201;

/// One token a character, and `,-` beside `,`.
std::vector<TokenText> texts() {
  std::vector<TokenText> out(256);
  const std::string codes = "0123456789.,-<>";
  for (size_t i = 0; i < codes.size(); ++i)
    out[static_cast<unsigned char>(codes[i])] = static_cast<TokenText>(i) << 4 | 1;
  out[kComma] = out[','];
  out[kCommaMinus] = static_cast<TokenText>(11) << 4 | static_cast<TokenText>(12) << 8 | 2;
  return out;
}

/// A chain of four atoms, bonds of 1.5 A, the third a centre with three neighbours.
HardSetTables chain() {
  HardSetTables tables;
  tables.atoms = 4;
  tables.pairs.resize(6);
  tables.earlier = {{}, {0}, {1}, {1}};
  for (const size_t pair : {size_t{0}, size_t{2}, size_t{4}})
    tables.pairs[pair] = {1300, 1700, Relation::kBond};
  for (const size_t pair : {size_t{1}, size_t{3}, size_t{5}})
    tables.pairs[pair] = {2000, 2900, Relation::kAngle};
  tables.hands.push_back({1, {0, 2, 3}, 1, 350, -1});
  return tables;
}

HardSet embedded(HardSetTables tables) {
  tables.embedding = embed(tables);
  return make_hard_set(tables);
}

/// Two ends and the atom between them, in this order.
HardSetTables two_ends() {
  HardSetTables tables;
  tables.atoms = 3;
  tables.pairs.resize(3);
  tables.earlier = {{}, {}, {0, 1}};
  tables.pairs[1] = tables.pairs[2] = {1300, 1700, Relation::kBond};
  return tables;
}

class SearchTest : public testing::Test {
 protected:
  SearchTest() { begin({}); }
  void begin(SearchPolicy policy) {
    policy_ = policy;
    policy_.budget = 100000;
    numbers_.comma = kComma;
    numbers_.comma_minus = kCommaMinus;
    numbers_.comma_decides_sign = 1;
    state_ = {};
    judged_ = 0;
    tokens_.clear();
    search().begin({});
  }
  Search search() {
    return {set_.view(),
            texts_.data(),
            numbers_,
            policy_,
            candidate_directions(),
            state_,
            {at_.data(), witness_.data(), marks_.data(), z_.data(), feasible_.data(),
             projection_.data()}};
  }
  Action token(int id) {
    tokens_.push_back(id);
    Mark after;
    after.known = static_cast<int32_t>(tokens_.size());
    Action action = Action::kKeep;
    if (Search s = search(); s.read(id, after.known - 1)) {
      do {
        action = s.settle(s.judge(Solo{}, rounds_), after);
        ++judged_;
      } while (s.pending());
    }
    if (action == Action::kReturn)
      tokens_.resize(static_cast<size_t>(marks_[static_cast<size_t>(state_.atom)].known));
    return action;
  }
  Action block(double x, double y, double z) {
    token('<');
    Action last = Action::kKeep;
    const double values[] = {x, y, z};
    for (int axis = 0; axis < 3; ++axis) {
      if (axis > 0) token(values[axis] < 0 ? kCommaMinus : kComma);
      if (axis == 0 && values[0] < 0) token('-');
      for (const char c : fmt::format("{:.4f}", std::abs(values[axis]))) token(c);
    }
    last = token('>');
    return last;
  }

  /// Writes a block of allowed tokens, chosen at random; a dead end is settled.
  Action write_masked_block(uint32_t seed) {
    std::vector<int> legal = {'<'};
    int decimals = -1, axis = 0;
    for (;;) {
      if (search().wants_mask()) make_mask();
      std::vector<int> allowed;
      for (const int id : legal) {
        if (id == '<' || search().allows(id)) allowed.push_back(id);
      }
      if (allowed.empty()) return dead_end();
      seed = seed * 1664525U + 1013904223U;
      const int id = allowed[(seed >> 8) % allowed.size()];
      const Action action = token(id);
      if (id == '>') return action;
      const bool begins = id == '<' || id == kComma || id == kCommaMinus;
      if (begins) {
        axis += id != '<';
        decimals = -1;
      } else if (id == '.') {
        decimals = 0;
      } else if (decimals >= 0) {
        ++decimals;
      }
      legal.clear();
      if (id == '<') legal.push_back('-');
      if (!begins && id != '-' && decimals < 0) legal.push_back('.');
      if (decimals < 4) {
        for (int d = '0'; d <= '9'; ++d) legal.push_back(d);
      } else if (axis < 2) {
        legal = {kComma, kCommaMinus};
      } else {
        legal = {'>'};
      }
    }
  }
  void make_mask() {
    Search s = search();
    for (uint32_t& word : feasible_) word = 0;
    for (int k = 0; k < candidate_count(s.mask_axis()); ++k) {
      int bins[2];
      s.bins_of(k, bins);
      for (const int bin : bins) {
        if (bin >= 0) feasible_[static_cast<size_t>(bin / 32)] |= 1U << (bin % 32);
      }
    }
    s.mask_made();
  }
  Action dead_end() {
    Mark now;
    now.known = static_cast<int32_t>(tokens_.size());
    Search s = search();
    const Action action = s.settle(s.judge_dead_end(Solo{}, kRounds), now);
    tokens_.resize(static_cast<size_t>(marks_[static_cast<size_t>(state_.atom)].known));
    return action;
  }

  HardSet set_ = embedded(chain());
  const std::vector<TokenText> texts_ = texts();
  NumberText numbers_;
  SearchPolicy policy_;
  SearchState state_;
  std::vector<int> tokens_;
  int rounds_ = kRounds, judged_ = 0;
  std::vector<Position> at_ = std::vector<Position>(4);
  std::vector<Mark> marks_ = std::vector<Mark>(5);
  std::vector<Position> witness_ = std::vector<Position>(4);
  std::vector<int32_t> projection_ = std::vector<int32_t>(projection_words(4));
  std::vector<int32_t> z_ = std::vector<int32_t>(4);
  std::vector<uint32_t> feasible_ = std::vector<uint32_t>(kMaskWords);
};

TEST_F(SearchTest, LeavesARightSampleAlone) {
  EXPECT_EQ(block(1.5, 0, 0.3), Action::kKeep);
  EXPECT_EQ(block(0, 0, 0), Action::kKeep);
  EXPECT_EQ(block(-0.75, 1.3, 0.3), Action::kKeep);
  EXPECT_EQ(block(-0.75, -1.3, 0.3), Action::kKeep);
  const Outcome outcome = outcome_of(state_);
  EXPECT_TRUE(outcome.satisfied);
  EXPECT_EQ(outcome.redraws + outcome.returns + outcome.reflections + outcome.thrown_tokens, 0);
}

TEST_F(SearchTest, ReflectsTheMirrorImage) {
  block(1.5, 0, -0.3);
  block(0, 0, 0);
  block(-0.75, 1.3, -0.3);
  EXPECT_EQ(block(-0.75, -1.3, -0.3), Action::kReflect);
  EXPECT_EQ(state_.mirrors, 1);
  EXPECT_EQ(at_[0].z, 3000);
  EXPECT_EQ(tokens_[static_cast<size_t>(z_[0])], kCommaMinus) << "the engine exchanges it";
  EXPECT_EQ(outcome_of(state_).thrown_tokens, 0);
}

TEST_F(SearchTest, DoesNotReflectWhereSignsAreNoTokens) {
  numbers_.comma = numbers_.comma_minus = -1;
  block(1.5, 0, -0.3);
  block(0, 0, 0);
  block(-0.75, 1.3, -0.3);
  EXPECT_EQ(block(-0.75, -1.3, -0.3), Action::kReturn);
}

TEST_F(SearchTest, DrawsAgainThenMasksThenSetsToTheWitness) {
  begin({.free_draws = 2, .masked_draws = 2});
  block(1.5, 0, 0.3);
  const size_t mark = tokens_.size();
  const Draws expected[] = {Draws::kFree, Draws::kMasked, Draws::kNear, Draws::kSet};
  for (const Draws draws : expected) {
    EXPECT_EQ(block(0.5, 0, 0), Action::kReturn);  // too far
    EXPECT_EQ(state_.fault, Fault::kBond);
    EXPECT_EQ(state_.witness, Witness::kFound);
    EXPECT_EQ(tokens_.size(), mark);
    EXPECT_EQ(state_.draws, draws);
  }
  EXPECT_EQ(state_.attempt, 4);
  EXPECT_EQ(state_.redraws, 4);
  EXPECT_EQ(state_.returns, 0);
  EXPECT_EQ(write_masked_block(1), Action::kKeep);
  EXPECT_EQ(at_[1], witness_[1]);
  EXPECT_EQ(state_.set_blocks, 1);
  EXPECT_EQ(state_.draws, Draws::kFree) << "the next block is the model's again";
}

TEST_F(SearchTest, GoesBackToWhatCannotBeCompleted) {
  begin({});
  // The two neighbours are so far apart that no centre fits between them: found when it is written.
  set_ = embedded(two_ends());
  block(0, 0, 0);
  EXPECT_EQ(block(9, 0, 0), Action::kKeep) << "nothing is said of their distance";
  EXPECT_EQ(block(1.5, 0, 0), Action::kReturn);
  EXPECT_EQ(state_.atom, 1) << "the second end is to blame, not the centre";
  EXPECT_EQ(state_.returns, 1);
  EXPECT_EQ(block(2.6, 0, 0), Action::kKeep);
  EXPECT_EQ(block(1.3, 0.8, 0), Action::kKeep);
}

TEST_F(SearchTest, JudgementsInPiecesAreTheSame) {
  set_ = embedded(two_ends());
  const auto write = [&](int rounds) {
    begin({});
    rounds_ = rounds;
    block(0, 0, 0);
    block(9, 0, 0);
    block(1.5, 0, 0);
    return std::tuple(state_.atom, state_.fault, state_.witness, witness_);
  };
  const auto whole = write(kRounds);
  const int judged_whole = judged_;
  EXPECT_EQ(write(7), whole);
  EXPECT_GT(judged_, judged_whole + 10);
  rounds_ = kRounds;
}

TEST_F(SearchTest, WithoutAWitnessWaysBackGrowLonger) {
  begin({.free_draws = 1, .masked_draws = 0});
  HardSetTables tables = chain();
  tables.has_distances = false;  // nothing to embed with
  tables.level = Level::kStereo;
  set_ = make_hard_set(tables);
  numbers_.comma = numbers_.comma_minus = -1;
  const auto rest = [&](int from) {
    Action last = Action::kKeep;
    const double wrong[4][3] = {{1.5, 0, -0.3}, {0, 0, 0}, {-0.75, 1.3, -0.3}, {-0.75, -1.3, -0.3}};
    for (int i = from; i < 4; ++i) last = block(wrong[i][0], wrong[i][1], wrong[i][2]);
    return last;
  };
  EXPECT_EQ(rest(0), Action::kReturn);
  EXPECT_EQ(state_.atom, 3);
  EXPECT_EQ(rest(3), Action::kReturn);
  EXPECT_EQ(state_.atom, 2);
  EXPECT_EQ(rest(2), Action::kReturn);
  EXPECT_EQ(rest(state_.atom), Action::kReturn);
  EXPECT_EQ(state_.atom, 0);
  EXPECT_EQ(state_.witness, Witness::kNone);
  // However often: they end at the first block.
  for (int i = 0; i < 200; ++i) {
    EXPECT_EQ(rest(state_.atom), Action::kReturn);
    ASSERT_GE(state_.atom, 0);
    ASSERT_LE(state_.atom, 3);
  }
}

TEST_F(SearchTest, MaskedBlocksEndInsideTheSet) {
  begin({.free_draws = 1, .masked_draws = 50});
  block(1.5, 0, 0.3);
  block(0, 0, 0);
  block(-0.75, 1.3, 0.3);
  block(0.1, 0.1, 0.1);
  ASSERT_TRUE(search().masked());
  // Of the tokens that the grammar admits, any allowed one: from many seeds, always a right place.
  Action action = Action::kReturn;
  for (uint32_t seed = 1; seed < 30 && action != Action::kKeep; ++seed)
    action = write_masked_block(seed);
  EXPECT_EQ(action, Action::kKeep);
  EXPECT_EQ(state_.masked_blocks, 1);
}

TEST_F(SearchTest, ABudgetIsKeptAndNamesItsCause) {
  begin({.free_draws = 50, .masked_draws = 0});
  policy_.budget = 100;
  block(1.5, 0, 0.3);
  Action action = Action::kReturn;
  for (int i = 0; i < 50 && action != Action::kFail; ++i) action = block(0.5, 0, 0);
  ASSERT_EQ(action, Action::kFail);
  EXPECT_GT(state_.thrown, 100);
  EXPECT_NE(failure_text(state_).find("bond length at atom 2"), std::string::npos)
      << failure_text(state_);
}

TEST_F(SearchTest, KeepFinishesUncheckedAndSaysSo) {
  begin({.budget = 0, .keep = 1});
  policy_.budget = 0;
  block(1.5, 0, 0.3);
  EXPECT_EQ(block(0.5, 0, 0), Action::kReturn);
  EXPECT_EQ(block(0.5, 0, 0), Action::kKeep);
  EXPECT_FALSE(outcome_of(state_).satisfied);
}

}  // namespace
}  // namespace molgen3d::geometry
