#include "text/smiles_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <bitset>
#include <optional>

#include "base/error.h"
#include "text/characters.h"

namespace molgen3d {

namespace {

/// Length of the organic-subset symbol at `text`, 0 when there is none.
size_t bare_atom_length(std::string_view text) {
  if (text.starts_with("Cl") || text.starts_with("Br")) return 2;
  return std::string_view("BCNOPSFIbcnops").find(text.front()) != std::string_view::npos ? 1 : 0;
}

/// The code point at the start of `text`; nothing when the bytes are not UTF-8.
std::optional<uint32_t> code_point(std::string_view text) {
  const auto first = static_cast<unsigned char>(text.front());
  if (first < 0x80) return first;
  const int bytes = first >= 0xF0 ? 4 : first >= 0xE0 ? 3 : first >= 0xC2 ? 2 : 0;
  if (bytes == 0 || first > 0xF4 || text.size() < static_cast<size_t>(bytes)) return std::nullopt;
  uint32_t value = first & (0x7FU >> bytes);
  for (int i = 1; i < bytes; ++i) {
    const auto next = static_cast<unsigned char>(text[static_cast<size_t>(i)]);
    if ((next & 0xC0) != 0x80) return std::nullopt;
    value = value << 6 | (next & 0x3FU);
  }
  return value;
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  SmilesScan run() {
    if (text_.empty()) return refuse(Refusal::kEmpty, "empty SMILES");
    if (std::string cause = foreign_character(text_); !cause.empty()) {
      return refuse(Refusal::kUnparsable, std::move(cause));
    }
    scan_.tokens.reserve(text_.size());
    while (position_ < text_.size() && scan_.refusal == Refusal::kNone) step();
    if (scan_.refusal != Refusal::kNone) return std::move(scan_);
    if (depth_ != 0) return refuse(Refusal::kUnparsable, "a branch '(' is never closed");
    for (size_t ring = 0; ring < open_rings_.size(); ++ring) {
      if (open_rings_[ring]) {
        return refuse(Refusal::kUnparsable, fmt::format("ring {} is never closed", ring));
      }
    }
    if (scan_.atoms == 0) return refuse(Refusal::kEmpty, "no atom");
    return std::move(scan_);
  }

 private:
  using Kind = SmilesToken::Kind;

  SmilesScan refuse(Refusal refusal, std::string cause) {
    scan_.refusal = refusal;
    scan_.cause = std::move(cause);
    return scan_;
  }

  void refuse_here(Refusal refusal, std::string_view what) {
    refuse(refusal, fmt::format("{} at column {}", what, position_ + 1));
  }

  void take(Kind kind, size_t length) {
    scan_.tokens.push_back({kind, static_cast<uint32_t>(position_), static_cast<uint32_t>(length)});
    if (scan_.tokens.back().is_atom()) ++scan_.atoms;
    position_ += length;
  }

  void step() {
    const std::string_view rest = text_.substr(position_);
    switch (rest.front()) {
      case '[':
        return bracket(rest);
      case '%':
        return wide_ring(rest);
      case '-':
        if (rest.starts_with("->")) return refuse_here(Refusal::kDativeBond, "dative bond '->'");
        return take(Kind::kBond, 1);
      case '<':
        if (rest.starts_with("<-")) return refuse_here(Refusal::kDativeBond, "dative bond '<-'");
        return refuse_here(Refusal::kUnparsable, "character \"<\"");
      case '=':
      case '#':
      case ':':
      case '/':
      case '\\':
        return take(Kind::kBond, 1);
      case '$':
        return refuse_here(Refusal::kQuadrupleBond, "quadruple bond '$'");
      case '~':
        return refuse_here(Refusal::kAnyBond, "bond of any order '~'");
      case '*':
        return refuse_here(Refusal::kDummyAtom, "dummy atom '*'");
      case '.':
        return take(Kind::kDot, 1);
      case '(':
        ++depth_;
        return take(Kind::kOpen, 1);
      case ')':
        if (--depth_ < 0) return refuse_here(Refusal::kUnparsable, "')' without '('");
        return take(Kind::kClose, 1);
      default:
        break;
    }
    if (is_digit(rest.front())) {
      open_rings_.flip(static_cast<size_t>(rest.front() - '0'));
      return take(Kind::kRing, 1);
    }
    if (const size_t length = bare_atom_length(rest)) return take(Kind::kBareAtom, length);
    refuse_here(Refusal::kUnparsable, "character " + in_quotes(rest.substr(0, 1)));
  }

  void bracket(std::string_view rest) {
    const size_t close = rest.find(']');
    if (close == std::string_view::npos) {
      return refuse_here(Refusal::kUnparsable, "'[' is never closed");
    }
    const std::string_view inner = rest.substr(1, close - 1);
    if (inner.empty()) return refuse_here(Refusal::kUnparsable, "empty brackets");
    if (inner.find('*') != std::string_view::npos) {
      return refuse_here(Refusal::kDummyAtom,
                         "dummy atom " + std::string(rest.substr(0, close + 1)));
    }
    // `<` and `>` would be read as a coordinate block, `[` as the next atom.
    if (inner.find_first_of("<>[ \t") != std::string_view::npos) {
      return refuse_here(Refusal::kUnparsable,
                         "bad bracket atom " + in_quotes(rest.substr(0, close + 1)));
    }
    take(Kind::kBracketAtom, close + 1);
  }

  void wide_ring(std::string_view rest) {
    if (rest.size() > 1 && rest[1] == '(') {
      return refuse_here(Refusal::kWideRingNumber, "ring number in parentheses '%('");
    }
    if (rest.size() < 3 || !is_digit(rest[1]) || !is_digit(rest[2])) {
      return refuse_here(Refusal::kUnparsable, "'%' without two digits");
    }
    open_rings_.flip(static_cast<size_t>((rest[1] - '0') * 10 + (rest[2] - '0')));
    take(Kind::kRing, 3);
  }

  std::string_view text_;
  size_t position_ = 0;
  long depth_ = 0;
  std::bitset<100> open_rings_;
  SmilesScan scan_;
};

}  // namespace

std::string foreign_character(std::string_view text) {
  for (size_t i = 0; i < text.size(); ++i) {
    const auto byte = static_cast<unsigned char>(text[i]);
    if ((byte > 0x20 && byte < 0x7F) || is_space(text[i])) continue;
    const auto point = code_point(text.substr(i));
    return (point ? fmt::format("U+{:04X}", *point) : fmt::format("byte 0x{:02X}", byte)) +
           fmt::format(" at column {} is no SMILES character", i + 1);
  }
  return {};
}

bool is_organic_subset(std::string_view symbol) {
  return !symbol.empty() && bare_atom_length(symbol) == symbol.size();
}

SmilesScan scan_smiles(std::string_view text) {
  return Scanner(text).run();
}

}  // namespace molgen3d
