// Settings and times of a run as JSON. One list of names serves writing and reading.
#include "study/run_report_fields.h"

namespace molgen3d::report_fields {

namespace {

/// Calls field(name, member) for every member but `versions`, in the order of the file.
template <typename Metadata, typename Field>
void each_field(Metadata& m, Field&& field) {
  field("version", m.version);
  field("processor_type", m.processor_type);
  field("timestamp", m.timestamp);
  field("model_alias", m.model_alias);
  field("model_step", m.model_step);
  field("model_path", m.model_path);
  field("tokenizer_name", m.tokenizer_name);
  field("tokenizer_path", m.tokenizer_path);
  field("logit_processor_enabled", m.logit_processor_enabled);
  field("sampling", m.sampling);
  field("batch_size", m.batch_size);
  field("sample_size", m.sample_size);
  field("num_generations", m.num_generations);
  field("total_generations", m.total_generations);
  field("kv_cache", m.kv_cache);
  field("attention", m.attention);
  field("label", m.label);
  field("sampling_description", m.sampling_description);
  field("dataset", m.dataset);
  field("descriptors", m.descriptors);
  field("prompt_style", m.prompt_style);
  field("seed", m.seed);
  field("dtype", m.dtype);
  field("max_new_tokens", m.max_new_tokens);
  field("device", m.device);
  field("host", m.host);
  field("threads", m.threads);
  field("parameters", m.parameters);
  field("audit", m.audit);
  field("profiled", m.profiled);
}

template <typename Times, typename Field>
void each_part(Times& t, Field&& field) {
  field("load", t.load);
  field("warm_up", t.warm_up);
  field("template", t.template_building);
  field("prefill", t.prefill);
  field("decode", t.decode);
  field("output", t.output);
  field("sample", t.sample);
  field("detokenize", t.detokenize);
  field("other", t.other);
  field("validate", t.validate);
  field("cpu", t.cpu);
}

}  // namespace

Json to_json(const RunMetadata& metadata) {
  Json out = Json::object();
  each_field(metadata, [&](const char* name, const auto& member) { out[name] = member; });
  Json& versions = out["versions"] = Json::object();
  for (const auto& [name, value] : metadata.versions) versions[name] = value;
  for (const auto& [name, value] : metadata.identity) out["identity"][name] = value;
  return out;
}

RunMetadata metadata_from(const Json& json) {
  RunMetadata out;
  each_field(out, [&](const char* name, auto& member) { take(json, name, member); });
  if (const auto versions = json.find("versions"); versions != json.end()) {
    for (const auto& [name, value] : versions->items())
      out.versions.emplace_back(name, value.get<std::string>());
  }
  if (const auto identity = json.find("identity"); identity != json.end()) {
    for (const auto& [name, value] : identity->items())
      out.identity.emplace_back(name, value.get<std::string>());
  }
  return out;
}

Json to_json(const RunTimes& times) {
  Json out = Json::object();
  each_part(times, [&](const char* name, const auto& member) { out[name] = member; });
  return out;
}

RunTimes times_from(const Json& report) {
  RunTimes out;
  take(report, "time_taken", out.total);
  const auto split = report.find("time_split");
  if (split == report.end()) return out;
  each_part(out, [&](const char* name, auto& member) { take(*split, name, member); });
  return out;
}

}  // namespace molgen3d::report_fields
