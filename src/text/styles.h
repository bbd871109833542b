// How a molecule is put into words: the order of its atoms and what stands in their brackets.
#pragma once

#include <cstdint>
#include <string_view>

namespace molgen3d {

enum class SmilesStyle : uint8_t {
  kCanonical,  ///< RDKit's canonical isomeric SMILES
  kAsGiven,    ///< text and atom order as typed
};
/// "canonical", "as-given"; throws Error for another name.
SmilesStyle smiles_style(std::string_view name);
const char* smiles_style_name(SmilesStyle style);

/// What stands in the brackets before `<`. Bracket atoms of the SMILES are always kept byte for
/// byte.
enum class DescriptorStyle : uint8_t {
  kVerbatim,       ///< bare atoms wrapped, nothing added: `[N]`. What `encode` writes by default.
  kHydrogenCount,  ///< hydrogen counts on every bare atom: `[NH2]`, `[CH3]`, `[cH]` (older text)
  kStudy,          ///< the study's logit processors: counts on non-aromatic atoms but carbon
};
/// "verbatim", "hcount", "study"; throws Error for another name.
DescriptorStyle descriptor_style(std::string_view name);
const char* descriptor_style_name(DescriptorStyle style);

}  // namespace molgen3d
