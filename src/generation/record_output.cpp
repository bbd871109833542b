#include "generation/record_output.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/plain_text.h"
#include "files/file_roles.h"
#include "molecule/writers.h"

namespace molgen3d {

namespace {

using Json = nlohmann::ordered_json;

PropertyList properties_of(const Sample& sample, const Conformer& conformer,
                           const OutputSettings& settings) {
  const Completion& completion = sample.completion;
  PropertyList list = {
      {"SMILES", sample.prompt->skeleton.smiles},
      {"SAMPLE", std::to_string(sample.index)},
      {"SEED", std::to_string(settings.seed)},
      {"LOG_PROBABILITY", fmt::format("{:.4f}", completion.masked_log_probability)}};
  if (settings.audit) {
    list.emplace_back("RAW_LOG_PROBABILITY", fmt::format("{:.4f}", completion.raw_log_probability));
    list.emplace_back("LOG_KEPT_MASS", fmt::format("{:.6f}", completion.log_kept_mass));
  }
  list.emplace_back("STEREO", stereo_summary(conformer.stereo));
  return list;
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
  json["smiles"] = prompt.skeleton.smiles;
  json["enriched"] = conformer.enriched;
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

std::string failure_line(const Sample& sample, const Conformer& conformer) {
  return dump(json_of(sample, conformer, {}));
}

}  // namespace molgen3d
