#include "geometry/hard_set.h"

#include <algorithm>
#include <numeric>

namespace molgen3d::geometry {

namespace {

int last_atom(const HardSetTables&, const Hand& hand) {
  return std::max({hand.origin, hand.arm[0], hand.arm[1], hand.arm[2]});
}
int last_atom(const HardSetTables&, const BondSide& side) {
  return std::max({side.begin, side.end, side.x, side.y});
}
int last_atom(const HardSetTables& tables, const Plane& plane) {
  const auto first = tables.plane_atoms.begin() + plane.first;
  return *std::max_element(first, first + plane.count);
}

/// The indices of `entries` in order of their last atoms, and where each atom's begin.
template <typename Entry>
std::vector<size_t> by_last_atom(const HardSetTables& tables, const std::vector<Entry>& entries,
                                 std::vector<int32_t>& begin) {
  std::vector<size_t> order(entries.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return last_atom(tables, entries[a]) < last_atom(tables, entries[b]);
  });
  begin.assign(static_cast<size_t>(tables.atoms) + 1, 0);
  for (const Entry& entry : entries) ++begin[static_cast<size_t>(last_atom(tables, entry)) + 1];
  std::partial_sum(begin.begin(), begin.end(), begin.begin());
  return order;
}

template <typename Entry>
void append(std::vector<int32_t>& words, HardSetView::Field field,
            const std::vector<Entry>& entries) {
  static_assert(sizeof(Entry) % sizeof(int32_t) == 0);
  words[field] = static_cast<int32_t>(words.size());
  const auto* first = reinterpret_cast<const int32_t*>(entries.data());
  words.insert(words.end(), first, first + entries.size() * (sizeof(Entry) / sizeof(int32_t)));
}

}  // namespace

HardSet make_hard_set(const HardSetTables& tables) {
  HardSet set;
  set.not_enforced = tables.not_enforced;
  std::vector<int32_t>& words = set.words;
  words.resize(HardSetView::kHeader);
  words[HardSetView::kAtoms] = tables.atoms;
  words[HardSetView::kLevel] = static_cast<int32_t>(tables.level);
  words[HardSetView::kHasDistances] = tables.has_distances ? 1 : 0;

  std::vector<uint32_t> pairs;
  pairs.reserve(tables.pairs.size());
  for (const PairLimit& limit : tables.pairs) pairs.push_back(pack(limit));
  append(words, HardSetView::kPairs, pairs);
  std::vector<int32_t> parents;
  for (const std::vector<int32_t>& atoms : tables.earlier)
    parents.push_back(atoms.empty() ? -1 : *std::max_element(atoms.begin(), atoms.end()));
  append(words, HardSetView::kParents, parents);

  std::vector<int32_t> begin;
  std::vector<size_t> order = by_last_atom(tables, tables.hands, begin);
  std::vector<int32_t> place(order.size());
  for (size_t i = 0; i < order.size(); ++i) place[order[i]] = static_cast<int32_t>(i);
  std::vector<Hand> hands;
  for (const size_t i : order) {
    Hand hand = tables.hands[i];
    if (hand.reference >= 0) hand.reference = place[static_cast<size_t>(hand.reference)];
    hands.push_back(hand);
  }
  append(words, HardSetView::kHandBegin, begin);
  append(words, HardSetView::kHands, hands);

  std::vector<BondSide> sides;
  for (const size_t i : by_last_atom(tables, tables.sides, begin)) sides.push_back(tables.sides[i]);
  append(words, HardSetView::kSideBegin, begin);
  append(words, HardSetView::kSides, sides);

  std::vector<Plane> planes;
  for (const size_t i : by_last_atom(tables, tables.planes, begin))
    planes.push_back(tables.planes[i]);
  append(words, HardSetView::kPlaneBegin, begin);
  append(words, HardSetView::kPlanes, planes);
  append(words, HardSetView::kPlaneAtoms, tables.plane_atoms);
  if (!tables.embedding.empty()) append(words, HardSetView::kEmbedding, tables.embedding);
  words[HardSetView::kWords] = static_cast<int32_t>(words.size());
  return set;
}

}  // namespace molgen3d::geometry
