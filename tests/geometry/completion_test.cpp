// Witnesses: molecules embedded from nothing and completed from a beginning.
#include "geometry/completion.h"

#include <gtest/gtest.h>

#include <atomic>
#include <barrier>
#include <thread>
#include <vector>

#include "geometry/search_state.h"

namespace molgen3d::geometry {
namespace {

/// A ring of six with flat neighbours and two centres whose substituents are trans: 12 atoms, all
/// kinds of constraints. Atoms 0 .. 5 ring, 6 on 0 and 7 on 3, 8 on 6, 9 = 8 double bond, 10 on 9,
/// 11 on 1.
HardSetTables molecule() {
  HardSetTables tables;
  tables.atoms = 12;
  const std::vector<std::pair<int, int>> bonds = {{0, 1}, {1, 2}, {2, 3}, {3, 4}, {4, 5},  {0, 5},
                                                  {0, 6}, {3, 7}, {6, 8}, {8, 9}, {9, 10}, {1, 11}};
  std::vector<std::vector<int>> apart(12, std::vector<int>(12, 99));
  for (int i = 0; i < 12; ++i) apart[i][i] = 0;
  for (const auto& [a, b] : bonds) apart[a][b] = apart[b][a] = 1;
  for (int k = 0; k < 12; ++k)
    for (int i = 0; i < 12; ++i)
      for (int j = 0; j < 12; ++j) apart[i][j] = std::min(apart[i][j], apart[i][k] + apart[k][j]);
  tables.earlier.resize(12);
  for (const auto& [a, b] : bonds) tables.earlier[std::max(a, b)].push_back(std::min(a, b));
  for (int i = 0; i < 12; ++i) {
    for (int j = 0; j < i; ++j) {
      const int d = apart[i][j];
      tables.pairs.push_back(d == 1   ? PairLimit{1300, 1700, Relation::kBond}
                             : d == 2 ? PairLimit{2100, 2900, Relation::kAngle}
                                      : PairLimit{2300, PairLimit::kNoLimit, Relation::kFar});
    }
  }
  tables.hands.push_back({0, {1, 5, 6}, 1, 350, -1});
  tables.hands.push_back({3, {2, 4, 7}, 1, 350, -1});
  tables.hands.push_back({1, {0, 2, 11}, -1, 350, -1});
  tables.sides.push_back({8, 9, 6, 10, -1});
  tables.planes.push_back({0, 4, 250, 0});
  tables.plane_atoms = {6, 8, 9, 10};
  return tables;
}

/// The whole of a search for a witness.
template <typename Completed>
bool find(Completed completion, const Position* at, int standing, const Position* from, int starts,
          Position* witness) {
  CompletionProgress progress;
  int rounds = 1 << 30;
  return completion.find(at, standing, from, 0, starts, progress, rounds, witness) == Found::kYes;
}

template <typename Crew>
struct Memory {
  explicit Memory(const HardSet& set) : set_(set) {
    const int atoms = set.view().atoms();
    words.resize(static_cast<size_t>(projection_words(atoms)));
    witness.resize(static_cast<size_t>(atoms));
  }
  Completion<Crew> completion(const Crew& crew, const HardSetView& view) {
    return {crew, view, projection_memory(words.data(), view.atoms()), NumberText{}};
  }
  const HardSet& set_;
  std::vector<int32_t> words;
  std::vector<Position> witness;
};

bool right(const HardSetView& view, const std::vector<Position>& at) {
  return first_fault(view, at.data(), true) == Fault::kNone;
}

TEST(Completion, EmbedsAMoleculeFromNothing) {
  const HardSet set = make_hard_set(molecule());
  const HardSetView view = set.view();
  Memory<Solo> run(set);
  ASSERT_TRUE(run.completion(Solo{}, view).embed(run.witness.data()));
  EXPECT_TRUE(right(view, run.witness));
}

TEST(Completion, WhatCannotBeIsNotFound) {
  HardSetTables tables = molecule();
  // Neighbours farther apart than two bonds reach.
  tables.pairs[2 * 1 / 2 + 0] = {3500, 3600, Relation::kAngle};
  const HardSet set = make_hard_set(tables);
  const HardSetView view = set.view();
  Memory<Solo> run(set);
  EXPECT_FALSE(run.completion(Solo{}, view).embed(run.witness.data()));
}

TEST(Completion, GoesOnFromEveryBeginningOfAnotherConformer) {
  const HardSet set = make_hard_set(molecule());
  const HardSetView view = set.view();
  Memory<Solo> one(set), other(set);
  ASSERT_TRUE(one.completion(Solo{}, view).embed(one.witness.data()));
  // Another conformer: the tail turned about the bond 0-6 by half a turn, as far as it goes.
  std::vector<Position> at = one.witness;
  for (int standing = 1; standing <= view.atoms(); ++standing) {
    ASSERT_TRUE(find(other.completion(Solo{}, view), at.data(), standing, one.witness.data(), 4,
                     other.witness.data()))
        << standing;
    for (int i = 0; i < standing; ++i)
      EXPECT_EQ(other.witness[static_cast<size_t>(i)], at[static_cast<size_t>(i)]);
    EXPECT_TRUE(right(view, other.witness));
  }
}

TEST(Completion, TurnsWhatHangsOnAnAtomThatIsSetElsewhere) {
  const HardSet set = make_hard_set(molecule());
  const HardSetView view = set.view();
  Memory<Solo> run(set);
  ASSERT_TRUE(run.completion(Solo{}, view).embed(run.witness.data()));
  // All of it elsewhere, mirrored in no way: only the first three atoms say so.
  std::vector<Position> at = run.witness;
  for (Position& p : at) p = {-p.y + 50000, p.x, p.z - 30000};
  std::vector<Position> found(at.size());
  ASSERT_TRUE(
      find(run.completion(Solo{}, view), at.data(), 3, run.witness.data(), 1, found.data()));
  for (size_t i = 0; i < at.size(); ++i) {
    EXPECT_LT(squared_distance(found[i], at[i]), 100) << "atom " << i << ": within 0.001 A";
  }
}

TEST(Completion, ADecimalGridIsKept) {
  const HardSet set = make_hard_set(molecule());
  const HardSetView view = set.view();
  Memory<Solo> run(set);
  NumberText numbers;
  numbers.decimals = 2;
  Completion<Solo> completion(Solo{}, view, projection_memory(run.words.data(), view.atoms()),
                              numbers);
  ASSERT_TRUE(completion.embed(run.witness.data()));
  for (const Position& p : run.witness) {
    for (const int32_t value : {p.x, p.y, p.z}) {
      EXPECT_EQ(value % 100, 0);
      EXPECT_NE(value % 1000, 0) << "zeros at the end are written or not";
    }
  }
}

/// Threads that work together as a device's thread block does.
class Together {
 public:
  struct Crew {
    Together* all;
    int rank, size;
    bool any(bool value) const {
      if (value) all->seen_[all->round_[rank] % 2] = true;
      all->barrier_.arrive_and_wait();
      const bool out = all->seen_[all->round_[rank] % 2];
      all->barrier_.arrive_and_wait();
      if (rank == 0) all->seen_[all->round_[rank] % 2] = false;
      ++all->round_[rank];
      all->barrier_.arrive_and_wait();
      return out;
    }
    void add(int32_t* to, int32_t value) const {
      std::atomic_ref<int32_t>(*to).fetch_add(value, std::memory_order_relaxed);
    }
  };
  explicit Together(int size) : barrier_(size), round_(static_cast<size_t>(size)) {}
  template <typename Work>
  void run(const Work& work) {
    std::vector<std::thread> threads;
    const int size = static_cast<int>(round_.size());
    for (int rank = 0; rank < size; ++rank)
      threads.emplace_back([&, rank] { work(Crew{this, rank, size}); });
    for (std::thread& thread : threads) thread.join();
  }

 private:
  std::barrier<> barrier_;
  std::atomic<bool> seen_[2] = {false, false};
  std::vector<int> round_;
};

TEST(Completion, HoweverManyWorkTogetherTheWitnessIsTheSame) {
  const HardSet set = make_hard_set(molecule());
  const HardSetView view = set.view();
  Memory<Solo> solo(set);
  ASSERT_TRUE(solo.completion(Solo{}, view).embed(solo.witness.data()));
  for (const int size : {2, 5}) {
    Memory<Together::Crew> run(set);
    Together together(size);
    std::atomic<int> found = 0;
    together.run([&](const Together::Crew& crew) {
      found += run.completion(crew, view).embed(run.witness.data());
    });
    EXPECT_EQ(found, size) << "all get the result";
    EXPECT_EQ(run.witness, solo.witness) << size;
  }
}

}  // namespace
}  // namespace molgen3d::geometry
