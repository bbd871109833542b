// Enriched SMILES as text: every atom in brackets, followed by its coordinates (docs/formats.md).
// Filled, split, compared and stripped without chemistry.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/coordinates.h"
#include "text/number_format.h"
#include "text/template.h"

namespace molgen3d {

/// The literals with numbers in their holes; coordinates in text order. Throws Error for another
/// number of coordinates, or one that is no number of `format`.
std::string fill_template(const Template& text_template, const Coordinates& text_order,
                          const NumberFormat& format);
/// The same from coordinates in 1e-4 A: x, y, z of each atom in text order.
std::string fill_template(const Template& text_template, const std::vector<int32_t>& units,
                          const NumberFormat& format);

enum class DecodeLevel : uint8_t {
  kStrict,   ///< each block is exactly three numbers of the format
  kLenient,  ///< the study's decoder: three comma fields, the last number found in each counts
};

struct SplitText {
  std::string smiles;       ///< brackets around organic-subset symbols dropped, others kept
  Coordinates coordinates;  ///< one per block
  std::string error;        ///< empty when all was read
};

/// Splits enriched text without tags. Errors begin as in the study: `Unrecognized enriched
/// fragment: `, `Unparsed trailing enriched fragment: `, `Bad coord triplet: `, `Bad float token:
/// `. `format` matters at the strict level only.
SplitText split_enriched(std::string_view text, DecodeLevel level, const NumberFormat& format = {});

/// Reads an answer that must be the template to the last byte around numbers of `format` (text
/// order). On a mismatch: nothing, and `cause` (when given) says where.
std::optional<Coordinates> match_template(std::string_view text, const Template& text_template,
                                          const NumberFormat& format, std::string* cause = nullptr);

/// True when the text around the blocks is the template's, byte for byte, whatever the blocks hold.
bool keeps_literals(std::string_view text, const Template& text_template);

/// The plain SMILES of enriched text as the study derives it: white space and `<...>` dropped,
/// `[CH3]`, `[cH]` -> `C`, `c`, brackets around organic-subset symbols dropped, the rest kept.
std::string strip_smiles(std::string_view enriched);

/// Calls visit(block) for the text between each `<` and the next `>`.
template <typename Visit>
void for_each_block(std::string_view text, Visit&& visit) {
  for (size_t open = text.find('<'); open != std::string_view::npos;) {
    const size_t close = text.find('>', open);
    if (close == std::string_view::npos) return;
    visit(text.substr(open + 1, close - open - 1));
    open = text.find('<', close);
  }
}

}  // namespace molgen3d
