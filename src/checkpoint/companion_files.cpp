#include "checkpoint/companion_files.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace molgen3d {
namespace {

/// Read, or without influence on what is written.
constexpr std::string_view kAppliedOrHarmless[] = {
    "eos_token_id",
    "do_sample",
    "temperature",
    "top_p",
    "top_k",
    "min_p",
    "bos_token_id",
    "pad_token_id",
    "decoder_start_token_id",
    "transformers_version",
    "use_cache",
    "cache_implementation",
    "cache_config",
    "prefill_chunk_size",
    "low_memory",
    "return_dict_in_generate",
    "output_attentions",
    "output_hidden_states",
    "output_scores",
    "output_logits",
    "return_legacy_cache",
    "disable_compile",
    "compile_config",
};

/// Values that leave the answer as it is, by the definitions of transformers.
struct Neutral {
  std::string_view key;
  double value;
};
constexpr Neutral kNeutral[] = {
    {"repetition_penalty", 1},
    {"encoder_repetition_penalty", 1},
    {"no_repeat_ngram_size", 0},
    {"encoder_no_repeat_ngram_size", 0},
    {"length_penalty", 1},
    {"diversity_penalty", 0},
    {"num_beams", 1},
    {"num_beam_groups", 1},
    {"num_return_sequences", 1},
    {"typical_p", 1},
    {"epsilon_cutoff", 0},
    {"eta_cutoff", 0},
    {"penalty_alpha", 0},
    {"guidance_scale", 1},
    {"min_length", 0},
    {"min_new_tokens", 0},
};

bool changes_nothing(const std::string& key, const nlohmann::json& value) {
  if (key.starts_with('_') ||
      std::find(std::begin(kAppliedOrHarmless), std::end(kAppliedOrHarmless), key) !=
          std::end(kAppliedOrHarmless)) {
    return true;
  }
  const bool empty = (value.is_array() || value.is_object() || value.is_string()) && value.empty();
  if (value.is_null() || value == false || empty) return true;
  return std::any_of(std::begin(kNeutral), std::end(kNeutral), [&](const Neutral& neutral) {
    return key == neutral.key && value.is_number() && value.get<double>() == neutral.value;
  });
}

/// "key value", both short and printable; of very many the first ones.
std::vector<std::string> settings_not_applied(const nlohmann::json& object) {
  constexpr size_t kMost = 20, kLongest = 60;
  std::vector<std::string> out;
  size_t more = 0;
  for (const auto& [key, value] : object.items()) {
    if (changes_nothing(key, value)) continue;
    if (out.size() == kMost) {
      ++more;
      continue;
    }
    const bool plain =
        key.size() <= kLongest &&
        key.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789_") == std::string::npos;
    std::string text = value.dump(-1, ' ', true, nlohmann::json::error_handler_t::replace);
    if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
    out.push_back(fmt::format("{} {}", plain ? key : in_quotes(key), text));
  }
  if (more > 0) out.push_back(fmt::format("and {} more", more));
  return out;
}

}  // namespace

GenerationConfig read_generation_config(const nlohmann::json& object, int vocabulary,
                                        const std::string& place, Problems& problems) {
  const JsonFields fields(object, place, problems);
  GenerationConfig config;
  config.end_of_sequence = fields.integers("eos_token_id", 0, std::max<int64_t>(vocabulary, 1) - 1);
  config.do_sample = fields.boolean("do_sample");
  config.temperature = fields.number("temperature", 0, 1e6);
  config.top_p = fields.number("top_p", 0, 1);
  if (config.top_p && static_cast<float>(*config.top_p) == 0) {
    fields.refuse("top_p", "must be above 0 and at most 1");
  }
  config.min_p = fields.number("min_p", 0, 1);
  if (const auto top_k = fields.integer("top_k", 0, INT32_MAX)) {
    config.top_k = static_cast<int>(*top_k);
  }
  config.not_applied = settings_not_applied(object);
  return config;
}

ConformerFormat read_conformer_format(const nlohmann::json& object, const std::string& place,
                                      Problems& problems) {
  constexpr std::array<std::string_view, 4> kKeys = {"decimals", "trailing_zeros",
                                                     "max_integer_digits", "descriptors"};
  const JsonFields fields(object, place, problems);
  for (const auto& [key, value] : object.items()) {
    if (std::find(kKeys.begin(), kKeys.end(), key) == kKeys.end()) {
      fields.problem(fmt::format("unknown key {}", in_quotes(key)));
    }
  }
  ConformerFormat format;
  format.declared = true;
  if (const auto decimals = fields.integer("decimals", 1, kMaxDecimals)) {
    format.numbers.decimals = static_cast<int>(*decimals);
  }
  if (const auto digits = fields.integer("max_integer_digits", 1, kMaxIntegerDigits)) {
    format.numbers.max_integer_digits = static_cast<int>(*digits);
  }
  if (const auto zeros = fields.string("trailing_zeros")) {
    if (*zeros == "strip") {
      format.numbers.zeros = NumberFormat::Zeros::kStrip;
    } else if (*zeros == "fixed") {
      format.numbers.zeros = NumberFormat::Zeros::kFixed;
    } else {
      fields.refuse("trailing_zeros", "must be \"strip\" or \"fixed\"");
    }
  }
  if (const auto descriptors = fields.string("descriptors")) {
    if (*descriptors != "verbatim" && *descriptors != "hcount") {
      fields.refuse("descriptors", "must be \"verbatim\" or \"hcount\"");
    }
    format.hydrogen_counts = *descriptors == "hcount";
  }
  return format;
}

}  // namespace molgen3d
