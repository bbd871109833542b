#include "checkpoint/model_report.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/regular_file.h"
#include "checkpoint/foreign_weights.h"
#include "checkpoint/json_fields.h"
#include "checkpoint/model_directory.h"
#include "checkpoint/weight_scan.h"

namespace molgen3d {
namespace {

namespace fs = std::filesystem;

/// One more than the largest token id. Only sizes are read: the tokenizer room parses the file.
size_t count_token_ids(const fs::path& path) {
  const nlohmann::json json = read_json_object(path);
  size_t ids = 0;
  const auto take = [&](const nlohmann::json& id, const std::string& where) {
    if (!id.is_number_unsigned() || id.get<uint64_t>() > INT32_MAX) {
      throw Error::format("{}: {}: {} is no token id", path.string(), where, shown_json(id));
    }
    ids = std::max(ids, id.get<size_t>() + 1);
  };
  const auto model = json.find("model");
  if (model == json.end() || !model->is_object() || !model->contains("vocab") ||
      !(*model)["vocab"].is_object()) {
    throw Error::format("{}: no vocabulary object under model", path.string());
  }
  for (const auto& [token, id] : (*model)["vocab"].items()) {
    take(id, "model.vocab." + in_quotes(token));
  }
  const auto added = json.find("added_tokens");
  if (added == json.end() || added->is_null()) return ids;
  if (!added->is_array()) throw Error::format("{}: added_tokens: not a list", path.string());
  for (size_t i = 0; i < added->size(); ++i) {
    const nlohmann::json& token = (*added)[i];
    const std::string where = fmt::format("added_tokens[{}]", i);
    if (!token.is_object() || !token.contains("id")) {
      throw Error::format("{}: {}: not an object with an id", path.string(), where);
    }
    take(token["id"], where + ".id");
  }
  return ids;
}

void check_tokenizer(ModelReport& report) {
  const fs::path path = report.directory / "tokenizer.json";
  if (!is_present(path)) {
    const std::string other = foreign_tokenizer(report.directory);
    report.problems.push_back(
        fmt::format("{}: missing{}{}", path.string(), other.empty() ? "" : "; ", other));
    return;
  }
  try {
    report.tokenizer_ids = count_token_ids(path);
  } catch (const Error& error) {
    report.problems.emplace_back(error.what());
    return;
  }
  if (!report.config) return;
  const auto rows = static_cast<size_t>(report.config->vocabulary);
  if (*report.tokenizer_ids > rows) {
    report.problems.push_back(
        fmt::format("{}: token ids up to {}, but vocab_size is {}: the largest have no embedding",
                    path.string(), *report.tokenizer_ids - 1, rows));
  } else if (*report.tokenizer_ids < rows) {
    report.notes.push_back(fmt::format("{} rows of the embedding belong to no token (padding)",
                                       rows - *report.tokenizer_ids));
  }
  for (const int32_t id : report.generation.end_of_sequence) {
    if (static_cast<size_t>(id) >= *report.tokenizer_ids) {
      report.problems.push_back(fmt::format("{}: end-of-sequence id {} is no token of {} ({} ids)",
                                            report.directory.string(), id, path.filename().string(),
                                            *report.tokenizer_ids));
    }
  }
}

void check_weights(const ModelDirectory& model, ModelReport& report) {
  for (const auto& [name, view] : model.tensors) {
    if (view.bytes.empty()) continue;
    if (const auto index = first_non_finite(view)) {
      report.problems.push_back(fmt::format("{}: tensor {} holds a NaN or an infinity (element {})",
                                            report.directory.string(), name, *index));
    }
  }
}

const char* architecture_name(const ModelConfig& config) {
  return config.has_qk_norm() ? "Qwen3ForCausalLM" : "LlamaForCausalLM";
}

std::string rope_text(const ModelConfig& config) {
  std::string text = fmt::format("theta {}", config.rope_theta);
  if (const auto& scaling = config.rope_scaling) {
    text += fmt::format(", llama3 scaling: factor {}, low {}, high {}, original positions {}",
                        scaling->factor, scaling->low_frequency_factor,
                        scaling->high_frequency_factor, scaling->original_max_positions);
  }
  return text;
}

}  // namespace

ModelReport describe_checkpoint(const fs::path& directory) {
  ModelDirectory model = read_model_directory(directory);
  ModelReport report;
  report.directory = directory;
  report.config = model.config;
  report.generation = std::move(model.generation);
  report.format = std::move(model.format);
  report.weight_files = std::move(model.weight_files);
  report.tensors = model.tensors.size();
  report.problems = std::move(model.problems);
  if (!is_directory_there(directory)) return report;
  std::error_code failure;
  for (const fs::path& file : report.weight_files) {
    const auto size = fs::file_size(file, failure);
    if (!failure) report.weight_file_bytes += size;
  }
  if (!model.ignored.empty()) {
    report.notes.push_back("not needed, ignored: " + joined_list(model.ignored));
  }
  if (!report.generation.not_applied.empty()) {
    report.notes.push_back("generation_config.json: not applied: " +
                           joined_list(report.generation.not_applied));
  }
  if (!report.format.declared) {
    report.notes.emplace_back(
        "no conformer_format.json: numbers with and without trailing zeros are both admitted");
  }
  check_tokenizer(report);
  check_weights(model, report);
  try {
    for (const auto& file : model.files) file->require_unchanged();
  } catch (const Error& error) {
    report.problems.emplace_back(error.what());
  }
  return report;
}

std::string to_text(const ModelReport& report) {
  std::string out;
  const auto line = [&](std::string_view name, const std::string& value) {
    out += fmt::format("{:<22}{}\n", name, value);
  };
  line("directory", report.directory.string());
  if (report.config) {
    const ModelConfig& c = *report.config;
    const size_t element = size_of(c.data_type);
    line("architecture", architecture_name(c));
    line("shape",
         fmt::format("{} layers, hidden {}, feed-forward {}, {} query / {} key-value heads of {}",
                     c.layers, c.hidden, c.intermediate, c.heads, c.kv_heads, c.head_dim));
    line("vocabulary", fmt::format("{} rows", c.vocabulary));
    line("positions", fmt::format("{}, {}", c.max_positions, rope_text(c)));
    line("norm epsilon", fmt::format("{}", c.rms_norm_eps));
    line("parameters, layers",
         fmt::format("{} ({} bytes)", c.layer_parameters(), c.layer_parameters() * element));
    line("parameters, embedding",
         fmt::format("{} ({} bytes){}", c.output_parameters(), c.output_parameters() * element,
                     c.tied_embeddings ? ", is the output matrix too" : ""));
    if (!c.tied_embeddings) {
      line("parameters, output",
           fmt::format("{} ({} bytes)", c.output_parameters(), c.output_parameters() * element));
    }
    line("parameters, total",
         fmt::format("{} ({} bytes)", c.total_parameters(), c.total_parameters() * element));
    line("stored as", data_type_name(c.data_type));
    line("keys and values",
         fmt::format("{} bytes per token in bfloat16, {} in float32", c.kv_elements_per_token() * 2,
                     c.kv_elements_per_token() * 4));
  }
  line("weight files", fmt::format("{} ({} bytes, {} tensors)", report.weight_files.size(),
                                   report.weight_file_bytes, report.tensors));
  line("tokenizer", report.tokenizer_ids
                        ? fmt::format("tokenizer.json, {} ids", *report.tokenizer_ids)
                        : "none");
  std::vector<std::string> ends;
  for (const int32_t id : report.generation.end_of_sequence) ends.push_back(std::to_string(id));
  line("end of sequence", ends.empty() ? "none" : joined_list(ends));
  const NumberFormat& numbers = report.format.numbers;
  line("number format",
       fmt::format("{} decimals, trailing zeros {}, {} integer digits, descriptors {}{}",
                   numbers.decimals, zeros_name(numbers.zeros), numbers.max_integer_digits,
                   report.format.hydrogen_counts ? "hcount" : "verbatim",
                   report.format.declared ? "" : " (default)"));
  const GenerationConfig& g = report.generation;
  std::vector<std::string> sampling;
  if (g.do_sample) sampling.push_back(*g.do_sample ? "sampling" : "greedy");
  if (g.temperature) sampling.push_back(fmt::format("temperature {}", *g.temperature));
  if (g.top_p) sampling.push_back(fmt::format("top_p {}", *g.top_p));
  if (g.top_k) sampling.push_back(fmt::format("top_k {}", *g.top_k));
  if (g.min_p) sampling.push_back(fmt::format("min_p {}", *g.min_p));
  line("generation settings",
       sampling.empty() ? "none" : joined_list(sampling) + " (used by --sampling checkpoint)");
  for (const std::string& note : report.notes) line("note", note);
  for (const std::string& problem : report.problems) line("problem", problem);
  line("usable", report.usable() ? "yes"
                                 : fmt::format("no, {} problem{}", report.problems.size(),
                                               report.problems.size() == 1 ? "" : "s"));
  return out;
}

std::string to_json(const ModelReport& report) {
  nlohmann::ordered_json json = {{"directory", report.directory.string()}};
  if (report.config) {
    const ModelConfig& c = *report.config;
    const size_t element = size_of(c.data_type);
    json["architecture"] = architecture_name(c);
    json["layers"] = c.layers;
    json["hidden"] = c.hidden;
    json["intermediate"] = c.intermediate;
    json["heads"] = c.heads;
    json["kv_heads"] = c.kv_heads;
    json["head_dim"] = c.head_dim;
    json["vocabulary"] = c.vocabulary;
    json["max_positions"] = c.max_positions;
    json["rms_norm_eps"] = c.rms_norm_eps;
    json["rope_theta"] = c.rope_theta;
    if (const auto& scaling = c.rope_scaling) {
      json["rope_scaling"] = {{"type", "llama3"},
                              {"factor", scaling->factor},
                              {"low_frequency_factor", scaling->low_frequency_factor},
                              {"high_frequency_factor", scaling->high_frequency_factor},
                              {"original_max_positions", scaling->original_max_positions}};
    }
    json["tied_embeddings"] = c.tied_embeddings;
    json["data_type"] = data_type_name(c.data_type);
    json["parameters"] = {{"layers", c.layer_parameters()},
                          {"embedding", c.output_parameters()},
                          {"output", c.tied_embeddings ? 0 : c.output_parameters()},
                          {"total", c.total_parameters()}};
    json["weight_bytes"] = c.total_parameters() * element;
    json["kv_bytes_per_token"] = {{"bfloat16", c.kv_elements_per_token() * 2},
                                  {"float32", c.kv_elements_per_token() * 4}};
  }
  json["weight_files"] = nlohmann::json::array();
  for (const fs::path& file : report.weight_files) {
    json["weight_files"].push_back(file.filename().string());
  }
  json["weight_file_bytes"] = report.weight_file_bytes;
  json["tensors"] = report.tensors;
  json["tokenizer_ids"] =
      report.tokenizer_ids ? nlohmann::ordered_json(*report.tokenizer_ids) : nullptr;
  json["end_of_sequence"] = report.generation.end_of_sequence;
  json["number_format"] = {{"declared", report.format.declared},
                           {"decimals", report.format.numbers.decimals},
                           {"trailing_zeros", zeros_name(report.format.numbers.zeros)},
                           {"max_integer_digits", report.format.numbers.max_integer_digits},
                           {"descriptors", report.format.hydrogen_counts ? "hcount" : "verbatim"}};
  nlohmann::ordered_json sampling = nlohmann::ordered_json::object();
  const GenerationConfig& g = report.generation;
  if (g.do_sample) sampling["do_sample"] = *g.do_sample;
  if (g.temperature) sampling["temperature"] = *g.temperature;
  if (g.top_p) sampling["top_p"] = *g.top_p;
  if (g.top_k) sampling["top_k"] = *g.top_k;
  if (g.min_p) sampling["min_p"] = *g.min_p;
  if (!g.not_applied.empty()) sampling["not_applied"] = g.not_applied;
  json["generation"] = sampling;
  json["notes"] = report.notes;
  json["problems"] = report.problems;
  json["usable"] = report.usable();
  // File names need not be UTF-8.
  return json.dump(2, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

}  // namespace molgen3d
