// The smoke report as JSON: field names of the study's runner, ours beside them.
#include <algorithm>
#include <cmath>
#include <fstream>
#include <iterator>
#include <nlohmann/json.hpp>

#include "analysis/block_statistics.h"
#include "analysis/run_report.h"
#include "base/error.h"

namespace molgen3d {

namespace {

using Json = nlohmann::ordered_json;

Json to_json(const Histogram& histogram) {
  Json out = Json::object();
  for (const auto& [value, times] : histogram.counts) out[std::to_string(value)] = times;
  return out;
}

Histogram histogram_from(const Json& json) {
  Histogram out;
  for (const auto& [value, times] : json.items()) out.add(std::stoi(value), times.get<size_t>());
  return out;
}

Json to_json(const MassSum& sum) {
  return {{"tokens", sum.tokens}, {"removed_nats", sum.removed}, {"surprising", sum.surprising}};
}

MassSum mass_from(const Json& json) {
  return {json.at("tokens"), json.at("removed_nats"), json.at("surprising")};
}

Json to_json(const StereoCount& count) {
  return {{"matched", count.matched},
          {"mismatched", count.mismatched},
          {"undetermined", count.undetermined}};
}

StereoCount stereo_from(const Json& json) {
  return {json.at("matched"), json.at("mismatched"), json.at("undetermined")};
}

// Not a number has no JSON form.
Json number(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? Json(*value) : Json();
}

Json to_json(const RunMetadata& m) {
  Json versions = Json::object();
  for (const auto& [name, value] : m.versions) versions[name] = value;
  return {{"version", m.version},
          {"processor_type", m.processor_type},
          {"timestamp", m.timestamp},
          {"model_alias", m.model_alias},
          {"model_step", m.model_step},
          {"model_path", m.model_path},
          {"tokenizer_name", m.tokenizer_name},
          {"tokenizer_path", m.tokenizer_path},
          {"logit_processor_enabled", m.logit_processor_enabled},
          {"sampling", m.sampling},
          {"batch_size", m.batch_size},
          {"sample_size", m.sample_size},
          {"num_generations", m.num_generations},
          {"total_generations", m.total_generations},
          {"kv_cache", m.kv_cache},
          {"attention", m.attention},
          {"label", m.label},
          {"sampling_description", m.sampling_description},
          {"dataset", m.dataset},
          {"descriptors", m.descriptors},
          {"prompt_style", m.prompt_style},
          {"seed", m.seed},
          {"dtype", m.dtype},
          {"max_new_tokens", m.max_new_tokens},
          {"device", m.device},
          {"host", m.host},
          {"threads", m.threads},
          {"parameters", m.parameters},
          {"audit", m.audit},
          {"versions", versions}};
}

// Reads fields that may be missing: the study's reports lack ours.
template <typename T>
void take(const Json& json, const char* name, T& out) {
  const auto found = json.find(name);
  if (found != json.end() && !found->is_null()) out = found->get<T>();
}

RunMetadata metadata_from(const Json& json) {
  RunMetadata m;
  take(json, "version", m.version);
  take(json, "processor_type", m.processor_type);
  take(json, "timestamp", m.timestamp);
  take(json, "model_alias", m.model_alias);
  take(json, "model_step", m.model_step);
  take(json, "model_path", m.model_path);
  take(json, "tokenizer_name", m.tokenizer_name);
  take(json, "tokenizer_path", m.tokenizer_path);
  take(json, "logit_processor_enabled", m.logit_processor_enabled);
  take(json, "sampling", m.sampling);
  take(json, "batch_size", m.batch_size);
  take(json, "sample_size", m.sample_size);
  take(json, "num_generations", m.num_generations);
  take(json, "total_generations", m.total_generations);
  take(json, "kv_cache", m.kv_cache);
  take(json, "attention", m.attention);
  take(json, "label", m.label);
  take(json, "sampling_description", m.sampling_description);
  take(json, "dataset", m.dataset);
  take(json, "descriptors", m.descriptors);
  take(json, "prompt_style", m.prompt_style);
  take(json, "seed", m.seed);
  take(json, "dtype", m.dtype);
  take(json, "max_new_tokens", m.max_new_tokens);
  take(json, "device", m.device);
  take(json, "host", m.host);
  take(json, "threads", m.threads);
  take(json, "parameters", m.parameters);
  take(json, "audit", m.audit);
  if (const auto versions = json.find("versions"); versions != json.end()) {
    for (const auto& [name, value] : versions->items())
      m.versions.emplace_back(name, value.get<std::string>());
  }
  return m;
}

Json to_json(const RunTimes& t) {
  return {{"load", t.load},
          {"warm_up", t.warm_up},
          {"template", t.template_building},
          {"prefill", t.prefill},
          {"decode", t.decode},
          {"output", t.output},
          {"sample", t.sample},
          {"detokenize", t.detokenize},
          {"other", t.other},
          {"validate", t.validate},
          {"cpu", t.cpu}};
}

void take_times(const Json& json, RunTimes& t) {
  take(json, "time_taken", t.total);
  const auto split = json.find("time_split");
  if (split == json.end()) return;
  take(*split, "load", t.load);
  take(*split, "warm_up", t.warm_up);
  take(*split, "template", t.template_building);
  take(*split, "prefill", t.prefill);
  take(*split, "decode", t.decode);
  take(*split, "output", t.output);
  take(*split, "sample", t.sample);
  take(*split, "detokenize", t.detokenize);
  take(*split, "other", t.other);
  take(*split, "validate", t.validate);
  take(*split, "cpu", t.cpu);
}

// What a passing and a failing sample have in common beyond the study's fields.
void add_own_fields(const SampleRecord& s, Json& out) {
  out["generation"] = s.generation;
  if (!s.title.empty()) out["title"] = s.title;
  out["source"] = s.source;
  out["ended"] = s.ended;
  out["text_kept"] = s.text_kept;
  out["strict"] = s.strict;
  if (!s.strict_cause.empty()) out["strict_cause"] = s.strict_cause;
  out["blocks"] = s.blocks;
  out["junk"] = {{"letters", s.junk_letters}, {"non_numeric", s.junk_non_numeric}};
  out["tokens"] = {{"prompt", s.prompt_tokens},
                   {"sampled", s.sampled_tokens},
                   {"forced", s.forced_tokens},
                   {"passes", s.passes}};
  if (s.stereo) {
    out["stereo"] = {{"centres", to_json(s.stereo->centres)},
                     {"double_bonds", to_json(s.stereo->double_bonds)},
                     {"mirror_image", s.stereo->mirror_image}};
  }
  if (s.log_kept_mass) {
    out["raw_log_probability"] = number(s.raw_log_probability);
    out["log_kept_mass"] = number(s.log_kept_mass);
  }
  if (s.bonds_checked) {
    Json off = Json::array();
    for (const auto& bond : s.off_bonds)
      off.push_back({bond.first, bond.second, number(bond.length), number(bond.expected)});
    out["bonds"] = {{"mean_error", number(s.bond_error)}, {"off", std::move(off)}};
  }
}

Json pass_json(const SampleRecord& s) {
  Json out = {{"prompt_smiles", s.prompt_smiles},
              {"generated_smiles", s.generated_smiles},
              {"smiles_exact_match", s.smiles_exact_match},
              {"has_real_coordinates", s.has_real_coordinates},
              {"parse_success", s.parse_error.empty()},
              {"decoded_text", s.decoded_text}};
  if (!s.all_generations.empty()) out["all_generations"] = s.all_generations;
  add_own_fields(s, out);
  return out;
}

Json failure_json(const SampleRecord& s) {
  Json out = {
      {"prompt_smiles", s.prompt_smiles}, {"issues", s.issues}, {"decoded_text", s.decoded_text}};
  if (!s.parse_error.empty()) out["parse_error"] = s.parse_error;
  out["generation_has_same_molecular_graph"] =
      s.has_conformer ? Json(s.same_graph) : Json("NO_CONFORMER_BLOCK");
  if (s.has_conformer && !s.same_graph) out["extracted_smiles"] = s.generated_smiles;
  if (!s.all_generations.empty()) out["all_generations"] = s.all_generations;
  add_own_fields(s, out);
  return out;
}

SampleRecord sample_from(const Json& json, bool passed) {
  SampleRecord s;
  take(json, "prompt_smiles", s.prompt_smiles);
  take(json, "decoded_text", s.decoded_text);
  take(json, "title", s.title);
  take(json, "source", s.source);
  take(json, "generation", s.generation);
  s.ended = true;
  take(json, "ended", s.ended);
  take(json, "parse_error", s.parse_error);
  take(json, "all_generations", s.all_generations);
  if (passed) {
    take(json, "generated_smiles", s.generated_smiles);
    take(json, "smiles_exact_match", s.smiles_exact_match);
    take(json, "has_real_coordinates", s.has_real_coordinates);
    s.has_conformer = s.same_graph = true;
  } else {
    take(json, "issues", s.issues);
    if (s.issues.empty()) s.issues.emplace_back("no issue given");
    take(json, "extracted_smiles", s.generated_smiles);
    const auto graph = json.find("generation_has_same_molecular_graph");
    s.same_graph = graph != json.end() && graph->is_boolean() && graph->get<bool>();
    s.has_conformer =
        graph == json.end() || !(graph->is_string() && *graph == "NO_CONFORMER_BLOCK");
  }
  take(json, "text_kept", s.text_kept);
  take(json, "strict", s.strict);
  take(json, "strict_cause", s.strict_cause);
  if (const auto junk = json.find("junk"); junk != json.end()) {
    take(json, "blocks", s.blocks);
    take(*junk, "letters", s.junk_letters);
    take(*junk, "non_numeric", s.junk_non_numeric);
  } else {
    const size_t begin = s.decoded_text.find("[CONFORMER]");
    if (begin != std::string::npos) {
      BlockStatistics blocks;
      blocks.add(std::string_view(s.decoded_text).substr(begin));
      s.blocks = blocks.blocks;
      s.junk_letters = blocks.letters;
      s.junk_non_numeric = blocks.non_numeric;
    }
  }
  if (const auto tokens = json.find("tokens"); tokens != json.end()) {
    take(*tokens, "prompt", s.prompt_tokens);
    take(*tokens, "sampled", s.sampled_tokens);
    take(*tokens, "forced", s.forced_tokens);
    take(*tokens, "passes", s.passes);
  }
  if (const auto stereo = json.find("stereo"); stereo != json.end()) {
    s.stereo =
        StereoVerdict{stereo_from(stereo->at("centres")), stereo_from(stereo->at("double_bonds")),
                      stereo->at("mirror_image").get<bool>()};
  }
  const auto optional_number = [&](const char* name, std::optional<double>& out) {
    if (const auto found = json.find(name); found != json.end() && found->is_number())
      out = found->get<double>();
  };
  optional_number("raw_log_probability", s.raw_log_probability);
  optional_number("log_kept_mass", s.log_kept_mass);
  if (const auto bonds = json.find("bonds"); bonds != json.end()) {
    s.bonds_checked = true;
    take(*bonds, "mean_error", s.bond_error);
    for (const Json& bond : bonds->at("off")) {
      const auto value = [&](size_t i) {
        return bond.at(i).is_number() ? bond.at(i).get<float>() : std::nanf("");
      };
      s.off_bonds.push_back({bond.at(0), bond.at(1), value(2), value(3)});
    }
  }
  return s;
}

Json to_json(const RemovedMass& mass) {
  Json positions = Json::array();
  for (const MassSum& sum : mass.by_position) positions.push_back(to_json(sum));
  Json roles = Json::object();
  for (size_t i = 0; i < kTokenRoles; ++i) {
    if (mass.by_role[i].tokens > 0)
      roles[token_role_name(static_cast<TokenRole>(i))] = to_json(mass.by_role[i]);
  }
  return {{"samples", mass.samples},
          {"log_kept", number(mass.log_kept)},
          {"bin_tokens", RemovedMass::kBinTokens},
          {"by_position", positions},
          {"by_role", roles}};
}

RemovedMass removed_from(const Json& json) {
  RemovedMass out;
  out.samples = json.at("samples");
  take(json, "log_kept", out.log_kept);
  for (const Json& sum : json.at("by_position")) out.by_position.push_back(mass_from(sum));
  const Json& roles = json.at("by_role");
  for (size_t i = 0; i < kTokenRoles; ++i) {
    const auto found = roles.find(token_role_name(static_cast<TokenRole>(i)));
    if (found != roles.end()) out.by_role[i] = mass_from(*found);
  }
  return out;
}

Json to_json(const std::vector<std::pair<std::string, Coordinates>>& references) {
  Json out = Json::object();
  for (const auto& [smiles, coordinates] : references) {
    Json points = Json::array();
    for (const Point3& p : coordinates) points.push_back({p.x, p.y, p.z});
    out[smiles] = std::move(points);
  }
  return out;
}

}  // namespace

size_t RunReport::passed() const {
  return static_cast<size_t>(std::count_if(samples.begin(), samples.end(),
                                           [](const SampleRecord& s) { return s.passed(); }));
}

std::string run_report_json(const RunReport& report) {
  Json out;
  out["metadata"] = to_json(report.metadata);
  out["time_taken"] = report.times.total;
  size_t raw = 0;
  size_t clean = 0;
  size_t exact = 0;
  size_t real = 0;
  size_t parse_failures = 0;
  size_t prompt = 0;
  size_t sampled = 0;
  size_t forced = 0;
  size_t passes = 0;
  size_t letters = 0;
  size_t non_numeric = 0;
  size_t blocks = 0;
  for (const SampleRecord& s : report.samples) {
    raw += s.decoded_text.size();
    // The study's "clean" text: no tags.
    size_t tags = 0;
    for (const std::string_view tag : {"[SMILES]", "[/SMILES]", "[CONFORMER]", "[/CONFORMER]"}) {
      for (size_t at = s.decoded_text.find(tag); at != std::string::npos;
           at = s.decoded_text.find(tag, at + tag.size()))
        tags += tag.size();
    }
    clean += s.decoded_text.size() - tags;
    exact += s.smiles_exact_match;
    real += s.has_real_coordinates;
    parse_failures += !s.parse_error.empty();
    prompt += s.prompt_tokens;
    sampled += s.sampled_tokens;
    forced += s.forced_tokens;
    passes += s.passes;
    letters += s.junk_letters;
    non_numeric += s.junk_non_numeric;
    blocks += s.blocks;
  }
  const size_t passed = report.passed();
  out["throughput_chars_per_sec"] =
      report.times.total > 0 ? static_cast<double>(clean) / report.times.total : 0.0;
  out["total_chars_raw"] = raw;
  out["total_chars_clean"] = clean;
  out["num_passed"] = passed;
  out["num_failed"] = report.samples.size() - passed;
  out["summary"] = {{"smiles_exact_matches", exact},
                    {"has_real_coordinates", real},
                    {"total_passes", passed},
                    {"parse_failures", parse_failures}};
  out["time_split"] = to_json(report.times);
  out["tokens"] = {
      {"prompt", prompt}, {"sampled", sampled}, {"forced", forced}, {"passes", passes}};
  out["junk"] = {{"blocks", blocks}, {"letters", letters}, {"non_numeric", non_numeric}};
  if (report.coordinates) {
    out["coordinates"] = {{"tokens_as_written", to_json(report.coordinates->written)},
                          {"drift_isolated", to_json(report.coordinates->drift_isolated)},
                          {"drift_in_context", to_json(report.coordinates->drift_in_context)}};
  }
  if (report.bonds) {
    out["bonds"] = {{"expected", report.bonds->expected},
                    {"tolerance", 0.25},
                    {"samples", report.bonds->samples},
                    {"all_within", report.bonds->all_within},
                    {"bonds", report.bonds->bonds},
                    {"median_error", number(report.bonds->median_error)},
                    {"mean_error", number(report.bonds->mean_error)}};
  }
  if (report.removed) out["removed_mass"] = to_json(*report.removed);
  out["passes"] = Json::array();
  out["failures"] = Json::array();
  Json order = Json::array();  // which list each sample went to, so that the order can be restored
  for (const SampleRecord& s : report.samples) {
    out[s.passed() ? "passes" : "failures"].push_back(s.passed() ? pass_json(s) : failure_json(s));
    order.push_back(s.passed() ? 1 : 0);
  }
  out["order"] = std::move(order);
  Json refused = Json::array();
  for (const RefusedRecord& r : report.refused)
    refused.push_back({{"source", r.source}, {"text", r.text}, {"cause", r.cause}});
  out["refused"] = std::move(refused);
  if (!report.references.empty()) out["references"] = to_json(report.references);
  // A model may write bytes that are no UTF-8; they must not cost the report.
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

RunReport parse_run_report(const std::string& text, const std::string& name) {
  try {
    const Json json = Json::parse(text);
    const auto is_list = [&](const char* name) {
      return json.is_object() && json.contains(name) && json[name].is_array();
    };
    if (!is_list("passes") || !is_list("failures"))
      throw Error::format("{}: not a smoke report (no passes or failures)", name);
    RunReport report;
    if (json.contains("metadata")) report.metadata = metadata_from(json["metadata"]);
    take_times(json, report.times);
    std::vector<SampleRecord> lists[2];
    for (const Json& s : json["failures"]) lists[0].push_back(sample_from(s, false));
    for (const Json& s : json["passes"]) lists[1].push_back(sample_from(s, true));
    size_t next[2] = {0, 0};
    if (const auto order = json.find("order"); order != json.end()) {
      for (const Json& entry : *order) {
        const size_t list = entry.get<int>() != 0 ? 1 : 0;
        if (next[list] < lists[list].size())
          report.samples.push_back(std::move(lists[list][next[list]++]));
      }
    }
    for (const size_t list : {size_t{1}, size_t{0}}) {
      for (; next[list] < lists[list].size(); ++next[list])
        report.samples.push_back(std::move(lists[list][next[list]]));
    }
    if (const auto found = json.find("refused"); found != json.end()) {
      for (const Json& r : *found)
        report.refused.push_back({r.at("source"), r.at("text"), r.at("cause")});
    }
    if (const auto found = json.find("coordinates"); found != json.end()) {
      report.coordinates = TokenStatistics{histogram_from(found->at("tokens_as_written")),
                                           histogram_from(found->at("drift_isolated")),
                                           histogram_from(found->at("drift_in_context"))};
    }
    if (const auto found = json.find("bonds"); found != json.end()) {
      BondSummary bonds;
      take(*found, "expected", bonds.expected);
      take(*found, "samples", bonds.samples);
      take(*found, "all_within", bonds.all_within);
      take(*found, "bonds", bonds.bonds);
      take(*found, "median_error", bonds.median_error);
      take(*found, "mean_error", bonds.mean_error);
      report.bonds = bonds;
    }
    if (const auto found = json.find("removed_mass"); found != json.end())
      report.removed = removed_from(*found);
    if (const auto found = json.find("references"); found != json.end()) {
      for (const auto& [smiles, points] : found->items()) {
        Coordinates coordinates;
        for (const Json& p : points) coordinates.push_back({p.at(0), p.at(1), p.at(2)});
        report.references.emplace_back(smiles, std::move(coordinates));
      }
    }
    return report;
  } catch (const nlohmann::json::exception& error) {
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
