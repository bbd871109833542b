#include "text/template.h"

#include <fmt/format.h>

#include <utility>

#include "base/error.h"
#include "text/tags.h"

namespace molgen3d {

Template cut_template(std::string smiles, const SmilesScan& scan, const Descriptor& descriptor) {
  Template out;
  out.literals.reserve(scan.atoms + 1);
  std::string literal;
  for (const SmilesToken& token : scan.tokens) {
    const std::string_view text = std::string_view(smiles).substr(token.begin, token.length);
    if (!token.is_atom()) {
      literal += text;
      continue;
    }
    const size_t atom = out.literals.size();
    if (token.kind == SmilesToken::Kind::kBracketAtom) {
      literal += text;
    } else {
      literal.append("[").append(descriptor(atom, text)).append("]");
    }
    out.atom_of_input.push_back(atom);
    out.literals.push_back(literal + "<");
    literal.assign(1, '>');
  }
  out.literals.push_back(std::move(literal));
  out.smiles = std::move(smiles);
  return out;
}

TemplateResult template_of_smiles(std::string_view smiles) {
  TemplateResult result;
  const SmilesScan scan = scan_smiles(smiles);
  result.refusal = scan.refusal;
  result.cause = scan.cause;
  if (!result.ok()) return result;
  for (const SmilesToken& token : scan.tokens) {
    const std::string_view text = smiles.substr(token.begin, token.length);
    if (token.kind == SmilesToken::Kind::kBracketAtom &&
        is_organic_subset(text.substr(1, text.size() - 2))) {
      result.refusal = Refusal::kBarePlainBracket;
      result.cause = bare_bracket_cause(text);
      return result;
    }
  }
  result.text_template =
      cut_template(std::string(smiles), scan,
                   [](size_t, std::string_view symbol) { return std::string(symbol); });
  return result;
}

std::string bare_bracket_cause(std::string_view bracket_atom) {
  return fmt::format("{} would be read back as a plain atom with its hydrogens", bracket_atom);
}

std::vector<std::string> tagged_literals(const Template& text_template) {
  std::vector<std::string> literals = text_template.literals;
  literals.front().insert(0, kConformerTag);
  literals.back() += kConformerEndTag;
  return literals;
}

std::vector<std::string> literals_of_smiles(std::string_view smiles) {
  const TemplateResult result = template_of_smiles(smiles);
  if (!result.ok()) throw Error::format("{}: {}", in_quotes(smiles), result.cause);
  return tagged_literals(result.text_template);
}

std::vector<int> bonded_before(std::span<const std::string> literals) {
  std::vector<int> before, open;
  int last = -1;
  for (size_t atom = 0; atom + 1 < literals.size(); ++atom) {
    bool in_brackets = false;  // of an atom or a tag
    for (const char c : literals[atom]) {
      if (c == '[' || c == ']') in_brackets = c == '[';
      if (in_brackets) continue;
      if (c == '(') open.push_back(last);
      if (c == ')' && !open.empty()) {
        last = open.back();
        open.pop_back();
      }
      if (c == '.') last = -1;
    }
    before.push_back(last);
    last = static_cast<int>(atom);
  }
  return before;
}

Coordinates to_input_order(const Template& text_template, const Coordinates& text_order) {
  Coordinates result(text_order.size());
  for (size_t i = 0; i < result.size(); ++i)
    result[i] = text_order.at(text_template.atom_of_input.at(i));
  return result;
}

Coordinates to_text_order(const Template& text_template, const Coordinates& input_order) {
  Coordinates result(input_order.size());
  for (size_t i = 0; i < result.size(); ++i)
    result.at(text_template.atom_of_input.at(i)) = input_order[i];
  return result;
}

}  // namespace molgen3d
