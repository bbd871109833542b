// The smoke report as JSON: field names of the study's runner, ours beside them.
#include <algorithm>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/plain_text.h"
#include "study/run_report.h"
#include "study/run_report_fields.h"
#include "text/tags.h"

namespace molgen3d {

namespace {

using report_fields::Json;

// Sums over all samples.
struct Totals {
  size_t characters = 0, clean = 0;  ///< with tags, without
  size_t exact_matches = 0, real_coordinates = 0, parse_failures = 0;
  size_t prompt = 0, sampled = 0, forced = 0, passes = 0;  ///< tokens; runs of the model
  size_t blocks = 0, letters = 0, non_numeric = 0;
};

size_t characters_of_tags(const std::string& text) {
  size_t sum = 0;
  for (const std::string_view tag : kTags) {
    for (size_t at = text.find(tag); at != std::string::npos; at = text.find(tag, at + tag.size()))
      sum += tag.size();
  }
  return sum;
}

Totals totals_of(const std::vector<SampleRecord>& samples) {
  Totals t;
  for (const SampleRecord& s : samples) {
    t.characters += s.decoded_text.size();
    t.clean += s.decoded_text.size() - characters_of_tags(s.decoded_text);
    t.exact_matches += s.smiles_exact_match;
    t.real_coordinates += s.has_real_coordinates;
    t.parse_failures += !s.parse_error.empty();
    t.prompt += s.prompt_tokens;
    t.sampled += s.sampled_tokens;
    t.forced += s.forced_tokens;
    t.passes += s.passes;
    t.blocks += s.blocks;
    t.letters += s.junk_letters;
    t.non_numeric += s.junk_non_numeric;
  }
  return t;
}

// Samples in their order; `order` says which list each went to. Without it, passes come first.
std::vector<SampleRecord> samples_from(const Json& json) {
  std::vector<SampleRecord> lists[2], out;
  for (const Json& s : json["failures"]) lists[0].push_back(report_fields::sample_from(s, false));
  for (const Json& s : json["passes"]) lists[1].push_back(report_fields::sample_from(s, true));
  size_t next[2] = {0, 0};
  const auto move_one = [&](size_t list) {
    if (next[list] < lists[list].size()) out.push_back(std::move(lists[list][next[list]++]));
  };
  if (const auto order = json.find("order"); order != json.end()) {
    for (const Json& entry : *order) move_one(json_count(entry) != 0 ? 1 : 0);
  }
  for (const size_t list : {size_t{1}, size_t{0}}) {
    while (next[list] < lists[list].size()) move_one(list);
  }
  return out;
}

std::vector<std::pair<std::string, Coordinates>> references_from(const Json& json) {
  std::vector<std::pair<std::string, Coordinates>> out;
  for (const auto& [smiles, points] : json.items()) {
    Coordinates coordinates;
    for (const Json& p : points) coordinates.push_back({p.at(0), p.at(1), p.at(2)});
    out.emplace_back(smiles, std::move(coordinates));
  }
  return out;
}

Json references_json(const std::vector<std::pair<std::string, Coordinates>>& references) {
  Json out = Json::object();
  for (const auto& [smiles, coordinates] : references) {
    Json points = Json::array();
    for (const Point3& p : coordinates) points.push_back({p.x, p.y, p.z});
    out[smiles] = std::move(points);
  }
  return out;
}

}  // namespace

std::string_view SampleRecord::answer() const {
  return after_prompt(decoded_text);
}

size_t RunReport::passed() const {
  return static_cast<size_t>(std::count_if(samples.begin(), samples.end(),
                                           [](const SampleRecord& s) { return s.passed(); }));
}

std::string run_report_json(const RunReport& report) {
  using report_fields::to_json;
  const Totals t = totals_of(report.samples);
  const size_t passed = report.passed();
  Json out;
  out["metadata"] = to_json(report.metadata);
  out["time_taken"] = report.times.total;
  out["throughput_chars_per_sec"] =
      report.times.total > 0 ? static_cast<double>(t.clean) / report.times.total : 0.0;
  out["total_chars_raw"] = t.characters;
  out["total_chars_clean"] = t.clean;
  out["num_passed"] = passed;
  out["num_failed"] = report.samples.size() - passed;
  out["summary"] = {{"smiles_exact_matches", t.exact_matches},
                    {"has_real_coordinates", t.real_coordinates},
                    {"total_passes", passed},
                    {"parse_failures", t.parse_failures}};
  out["time_split"] = to_json(report.times);
  out["tokens"] = {
      {"prompt", t.prompt}, {"sampled", t.sampled}, {"forced", t.forced}, {"passes", t.passes}};
  out["junk"] = {{"blocks", t.blocks}, {"letters", t.letters}, {"non_numeric", t.non_numeric}};
  if (report.coordinates) out["coordinates"] = to_json(*report.coordinates);
  if (report.bonds) out["bonds"] = to_json(*report.bonds);
  if (report.removed) out["removed_mass"] = to_json(*report.removed);
  out["passes"] = Json::array();
  out["failures"] = Json::array();
  Json order = Json::array();
  for (const SampleRecord& s : report.samples) {
    out[s.passed() ? "passes" : "failures"].push_back(to_json(s));
    order.push_back(s.passed() ? 1 : 0);
  }
  out["order"] = std::move(order);
  Json refused = Json::array();
  for (const RefusedRecord& r : report.refused)
    refused.push_back({{"source", r.source}, {"text", r.text}, {"cause", r.cause}});
  out["refused"] = std::move(refused);
  if (!report.references.empty()) out["references"] = references_json(report.references);
  // A model may write bytes that are no UTF-8; they must not cost the report.
  return json_without_controls(out.dump(1, ' ', false, Json::error_handler_t::replace)) + "\n";
}

RunReport parse_run_report(const std::string& text, const std::string& name) {
  try {
    const Json json = Json::parse(text);
    const auto is_list = [&](const char* member) {
      return json.is_object() && json.contains(member) && json[member].is_array();
    };
    if (!is_list("passes") || !is_list("failures"))
      throw Error::format("{}: not a smoke report (no passes or failures)", name);
    RunReport report;
    const auto read = [&](const char* member, auto&& use) {
      if (const auto found = json.find(member); found != json.end()) use(*found);
    };
    read("metadata", [&](const Json& j) { report.metadata = report_fields::metadata_from(j); });
    report.times = report_fields::times_from(json);
    report.samples = samples_from(json);
    read("refused", [&](const Json& j) {
      for (const Json& r : j)
        report.refused.push_back({r.at("source"), r.at("text"), r.at("cause")});
    });
    read("coordinates",
         [&](const Json& j) { report.coordinates = report_fields::coordinates_from(j); });
    read("bonds", [&](const Json& j) { report.bonds = report_fields::bonds_from(j); });
    read("removed_mass", [&](const Json& j) { report.removed = report_fields::removed_from(j); });
    read("references", [&](const Json& j) { report.references = references_from(j); });
    return report;
  } catch (const nlohmann::json::exception& error) {
    throw Error::format("{}: {}", name, error.what());
  } catch (const NotACount& error) {
    throw Error::format("{}: {}", name, error.what());
  } catch (const std::logic_error& error) {  // std::stoi of a histogram's key
    throw Error::format("{}: a count is not a whole number ({})", name, error.what());
  }
}

RunReport read_run_report(const std::filesystem::path& path) {
  std::ifstream file(path, std::ios::binary);
  if (!file) throw Error::format("{}: cannot be opened", path.string());
  const std::string text((std::istreambuf_iterator<char>(file)), std::istreambuf_iterator<char>());
  return parse_run_report(text, path.string());
}

}  // namespace molgen3d
