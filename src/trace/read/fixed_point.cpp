#include "trace/read/fixed_point.h"

#include <algorithm>
#include <limits>

namespace molgen3d::trace {
namespace {

// mantissa * 10^exponent, with the digits beyond 38 dropped into `sticky`.
struct Decimal {
  unsigned __int128 mantissa = 0;
  int exponent = 0;
  bool sticky = false;
  bool negative = false;
};

std::optional<Decimal> parse_decimal(std::string_view text) {
  Decimal d;
  size_t i = 0;
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) d.negative = text[i++] == '-';
  bool digits = false;
  bool point = false;
  int significant = 0;
  for (; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '.' && !point) {
      point = true;
      continue;
    }
    if (c < '0' || c > '9') break;
    digits = true;
    if (significant < 36) {
      d.mantissa = d.mantissa * 10 + static_cast<unsigned>(c - '0');
      if (d.mantissa != 0) ++significant;
      if (point) --d.exponent;
    } else {
      d.sticky |= c != '0';
      if (!point) ++d.exponent;
    }
  }
  if (!digits) return std::nullopt;
  if (i < text.size() && (text[i] | 0x20) == 'e') {
    ++i;
    bool minus = false;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) minus = text[i++] == '-';
    if (i == text.size()) return std::nullopt;
    int e = 0;
    for (; i < text.size() && text[i] >= '0' && text[i] <= '9'; ++i) {
      e = std::min(e * 10 + (text[i] - '0'), 100000);
    }
    d.exponent += minus ? -e : e;
  }
  if (i != text.size()) return std::nullopt;
  return d;
}

std::optional<int64_t> to_int64(Decimal d, bool round_half_even) {
  constexpr auto kMax = static_cast<uint64_t>(std::numeric_limits<int64_t>::max());
  while (d.exponent > 0 && d.mantissa != 0) {
    if (d.mantissa > kMax) return std::nullopt;
    d.mantissa *= 10;
    --d.exponent;
  }
  unsigned last = 0;
  while (d.exponent < 0 && d.mantissa != 0) {
    d.sticky |= last != 0;
    last = static_cast<unsigned>(d.mantissa % 10);
    d.mantissa /= 10;
    ++d.exponent;
  }
  if (d.exponent < 0) {  // mantissa ran out first: the value is below one half
    last = 0;
  }
  if (round_half_even && (last > 5 || (last == 5 && (d.sticky || (d.mantissa & 1))))) ++d.mantissa;
  if (d.mantissa > kMax) return std::nullopt;
  const auto value = static_cast<int64_t>(d.mantissa);
  return d.negative ? -value : value;
}

}  // namespace

std::optional<int64_t> parse_us_as_ns(std::string_view text) {
  // The common form: up to 15 digits, a point, three digits.
  const char* p = text.data();
  const char* end = p + text.size();
  uint64_t value = 0;
  const char* start = p;
  while (p < end && static_cast<unsigned>(*p - '0') < 10) {
    value = value * 10 + static_cast<unsigned>(*p++ - '0');
  }
  const auto whole = p - start;
  if (whole > 0 && whole <= 15) {
    if (p == end) return static_cast<int64_t>(value * 1000);
    if (*p == '.' && end - p <= 4 && end - p >= 2) {
      ++p;
      uint64_t scale = 1000;
      while (p < end && static_cast<unsigned>(*p - '0') < 10) {
        value = value * 10 + static_cast<unsigned>(*p++ - '0');
        scale /= 10;
      }
      if (p == end) return static_cast<int64_t>(value * scale);
    }
  }
  std::optional<Decimal> d = parse_decimal(text);
  if (!d) return std::nullopt;
  d->exponent += 3;
  return to_int64(*d, true);
}

std::optional<int64_t> parse_integer(std::string_view text) {
  if (text.size() <= 18 && !text.empty()) {
    size_t i = text[0] == '-' ? 1 : 0;
    int64_t value = 0;
    const size_t first = i;
    while (i < text.size() && static_cast<unsigned>(text[i] - '0') < 10) {
      value = value * 10 + (text[i++] - '0');
    }
    if (i == text.size() && i > first) return first ? -value : value;
  }
  const std::optional<Decimal> d = parse_decimal(text);
  if (!d) return std::nullopt;
  return to_int64(*d, false);
}

}  // namespace molgen3d::trace
