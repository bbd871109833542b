#include "molecule/cxsmiles.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "base/error.h"

namespace molgen3d {

namespace {

constexpr std::string_view kBlank = " \t\r\n";

std::string_view trimmed(std::string_view text) {
  const size_t begin = text.find_first_not_of(kBlank);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(kBlank) - begin + 1);
}

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

/// The features between the bars. A comma parts features, or the numbers of one.
std::vector<std::string_view> features_of(std::string_view text) {
  std::vector<std::string_view> out;
  for (size_t begin = 0; begin < text.size();) {
    size_t end = begin;
    if (text[begin] == '(' || text[begin] == '$') {
      const size_t close = text.find(text[begin] == '(' ? ')' : '$', begin + 1);
      end = close == std::string_view::npos ? text.size() : close + 1;
    }
    end = std::min(text.find(',', end), text.size());
    const std::string_view part = text.substr(begin, end - begin);
    if (!out.empty() && !part.empty() && is_digit(part.front())) {
      out.back() = {out.back().data(), static_cast<size_t>(text.data() + end - out.back().data())};
    } else if (!part.empty()) {
      out.push_back(part);
    }
    begin = end + 1;
  }
  return out;
}

struct Feature {
  std::string_view start;
  const char* meaning;
  bool changes_molecule;
};

/// ChemAxon's features by how they begin; the first that fits counts.
constexpr std::array<Feature, 26> kFeatures = {{
    {"(", "coordinates", false},
    {"$_AV", "atom values", false},
    {"$", "atom labels", false},
    {"atomProp", "atom properties", false},
    {"a:", "absolute stereo group", false},
    {"&", "stereo group (both isomers); the isomer as drawn stands for it", false},
    {"o", "stereo group (one of two isomers); the isomer as drawn stands for it", false},
    {"r", "relative stereo; the isomer as drawn stands for it", false},
    {"wU:", "bond wedges", false},
    {"wD:", "bond wedges", false},
    {"w:", "wavy bonds", false},
    {"ctu:", "double bond of unknown sides", false},
    {"c:", "cis double bonds", false},
    {"t:", "trans double bonds", false},
    {"f:", "fragment groups", false},
    {"lp:", "lone pairs", false},
    {"SgD:", "data groups", false},
    {"SgH:", "hierarchy of groups", false},
    {"Sg:", "polymer or multiple group", true},
    {"C:", "coordinate bond", true},
    {"D:", "coordinate bond", true},
    {"H:", "hydrogen bond", true},
    {"m:", "bond to several atoms", true},
    {"LN:", "link nodes", true},
    {"RG:", "R groups", true},
    {"LOG=", "R group logic", true},
}};

}  // namespace

std::string_view SmilesField::molecule() const {
  if (extension.empty()) return smiles;
  return {smiles.data(), static_cast<size_t>(extension.data() + extension.size() - smiles.data())};
}

SmilesField split_smiles_field(std::string_view text) {
  SmilesField out;
  text = trimmed(text);
  const size_t space = std::min(text.find_first_of(" \t"), text.size());
  out.smiles = text.substr(0, space);
  out.title = trimmed(text.substr(space));
  if (!out.title.starts_with('|')) return out;
  const size_t close = out.title.find('|', 1);
  if (close == std::string_view::npos) return out;
  out.extension = out.title.substr(0, close + 1);
  out.title = trimmed(out.title.substr(close + 1));
  return out;
}

SmilesExtension read_extension(std::string_view extension) {
  SmilesExtension out;
  if (extension.size() < 2) return out;
  for (const std::string_view part : features_of(extension.substr(1, extension.size() - 2))) {
    if (part.starts_with('^')) {
      if (!out.radicals.empty()) out.radicals += ',';
      out.radicals += part;
      continue;
    }
    const auto* const known =
        std::find_if(kFeatures.begin(), kFeatures.end(),
                     [&](const Feature& feature) { return part.starts_with(feature.start); });
    const bool is_known = known != kFeatures.end();
    const std::string line = fmt::format("CXSMILES {}: {}", in_quotes(part, 24),
                                         is_known ? known->meaning : "unknown feature");
    if (is_known && known->changes_molecule) {
      if (out.refusal.empty()) out.refusal = line + " cannot be carried";
    } else {
      out.notes.push_back(line + (is_known && line.ends_with("for it") ? "" : "; left out"));
    }
  }
  return out;
}

}  // namespace molgen3d
