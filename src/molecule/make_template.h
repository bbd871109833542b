// What a prompt needs of a molecule: its SMILES text and the known text of the answer.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "molecule/molecule.h"
#include "molecule/smiles_text.h"

namespace molgen3d {

enum class SmilesStyle : uint8_t {
  kCanonical,  ///< RDKit's canonical isomeric SMILES
  kAsGiven,    ///< the text and atom order of Molecule::typed_smiles()
};

/// What stands in the brackets before `<`. Bracket atoms of the SMILES are always kept byte for
/// byte.
enum class DescriptorStyle : uint8_t {
  kVerbatim,       ///< bare atoms wrapped, nothing added: `[N]`. What `encode` writes by default.
  kHydrogenCount,  ///< hydrogen counts on every bare atom: `[NH2]`, `[CH3]`, `[cH]` (older text)
  kStudy,          ///< the study's logit processors: counts on non-aromatic atoms but carbon
};
/// "verbatim", "hcount", "study"; throws Error for another name.
DescriptorStyle descriptor_style(const std::string& name);

struct TemplateOptions {
  SmilesStyle style = SmilesStyle::kCanonical;
  DescriptorStyle descriptors = DescriptorStyle::kVerbatim;
  /// Read the written SMILES back and compare graphs (kNotReproduced). Costs about one parse.
  bool verify = true;
};

struct Template {
  std::string smiles;  ///< text between [SMILES] and [/SMILES]
  std::vector<std::string>
      literals;  ///< atoms + 1 pieces, without tags: CCO -> `[C]<` `>[C]<` `>[O]<` `>`
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

/// Never throws for chemistry: a molecule that the format cannot carry comes back refused.
TemplateResult make_template(const Molecule& molecule, const TemplateOptions& options = {});
/// The same from SMILES text; unparsable text is a refusal too.
TemplateResult make_template(std::string_view smiles, const TemplateOptions& options = {});

/// `[SMILES]{smiles}[/SMILES]`
std::string prompt_text(const Template& text_template);
/// The literals with `[CONFORMER]` before the first and `[/CONFORMER]` after the last: what
/// TemplateCompiler::compile() takes.
std::vector<std::string> tagged_literals(const Template& text_template);

/// Coordinates from text order into the molecule's atom order, and back.
Coordinates to_input_order(const Template& text_template, const Coordinates& text_order);
Coordinates to_text_order(const Template& text_template, const Coordinates& input_order);

}  // namespace molgen3d
