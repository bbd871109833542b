#include "dataset/conformer_lines.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/plain_text.h"
#include "molecule/enriched.h"
#include "molecule/writers.h"
#include "text/tags.h"

namespace molgen3d {
namespace {

/// One conformer as an SDF record; `units` are its coordinates in 1e-4 A.
std::string sdf_of(const Molecule& molecule, const DatasetRecord& out, size_t conformer,
                   const std::vector<int32_t>& units) {
  Coordinates stored;
  for (size_t k = 0; k < units.size(); k += 3) {
    stored.push_back({units[k] / 1e4, units[k + 1] / 1e4, units[k + 2] / 1e4});
  }
  PropertyList properties = {{"SMILES", out.smiles}, {"CONFORMER", std::to_string(conformer)}};
  if (std::isfinite(out.energies[conformer])) {
    properties.emplace_back("ENERGY_KCAL_PER_MOL", fmt::format("{:.4f}", out.energies[conformer]));
  }
  return sdf_record(
      molecule.with_coordinates(stored).with_title(out.title.empty() ? out.smiles : out.title),
      properties);
}

}  // namespace

void write_conformer(const DatasetSettings& settings, const Molecule& molecule,
                     const Template& text_template, const DatasetRecord& out, size_t conformer,
                     const std::vector<int32_t>& units, Product& product) {
  const std::string enriched = fill_template(text_template, units, settings.numbers);
  const nlohmann::ordered_json line = {
      {"canonical_smiles", out.smiles}, {"embedded_smiles", enriched}, {"title", out.title}};
  product.jsonl +=
      json_without_controls(line.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace)) +
      "\n";
  if (settings.write_text) {
    product.text += prompt_text(text_template.smiles) + conformer_text(enriched) + "\n";
  }
  if (settings.write_tsv) {
    product.tsv += fmt::format("{}\t{}\n", out.smiles, fmt::join(units, " "));
  }
  if (settings.write_sdf) product.sdf += sdf_of(molecule, out, conformer, units);
}

}  // namespace molgen3d
