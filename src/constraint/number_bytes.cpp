#include "constraint/number_bytes.h"

#include <algorithm>
#include <map>
#include <optional>
#include <tuple>

namespace molgen3d {

namespace {

/// All that the grammar needs to remember of a triple read so far.
struct Reading {
  int component = 0;
  int integer_digits = 0;
  int decimals = -1;  ///< -1: no dot yet
  bool negative = false;
  bool leading_zero = false;
  bool nonzero = false;
  bool last_zero = false;

  auto key() const {
    return std::tuple(component, integer_digits, decimals, negative, leading_zero, nonzero,
                      last_zero);
  }
  bool operator<(const Reading& other) const { return key() < other.key(); }
};

bool number_may_end(const Reading& r, const NumberFormat& format) {
  if (r.integer_digits == 0 || r.decimals == 0 || (r.negative && !r.nonzero)) return false;
  const bool fixed = r.decimals == format.decimals;
  const bool stripped = r.decimals < 0 || !r.last_zero;
  switch (format.zeros) {
    case NumberFormat::Zeros::kStrip:
      return stripped;
    case NumberFormat::Zeros::kFixed:
      return fixed;
    case NumberFormat::Zeros::kEither:
      return fixed || stripped;
  }
  return false;
}

std::optional<Reading> read(Reading r, char byte, const NumberFormat& format) {
  switch (byte) {
    case '-':
      if (r.negative || r.integer_digits > 0) return {};
      r.negative = true;
      return r;
    case '.':
      if (r.integer_digits == 0 || r.decimals >= 0) return {};
      r.decimals = 0;
      return r;
    case ',': {
      if (r.component == 2 || !number_may_end(r, format)) return {};
      Reading next;
      next.component = r.component + 1;
      return next;
    }
    default:
      break;
  }
  if (r.decimals >= 0) {
    if (r.decimals == format.decimals) return {};
    ++r.decimals;
    r.last_zero = byte == '0';
  } else {
    if (r.leading_zero || r.integer_digits == format.max_integer_digits) return {};
    ++r.integer_digits;
    r.leading_zero = r.integer_digits == 1 && byte == '0';
  }
  // Only a negative number has to know whether it is zero so far: fewer states.
  r.nonzero = r.negative && (r.nonzero || byte != '0');
  return r;
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
    state.may_end = from.component == 2 && number_may_end(from, format);
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
