// Templates: what is known of an answer before it is written. Literals with numeric holes between
// them, cut from a scan of the SMILES. No chemistry.
#pragma once

#include <cstddef>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/coordinates.h"
#include "text/refusal.h"
#include "text/smiles_scan.h"

namespace molgen3d {

struct Template {
  std::string smiles;  ///< text between [SMILES] and [/SMILES]
  /// atoms + 1 pieces, without tags; between two stands a coordinate triple: CCO ->
  /// `[C]<` `>[C]<` `>[O]<` `>`
  std::vector<std::string> literals;
  std::vector<size_t>
      atom_of_input;     ///< atom_of_input[i]: place in the text of the molecule's atom i
  size_t fragments = 1;  ///< a model trained on one part has seen no `.`

  size_t atom_count() const { return atom_of_input.size(); }
};

struct TemplateResult {
  Template text_template;
  Refusal refusal = Refusal::kNone;
  std::string cause;  ///< one line, empty when accepted
  bool ok() const { return refusal == Refusal::kNone; }
};

/// What stands in the brackets of bare atom number `atom` of the text, written `symbol` there.
using Descriptor = std::function<std::string(size_t atom, std::string_view symbol)>;

/// Cuts a text at the atoms of its accepted scan; the atoms of the molecule stand in text order,
/// and one part is assumed.
Template cut_template(std::string smiles, const SmilesScan& scan, const Descriptor& descriptor);

/// The template of a SMILES that is taken as it stands, descriptors verbatim.
TemplateResult template_of_smiles(std::string_view smiles);

/// Why brackets such as `[O]` cannot be carried: they are read as a bare atom, with its hydrogens.
std::string bare_bracket_cause(std::string_view bracket_atom);

/// The literals with the conformer tags before the first and after the last: what
/// TemplateCompiler::compile() takes.
std::vector<std::string> tagged_literals(const Template& text_template);
/// tagged_literals() of template_of_smiles(); throws Error when the text is refused.
std::vector<std::string> literals_of_smiles(std::string_view smiles);

/// For each atom of the text the one before it that it is bonded to as the text is read: the last
/// one outside of closed branches; -1 for the first of a part. Literals as in Template, with or
/// without tags.
std::vector<int> bonded_before(std::span<const std::string> literals);

/// Coordinates from text order into the molecule's atom order, and back.
Coordinates to_input_order(const Template& text_template, const Coordinates& text_order);
Coordinates to_text_order(const Template& text_template, const Coordinates& input_order);

}  // namespace molgen3d
