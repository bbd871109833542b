#include "constraint/number_bytes.h"

#include <algorithm>
#include <compare>
#include <map>
#include <optional>

#include "text/number_grammar.h"

namespace molgen3d {

namespace {

/// What the grammar has to remember of a triple read so far.
struct Reading {
  int component = 0;
  NumberReading number;

  auto operator<=>(const Reading&) const = default;
};

bool triple_may_end(const Reading& r, const NumberFormat& format) {
  return r.component == 2 && may_end(r.number, format);
}

std::optional<Reading> read(const Reading& r, char byte, const NumberFormat& format) {
  if (byte == kTripleSeparator) {
    if (r.component == 2 || !may_end(r.number, format)) return {};
    return Reading{r.component + 1, {}};
  }
  const std::optional<NumberReading> number = read_on(r.number, byte, format);
  if (!number) return {};
  return Reading{r.component, *number};
}

}  // namespace

TripleBytes triple_bytes(const NumberFormat& format) {
  // All readings, breadth first; then those that can end, numbered anew.
  std::map<Reading, uint32_t> number{{Reading{}, 0}};
  std::vector<Reading> readings = {Reading{}};
  std::vector<TripleBytes::State> all;
  for (size_t i = 0; i < readings.size(); ++i) {
    const Reading from = readings[i];
    TripleBytes::State state;
    state.may_end = triple_may_end(from, format);
    for (char byte : kTripleAlphabet) {
      const std::optional<Reading> to = read(from, byte, format);
      if (!to) continue;
      const auto [it, added] = number.try_emplace(*to, readings.size());
      if (added) readings.push_back(*to);
      state.edges.push_back({static_cast<uint8_t>(byte), it->second});
    }
    all.push_back(std::move(state));
  }
  // Lengths to the end, backward until nothing changes (the automaton has no cycle).
  constexpr size_t kNever = SIZE_MAX;
  std::vector<size_t> shortest(all.size(), kNever), longest(all.size(), 0);
  for (bool changed = true; changed;) {
    changed = false;
    for (size_t i = all.size(); i-- > 0;) {
      size_t least = all[i].may_end ? 0 : kNever, most = 0;
      for (const TripleBytes::Edge& edge : all[i].edges) {
        if (shortest[edge.next] == kNever) continue;
        least = std::min(least, shortest[edge.next] + 1);
        most = std::max(most, longest[edge.next] + 1);
      }
      changed |= least != shortest[i] || most != longest[i];
      shortest[i] = least;
      longest[i] = most;
    }
  }
  TripleBytes result;
  std::vector<uint32_t> renamed(all.size());
  uint32_t kept = 0;
  for (size_t i = 0; i < all.size(); ++i) {
    if (shortest[i] != kNever) renamed[i] = kept++;
  }
  for (size_t i = 0; i < all.size(); ++i) {
    if (shortest[i] == kNever) continue;
    TripleBytes::State state;
    state.may_end = all[i].may_end;
    for (const TripleBytes::Edge& edge : all[i].edges) {
      if (shortest[edge.next] != kNever) state.edges.push_back({edge.byte, renamed[edge.next]});
    }
    result.states.push_back(std::move(state));
  }
  result.shortest = shortest[0];
  result.longest = longest[0];
  return result;
}

}  // namespace molgen3d
