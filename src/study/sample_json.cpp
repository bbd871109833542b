// One sample of a run as JSON: the study's fields, ours beside them.
#include "study/block_statistics.h"
#include "study/run_report_fields.h"
#include "text/tags.h"

namespace molgen3d::report_fields {

namespace {

Json to_json(const StereoCount& count) {
  return {{"matched", count.matched},
          {"mismatched", count.mismatched},
          {"undetermined", count.undetermined}};
}

StereoCount stereo_from(const Json& json) {
  return {json_count(json.at("matched")), json_count(json.at("mismatched")),
          json_count(json.at("undetermined"))};
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

// The fields that only a passing or only a failing sample has.
void take_verdict(const Json& json, bool passed, SampleRecord& s) {
  if (passed) {
    take(json, "generated_smiles", s.generated_smiles);
    take(json, "smiles_exact_match", s.smiles_exact_match);
    take(json, "has_real_coordinates", s.has_real_coordinates);
    s.has_conformer = s.same_graph = true;
    return;
  }
  take(json, "issues", s.issues);
  if (s.issues.empty()) s.issues.emplace_back("no issue given");
  take(json, "extracted_smiles", s.generated_smiles);
  const auto graph = json.find("generation_has_same_molecular_graph");
  s.same_graph = graph != json.end() && graph->is_boolean() && graph->get<bool>();
  s.has_conformer = graph == json.end() || !(graph->is_string() && *graph == "NO_CONFORMER_BLOCK");
}

// Counted from the text where a report of the study does not say.
void take_junk(const Json& json, SampleRecord& s) {
  if (const auto junk = json.find("junk"); junk != json.end()) {
    take(json, "blocks", s.blocks);
    take(*junk, "letters", s.junk_letters);
    take(*junk, "non_numeric", s.junk_non_numeric);
    return;
  }
  const size_t begin = s.decoded_text.find(kConformerTag);
  if (begin == std::string::npos) return;
  BlockStatistics blocks;
  blocks.add(std::string_view(s.decoded_text).substr(begin));
  s.blocks = blocks.blocks;
  s.junk_letters = blocks.letters;
  s.junk_non_numeric = blocks.non_numeric;
}

void take_bonds(const Json& json, SampleRecord& s) {
  const auto bonds = json.find("bonds");
  if (bonds == json.end()) return;
  s.bonds_checked = true;
  take(*bonds, "mean_error", s.bond_error);
  for (const Json& bond : bonds->at("off")) {
    const auto value = [&](size_t i) {
      return bond.at(i).is_number() ? bond.at(i).get<float>() : std::nanf("");
    };
    s.off_bonds.push_back(
        {json_count<uint32_t>(bond.at(0)), json_count<uint32_t>(bond.at(1)), value(2), value(3)});
  }
}

}  // namespace

Json to_json(const SampleRecord& sample) {
  return sample.passed() ? pass_json(sample) : failure_json(sample);
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
  take_verdict(json, passed, s);
  take(json, "text_kept", s.text_kept);
  take(json, "strict", s.strict);
  take(json, "strict_cause", s.strict_cause);
  take_junk(json, s);
  if (const auto tokens = json.find("tokens"); tokens != json.end()) {
    take(*tokens, "prompt", s.prompt_tokens);
    take(*tokens, "sampled", s.sampled_tokens);
    take(*tokens, "forced", s.forced_tokens);
    take(*tokens, "passes", s.passes);
  }
  if (const auto stereo = json.find("stereo"); stereo != json.end()) {
    s.stereo = StereoVerdict{stereo_from(stereo->at("centres")),
                             stereo_from(stereo->at("double_bonds")),
                             stereo->at("mirror_image").get<bool>(),
                             {}};
  }
  const auto optional_number = [&](const char* name, std::optional<double>& out) {
    if (const auto found = json.find(name); found != json.end() && found->is_number())
      out = found->get<double>();
  };
  optional_number("raw_log_probability", s.raw_log_probability);
  optional_number("log_kept_mass", s.log_kept_mass);
  take_bonds(json, s);
  return s;
}

}  // namespace molgen3d::report_fields
