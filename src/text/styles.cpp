#include "text/styles.h"

#include <array>

#include "base/error.h"

namespace molgen3d {

namespace {

// In the order of the enumerations.
constexpr std::array kSmilesStyles = {"canonical", "as-given"};
constexpr std::array kDescriptorStyles = {"verbatim", "hcount", "study"};

}  // namespace

SmilesStyle smiles_style(std::string_view name) {
  for (size_t i = 0; i < kSmilesStyles.size(); ++i) {
    if (name == kSmilesStyles[i]) return static_cast<SmilesStyle>(i);
  }
  throw Error::format("SMILES style {}: not one of canonical, as-given", in_quotes(name));
}

const char* smiles_style_name(SmilesStyle style) {
  return kSmilesStyles[static_cast<size_t>(style)];
}

DescriptorStyle descriptor_style(std::string_view name) {
  for (size_t i = 0; i < kDescriptorStyles.size(); ++i) {
    if (name == kDescriptorStyles[i]) return static_cast<DescriptorStyle>(i);
  }
  throw Error::format("descriptor style {}: not one of verbatim, hcount, study", in_quotes(name));
}

const char* descriptor_style_name(DescriptorStyle style) {
  return kDescriptorStyles[static_cast<size_t>(style)];
}

}  // namespace molgen3d
