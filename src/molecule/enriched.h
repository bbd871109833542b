// Molecules as enriched text and back (docs/formats.md); the text alone is in text/enriched_text.h.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "molecule/make_template.h"
#include "molecule/molecule.h"
#include "text/enriched_text.h"

namespace molgen3d {

/// The enriched text of a molecule with coordinates, without tags: `[C]<0,0,0>[O]<1.2,0,0>`.
/// Throws Error when there are no coordinates, one is not a number of `format`, or the format
/// cannot carry the molecule.
std::string encode_enriched(const Molecule& molecule, const NumberFormat& format,
                            const TemplateOptions& options = {});

struct DecodeResult {
  std::optional<Molecule> molecule;  ///< atoms and coordinates in text order
  std::string error;                 ///< set when `molecule` is not
};

/// Reads enriched text without tags; descriptors with hydrogen counts (`[NH2]`) are read too.
/// Errors begin as in the study: those of split_enriched(), `Failed to parse rebuilt SMILES: `,
/// `Atom count mismatch: mol has N atoms, coords list has M entries.`, or RDKit's sanitization
/// message. `format` matters at the strict level only. Stereo is the text's, not the coordinates'.
DecodeResult decode_enriched(std::string_view text, DecodeLevel level,
                             const NumberFormat& format = {});

}  // namespace molgen3d
