#include "server/request_bodies.h"

#include <limits>

#include "server/fields.h"

namespace molgen3d {

namespace {

constexpr uint64_t kAnyCount = std::numeric_limits<uint64_t>::max();
constexpr size_t kMostStops = 4;  // as OpenAI's

void check_model(Fields& fields, const std::string& model) {
  const auto wanted = fields.text("model");
  if (!wanted || *wanted == model) return;
  throw BadRequest(404, fmt::format("the model {} is not here, only {}", in_quotes(*wanted), model),
                   "model");
}

/// Checked as a float: a number beyond is none.
std::optional<float> law(Fields& fields, const std::string& name) {
  const auto value = fields.number(name);
  if (!value) return std::nullopt;
  return static_cast<float>(*value);
}

void read_law(Fields& fields, RunSettings& settings) {
  settings.seed = fields.count("seed", 0, kAnyCount).value_or(0);
  settings.sampling = fields.text("sampling").value_or(settings.sampling);
  settings.temperature = law(fields, "temperature");
  settings.top_p = law(fields, "top_p");
  settings.min_p = law(fields, "min_p");
  if (const auto top_k = fields.count("top_k", 0, std::numeric_limits<int>::max()))
    settings.top_k = static_cast<int>(*top_k);
}

void read_geometry(Fields& fields, RunSettings& settings) {
  settings.geometry = fields.text("geometry");
  settings.on_failure = fields.text("on_failure").value_or(settings.on_failure);
  settings.geometry_budget = fields.number("geometry_budget").value_or(settings.geometry_budget);
}

}  // namespace

ConformersBody conformers_body(std::string_view body, const std::string& model,
                               const ServerLimits& limits) {
  const nlohmann::json object = object_of_body(body);
  Fields fields(object);
  ConformersBody out;
  check_model(fields, model);
  auto smiles = fields.texts("smiles", limits.molecules);
  if (!smiles) throw BadRequest(400, "smiles: it is missing", "smiles");
  out.smiles = std::move(*smiles);
  RunSettings& settings = out.settings;
  settings.samples = static_cast<uint32_t>(fields.count("n", 1, limits.samples).value_or(1));
  read_law(fields, settings);
  settings.constraint = fields.text("constraint").value_or(settings.constraint);
  settings.prompt = fields.text("prompt").value_or(settings.prompt);
  settings.descriptors = fields.text("descriptors");
  settings.max_new_tokens = static_cast<uint32_t>(
      fields.count("max_new_tokens", 1, std::numeric_limits<uint32_t>::max()).value_or(0));
  read_geometry(fields, settings);
  out.records.format = output_format(fields.text("format").value_or("sdf"));
  out.records.add_hydrogens = fields.flag("add_hydrogens").value_or(false);
  out.records.seed = settings.seed;
  out.with_sdf = fields.flag("with_sdf").value_or(false);
  if (out.with_sdf && out.records.format != OutputFormat::kJsonLines)
    throw BadRequest(400, "with_sdf: only with format jsonl", "with_sdf");
  fields.no_others();
  return out;
}

CompletionsBody completions_body(std::string_view body, const std::string& model,
                                 const ServerLimits& limits) {
  const nlohmann::json object = object_of_body(body);
  Fields fields(object);
  CompletionsBody out;
  check_model(fields, model);
  auto prompts = fields.texts("prompt", limits.prompts);
  if (!prompts) throw BadRequest(400, "prompt: it is missing", "prompt");
  out.prompts = std::move(*prompts);
  RunSettings& settings = out.settings;
  settings.samples = static_cast<uint32_t>(fields.count("n", 1, limits.samples).value_or(1));
  read_law(fields, settings);
  settings.max_new_tokens = static_cast<uint32_t>(
      fields.count("max_tokens", 1, std::numeric_limits<uint32_t>::max()).value_or(0));
  settings.constraint = fields.text("constraint").value_or("none");
  if (settings.constraint != "none" && settings.constraint != "exact") {
    throw BadRequest(
        400, fmt::format("constraint: {} is not none or exact", in_quotes(settings.constraint)),
        "constraint");
  }
  settings.prompt = "as-given";
  read_geometry(fields, settings);
  if (!settings.geometry) settings.geometry = "off";
  out.stops = fields.texts("stop", kMostStops).value_or(std::vector<std::string>{});
  for (const std::string& stop : out.stops) {
    if (stop.empty()) throw BadRequest(400, "stop: an empty text stops everything", "stop");
  }
  out.stream = fields.flag("stream").value_or(false);
  if (const nlohmann::json* options = fields.find("stream_options")) {
    if (!options->is_object())
      throw BadRequest(400, "stream_options: not an object", "stream_options");
    Fields inner(*options);
    out.stream_usage = inner.flag("include_usage").value_or(false);
    inner.neutral("include_obfuscation", {false});
    inner.no_others();
  }
  // What OpenAI's clients may send and what is the same with or without.
  fields.text("user");
  fields.neutral("echo", {false});
  fields.neutral("best_of", {1, settings.samples});
  fields.neutral("suffix", {""});
  fields.neutral("logprobs", {});
  fields.neutral("logit_bias", {nlohmann::json::object()});
  fields.neutral("frequency_penalty", {0});
  fields.neutral("presence_penalty", {0});
  fields.no_others();
  return out;
}

EtkdgBody etkdg_body(std::string_view body, const ServerLimits& limits) {
  constexpr uint64_t kMostSeed = 0x7FFFFFFF;  // RDKit's seeds are ints
  const nlohmann::json object = object_of_body(body);
  Fields fields(object);
  EtkdgBody out;
  const auto smiles = fields.text("smiles");
  if (!smiles) throw BadRequest(400, "smiles: it is missing", "smiles");
  out.smiles = *smiles;
  out.conformers = static_cast<uint32_t>(fields.count("n", 1, limits.embedded_samples).value_or(1));
  out.seed = fields.count("seed", 0, kMostSeed).value_or(0);
  out.add_hydrogens = fields.flag("add_hydrogens").value_or(false);
  fields.no_others();
  return out;
}

BatchLine batch_line(std::string_view line) {
  const nlohmann::json object = object_of_body(line);
  Fields fields(object);
  BatchLine out;
  const auto id = fields.text("custom_id");
  if (!id) throw BadRequest(400, "custom_id: it is missing", "custom_id");
  out.custom_id = *id;
  if (const auto method = fields.text("method"); method && *method != "POST")
    throw BadRequest(400, fmt::format("method: {} is not POST", in_quotes(*method)), "method");
  out.url = fields.text("url").value_or("");
  if (out.url != "/v1/conformers" && out.url != "/v1/completions") {
    throw BadRequest(
        400, fmt::format("url: {} is not /v1/conformers or /v1/completions", in_quotes(out.url)),
        "url");
  }
  const nlohmann::json* body = fields.find("body");
  if (body == nullptr || !body->is_object())
    throw BadRequest(400, "body: it is missing, or no object", "body");
  out.body = body->dump();
  fields.no_others();
  return out;
}

}  // namespace molgen3d
