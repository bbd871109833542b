// The template of a molecule: its SMILES text and the known text of the answer.
#pragma once

#include <string_view>

#include "molecule/molecule.h"
#include "text/styles.h"
#include "text/template.h"

namespace molgen3d {

struct TemplateOptions {
  SmilesStyle style = SmilesStyle::kCanonical;
  DescriptorStyle descriptors = DescriptorStyle::kVerbatim;
  /// Read the written SMILES back and compare graphs (kNotReproduced). Costs about one parse.
  bool verify = true;
};

/// Never throws for chemistry: a molecule that the format cannot carry comes back refused.
TemplateResult make_template(const Molecule& molecule, const TemplateOptions& options = {});
/// The same from SMILES text; unparsable text is a refusal too.
TemplateResult make_template(std::string_view smiles, const TemplateOptions& options = {});

}  // namespace molgen3d
