#include "generation/record_output.h"

#include <fmt/ranges.h>

#include <cmath>
#include <new>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/plain_text.h"
#include "files/file_roles.h"
#include "geometry/outcome_counts.h"
#include "molecule/writers.h"

namespace molgen3d {

namespace {

using Json = nlohmann::ordered_json;

/// `2H on atom 5, 3H on atom 7`: hydrogens that the record does not hold.
std::string hydrogen_isotopes(const Molecule& molecule) {
  std::vector<std::string> parts;
  for (size_t i = 0; i < molecule.atom_count(); ++i) {
    for (const AtomLabel& label : molecule.hydrogen_labels(i)) {
      if (label.isotope != 0) parts.push_back(fmt::format("{}H on atom {}", label.isotope, i + 1));
    }
  }
  return fmt::format("{}", fmt::join(parts, ", "));
}

/// What tells the rows of `coordinates` apart.
void add_atoms(const Prompt& prompt, Json& json) {
  const Molecule& molecule = *prompt.molecule;
  Json elements = Json::array();
  Json isotopes = Json::array();
  Json maps = Json::array();
  Json hydrogens = Json::array();
  bool any_isotope = false;
  bool any_map = false;
  for (size_t i = 0; i < molecule.atom_count(); ++i) {
    const AtomLabel label = molecule.label(i);
    elements.push_back(molecule.element(i));
    isotopes.push_back(label.isotope);
    maps.push_back(label.map_number);
    any_isotope |= label.isotope != 0;
    any_map |= label.map_number != 0;
    for (const AtomLabel& hydrogen : molecule.hydrogen_labels(i)) {
      hydrogens.push_back(
          {{"atom", i}, {"isotope", hydrogen.isotope}, {"atom_map", hydrogen.map_number}});
    }
  }
  json["elements"] = std::move(elements);
  json["atom_order"] = prompt.text_template.atom_of_input;
  if (any_isotope) json["isotopes"] = std::move(isotopes);
  if (any_map) json["atom_maps"] = std::move(maps);
  if (!hydrogens.empty()) json["hydrogen_labels"] = std::move(hydrogens);
}

/// What a chemist reads first: does the record hold, or where did it fail last.
std::string geometry_summary(const geometry::Outcome& outcome) {
  if (outcome.satisfied) return "satisfied";
  return fmt::format("outside the hard set: {} at atom {}", geometry::fault_name(outcome.fault),
                     outcome.fault_atom + 1);
}

PropertyList properties_of(const Sample& sample, const Conformer& conformer,
                           const OutputSettings& settings) {
  const Completion& completion = sample.completion;
  PropertyList list = {
      {"SMILES", sample.prompt->text_template.smiles},
      {"SAMPLE", std::to_string(sample.index)},
      {"SEED", std::to_string(settings.seed)},
      {"LOG_PROBABILITY", fmt::format("{:.4f}", completion.masked_log_probability)}};
  if (settings.audit) {
    list.emplace_back("RAW_LOG_PROBABILITY", fmt::format("{:.4f}", completion.raw_log_probability));
    list.emplace_back("LOG_KEPT_MASS", fmt::format("{:.6f}", completion.log_kept_mass));
  }
  if (completion.geometry.checked) {
    const geometry::Outcome& g = completion.geometry;
    list.emplace_back("GEOMETRY", geometry_summary(g));
    list.emplace_back("GEOMETRY_REDRAWS", std::to_string(g.redraws));
    list.emplace_back("GEOMETRY_RETURNS", std::to_string(g.returns));
    list.emplace_back("GEOMETRY_SET_BLOCKS", std::to_string(g.set_blocks));
    list.emplace_back("GEOMETRY_THROWN_TOKENS", std::to_string(g.thrown_tokens));
    list.emplace_back("GEOMETRY_LOG_KEPT", fmt::format("{:.4f}", g.log_kept));
  }
  list.emplace_back("STEREO", stereo_summary(conformer.stereo));
  const Prompt& prompt = *sample.prompt;
  if (!settings.add_hydrogens) {
    if (const std::string text = hydrogen_isotopes(*prompt.molecule); !text.empty())
      list.emplace_back("HYDROGEN_ISOTOPES", text);
  }
  if (!prompt.notes.empty())
    list.emplace_back("NOTES", fmt::format("{}", fmt::join(prompt.notes, "; ")));
  return list;
}

Json geometry_json(const geometry::Outcome& outcome) {
  Json json = {{"satisfied", outcome.satisfied}};
  for (const auto& [name, member] : geometry::kOutcomeCounts) json[name] = outcome.*member;
  json["log_kept"] = outcome.log_kept;
  return json;
}

Json json_of(const Sample& sample, const Conformer& conformer, const OutputSettings& settings) {
  const Prompt& prompt = *sample.prompt;
  const Completion& completion = sample.completion;
  Json json = {{"record", prompt.index}, {"source", prompt.source}, {"title", prompt.title}};
  if (!prompt.input.empty()) json["input"] = prompt.input;
  json["sample"] = sample.index;
  json["seed"] = settings.seed;
  if (!conformer.ok) {
    json["error"] = conformer.cause;
    if (!conformer.text.empty()) json["text"] = conformer.text;
    return json;
  }
  json["smiles"] = prompt.text_template.smiles;
  json["enriched"] = conformer.enriched;
  add_atoms(prompt, json);
  json["units"] = "angstrom";
  Json& rows = json["coordinates"] = Json::array();
  for (const Point3& p : conformer.coordinates) rows.push_back({p.x, p.y, p.z});
  json["log_probability"] = completion.masked_log_probability;
  if (settings.audit) {
    json["raw_log_probability"] = completion.raw_log_probability;
    json["log_kept_mass"] = completion.log_kept_mass;
  }
  json["tokens"] = {{"sampled", completion.sampled_tokens}, {"forced", completion.forced_tokens}};
  json["stereo"] = stereo_summary(conformer.stereo);
  if (completion.geometry.checked) json["geometry"] = geometry_json(completion.geometry);
  if (!completion.log_kept_by_atom.empty())
    json["geometry"]["log_kept_by_atom"] = completion.log_kept_by_atom;
  if (!prompt.notes.empty()) json["notes"] = prompt.notes;
  return json;
}

// Model text may hold bytes that are not UTF-8; they are replaced, never an error.
std::string dump(const Json& json) {
  return json_without_controls(
             json.dump(-1, ' ', false, nlohmann::detail::error_handler_t::replace)) +
         "\n";
}

std::string count_text(const StereoCount& count, const char* what) {
  const size_t wrong = count.mismatched + count.undetermined;
  return wrong == 0 ? "" : fmt::format("{} of {} {} wrong", wrong, count.total(), what);
}

}  // namespace

OutputFormat output_format(const std::string& name) {
  if (name == "sdf") return OutputFormat::kSdf;
  if (name == "xyz") return OutputFormat::kXyz;
  if (name == "enriched") return OutputFormat::kEnriched;
  if (name == "jsonl") return OutputFormat::kJsonLines;
  throw Error::format("unknown output format {}; known: sdf, xyz, enriched, jsonl",
                      in_quotes(name));
}

OutputFormat output_format_of_path(const std::string& path) {
  const std::string ending = output_ending(path);
  if (ending == ".xyz") return OutputFormat::kXyz;
  if (ending == ".jsonl" || ending == ".json") return OutputFormat::kJsonLines;
  if (ending == ".enriched" || ending == ".txt") return OutputFormat::kEnriched;
  if (ending.empty() || ending == ".sdf" || ending == ".sd" || ending == ".mol" ||
      !makes_a_file(path)) {
    return OutputFormat::kSdf;
  }
  throw Error::format(
      "{}: ending {}: not one of .sdf, .sd, .mol, .xyz, .jsonl, .json, .enriched, .txt (each with "
      ".gz too); --format says what to write",
      path, in_quotes(ending));
}

std::string stereo_summary(const StereoVerdict& stereo) {
  if (!stereo.not_judged.empty()) {
    StereoVerdict judged = stereo;
    judged.not_judged.clear();
    const bool any = judged.centres.total() + judged.double_bonds.total() > 0;
    return fmt::format("{}not judged: {}", any ? stereo_summary(judged) + "; " : "",
                       fmt::join(stereo.not_judged, ", "));
  }
  if (stereo.centres.total() + stereo.double_bonds.total() == 0) return "none specified";
  if (stereo.all_matched()) return "ok";
  if (stereo.mirror_image) return "mirror image";
  const std::string centres = count_text(stereo.centres, "centres");
  const std::string bonds = count_text(stereo.double_bonds, "double bonds");
  return centres.empty() || bonds.empty() ? centres + bonds : centres + ", " + bonds;
}

std::string output_record(const Sample& sample, const Conformer& conformer,
                          const OutputSettings& settings) {
  if (settings.format == OutputFormat::kJsonLines)
    return dump(json_of(sample, conformer, settings));
  if (!conformer.ok) return "";
  if (settings.format == OutputFormat::kEnriched) {
    std::string line = conformer.enriched;
    const std::string& title = sample.prompt->title;
    if (!title.empty()) line.append("\t").append(on_one_line(title));
    return line + "\n";
  }
  const Molecule molecule = sample.prompt->molecule->with_coordinates(conformer.coordinates)
                                .with_title(sample.prompt->title);
  const WriteOptions options{.add_hydrogens = settings.add_hydrogens};
  const PropertyList properties = properties_of(sample, conformer, settings);
  return settings.format == OutputFormat::kSdf ? sdf_record(molecule, properties, options)
                                               : xyz_record(molecule, properties, options);
}

std::string written_record(const Sample& sample, Conformer& conformer,
                           const OutputSettings& settings) {
  try {
    return output_record(sample, conformer, settings);
  } catch (const std::bad_alloc&) {
    throw;
  } catch (const std::exception& error) {
    conformer.ok = false;
    conformer.cause = error.what();
  }
  return output_record(sample, conformer, settings);
}

std::string failure_line(const Sample& sample, const Conformer& conformer) {
  return dump(json_of(sample, conformer, {}));
}

}  // namespace molgen3d
