#include "constraint/test_templates.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

namespace molgen3d {

uint64_t TestRandom::next() {
  uint64_t z = (state_ += 0x9E3779B97F4A7C15ULL);
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ULL;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBULL;
  return z ^ (z >> 31);
}

const std::vector<std::string> kMolecules = {
    "C=O",
    "CC(=O)Oc1ccccc1C(=O)O",
    "C#CC(=O)O",
    "Cn1c(=O)c2c(ncn2C)n(C)c1=O",
    "C[C@H](O)[C@@H](Br)Cl",
    "C/C=C\\C",
    "C[NH2+]C",
    "N[C@@H](CC(=O)[O-])C(=O)O",
    "[13CH3]C[Si](C)(C)C",
    "[2H]OC",
    "C%12CC%12",
    "C[Pt+2]Cl",
    "c1c[nH]c2ccccc12",
    "C1=CC(=O)OC(=O)C=C1",
    "O=[N+]([O-])c1ccc(S(=O)(=O)NC(F)(F)F)cc1I",
    "Cc1ccc([C@@]2(O)C[C@@H](C)N(C)C[C@@H]2C)cc1",
    "COc1ccccc1NC(=O)c1ccc(N2C[C@@H]3C[C@H](C2)c2cccc(=O)n2C3)c(NC(=O)c2ccncc2)c1",
    "C/C(=C/CC[C@@H](C)[C@H]1CC[C@@]2(C)C3=C(CC[C@]12C)[C@@]1(C)CCC(=O)C(C)(C)[C@@H]1CC3)C(=O)O",
    "CC(C)(C)OC(=O)NCCCC[C@H](NC(=O)c1nc[nH]c1C(=O)NC(c1ccccc1)c1ccccc1)C(=O)OC(C)(C)C",
    "OP(=O)(O)OP(=O)(O)OC[C@H]1O[C@@H](n2cnc3c(N)ncnc32)[C@H](O)[C@@H]1O"};

std::vector<std::string> random_literals(TestRandom& random, size_t atoms) {
  static constexpr const char* kElements[] = {"C",  "c",  "N",  "n",  "O", "o",  "S",
                                              "s",  "P",  "p",  "F",  "I", "Cl", "Br",
                                              "Si", "Se", "se", "Pt", "B", "H"};
  static constexpr const char* kBonds[] = {"", "", "", "=", "#", "-", "/", "\\", ":", "."};
  const auto joint = [&] {
    std::string text;
    for (size_t rings = random.below(3); rings > 0; --rings) {
      if (random.below(5) == 0) text += kBonds[random.below(std::size(kBonds) - 1)];
      text += random.below(6) == 0 ? fmt::format("%{}", 10 + random.below(90))
                                   : std::to_string(random.below(10));
    }
    text.append(random.below(3) == 0 ? random.below(3) : 0, ')');
    text.append(random.below(4) == 0 ? 1 : 0, '(');
    return text;
  };
  const auto descriptor = [&] {
    std::string text = "[";
    if (random.below(8) == 0) text += std::to_string(1 + random.below(250));
    text += kElements[random.below(std::size(kElements))];
    text.append(random.below(3) == 0 ? 1 + random.below(2) : 0, '@');
    if (random.below(3) == 0) text += 'H';
    if (random.below(6) == 0) text += std::to_string(2 + random.below(3));
    if (random.below(5) == 0) text += random.below(2) ? '+' : '-';
    if (random.below(8) == 0) text += std::to_string(2 + random.below(3));
    text += ']';
    return text;
  };
  std::vector<std::string> literals;
  for (size_t i = 0; i < atoms; ++i) {
    const std::string text =
        i == 0 ? "[CONFORMER]"
               : fmt::format(">{}{}", joint(), kBonds[random.below(std::size(kBonds))]);
    literals.push_back(fmt::format("{}{}<", text, descriptor()));
  }
  literals.push_back(fmt::format(">{}[/CONFORMER]", joint()));
  return literals;
}

std::string random_number(TestRandom& random, const NumberFormat& format) {
  for (;;) {
    std::string text(random.below(2), '-');
    const size_t integer = 1 + random.below(static_cast<size_t>(format.max_integer_digits));
    for (size_t i = 0; i < integer; ++i) text += static_cast<char>('0' + random.below(10));
    const size_t decimals = random.below(static_cast<size_t>(format.decimals) + 1);
    if (decimals > 0) text += '.';
    const bool zeros = random.below(6) == 0;
    for (size_t i = 0; i < decimals; ++i) {
      text += zeros ? '0' : static_cast<char>('0' + random.below(10));
    }
    if (is_coordinate(text.data(), text.data() + text.size(), format)) return text;
  }
}

std::string random_answer(TestRandom& random, std::span<const std::string> literals,
                          const NumberFormat& format) {
  std::string text = literals[0];
  for (size_t i = 1; i < literals.size(); ++i) {
    for (int component = 0; component < 3; ++component) {
      if (component > 0) text += ',';
      text += random_number(random, format);
    }
    text += literals[i];
  }
  return text;
}

bool is_valid_answer(std::string_view text, std::span<const std::string> literals,
                     const NumberFormat& format) {
  if (!text.starts_with(literals[0])) return false;
  text.remove_prefix(literals[0].size());
  for (size_t i = 1; i < literals.size(); ++i) {
    for (int component = 0; component < 3; ++component) {
      const size_t end = text.find(component < 2 ? ',' : '>');
      if (end == std::string_view::npos || !is_coordinate(text.data(), text.data() + end, format)) {
        return false;
      }
      text.remove_prefix(component < 2 ? end + 1 : end);
    }
    if (!text.starts_with(literals[i])) return false;
    text.remove_prefix(literals[i].size());
  }
  return text.empty();
}

bool allows(const Choices& choices, TokenId token) {
  switch (choices.kind) {
    case Choices::Kind::kForced:
      return choices.forced == token;
    case Choices::Kind::kListed:
      return std::binary_search(choices.listed.begin(), choices.listed.end(), token);
    case Choices::Kind::kBlocked:
      return !choices.mask->contains(token);
    case Choices::Kind::kAllowed:
      return choices.mask->contains(token);
    case Choices::Kind::kAny:
      return false;
  }
  return false;
}

bool accepts(const Constraint& constraint, std::span<const TokenId> tokens, TokenId end) {
  ConstraintState state = constraint.start();
  for (size_t i = 0; i <= tokens.size(); ++i) {
    if (constraint.finished(state)) return false;
    const TokenId token = i < tokens.size() ? tokens[i] : end;
    if (!allows(constraint.choices(state), token)) return false;
    state = constraint.advance(state, token);
  }
  return constraint.finished(state);
}

std::vector<TokenId> random_walk(TestRandom& random, const Constraint& constraint) {
  std::vector<TokenId> tokens;
  ConstraintState state = constraint.start();
  while (!constraint.finished(state)) {
    if (tokens.size() > constraint.max_tokens()) return {};
    const Choices choices = constraint.choices(state);
    const TokenId token = choices.kind == Choices::Kind::kForced
                              ? choices.forced
                              : choices.listed[random.below(choices.listed.size())];
    tokens.push_back(token);
    state = constraint.advance(state, token);
  }
  tokens.pop_back();
  return tokens;
}

}  // namespace molgen3d
