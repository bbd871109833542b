// Enriched SMILES: every atom in brackets, followed by its coordinates. docs/formats.md
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "molecule/make_template.h"
#include "molecule/molecule.h"
#include "text/number_format.h"

namespace molgen3d {

/// The enriched text of a molecule with coordinates, without tags: `[C]<0,0,0>[O]<1.2,0,0>`.
/// Throws Error when there are no coordinates, one is not a number of `format`, or the format
/// cannot carry the molecule.
std::string encode_enriched(const Molecule& molecule, const NumberFormat& format,
                            const TemplateOptions& options = {});

/// The template's literals with numbers in their holes; coordinates in text order.
std::string fill_template(const Template& text_template, const Coordinates& text_order,
                          const NumberFormat& format);
/// The same from coordinates in 1e-4 A: x, y, z of each atom in text order.
std::string fill_template(const Template& text_template, const std::vector<int32_t>& units,
                          const NumberFormat& format);

enum class DecodeLevel : uint8_t {
  kStrict,   ///< each block is exactly three numbers of the format
  kLenient,  ///< the study's decoder: three comma fields, the last number found in each counts
};

struct DecodeResult {
  std::optional<Molecule> molecule;  ///< atoms and coordinates in text order
  std::string error;                 ///< set when `molecule` is not
};

/// Reads enriched text without tags; descriptors with hydrogen counts (`[NH2]`) are read too.
/// Errors begin as in the study: `Unrecognized enriched fragment: `, `Unparsed trailing enriched
/// fragment: `, `Bad coord triplet: `, `Bad float token: `, `Failed to parse rebuilt SMILES: `,
/// `Atom count mismatch: mol has N atoms, coords list has M entries.`, or RDKit's sanitization
/// message. `format` matters at the strict level only. Stereo is the text's, not the coordinates'.
DecodeResult decode_enriched(std::string_view text, DecodeLevel level,
                             const NumberFormat& format = {});

/// Reads an answer that must be `text_template` to the last byte around numbers of `format` (text
/// order). No chemistry, so it is quick. On a mismatch: nothing, and `cause` (when given) says
/// where.
std::optional<Coordinates> match_template(std::string_view text, const Template& text_template,
                                          const NumberFormat& format, std::string* cause = nullptr);

/// The plain SMILES of enriched text as the study derives it: white space and `<...>` dropped,
/// `[CH3]`, `[cH]` -> `C`, `c`, brackets around organic-subset symbols dropped, the rest kept.
std::string strip_smiles(std::string_view enriched);

/// Text between the first `open` and the first `close` after it; nothing when either is missing.
std::optional<std::string_view> extract_block(std::string_view text, std::string_view open,
                                              std::string_view close);

}  // namespace molgen3d
