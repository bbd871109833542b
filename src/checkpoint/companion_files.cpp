#include "checkpoint/companion_files.h"

#include <algorithm>
#include <array>

#include "base/error.h"

namespace molgen3d {

GenerationConfig read_generation_config(const nlohmann::json& object, int vocabulary,
                                        const std::string& place, Problems& problems) {
  const JsonFields fields(object, place, problems);
  GenerationConfig config;
  config.end_of_sequence = fields.integers("eos_token_id", 0, std::max<int64_t>(vocabulary, 1) - 1);
  config.do_sample = fields.boolean("do_sample");
  config.temperature = fields.number("temperature", 0, 1e6);
  config.top_p = fields.number("top_p", 0, 1);
  if (const auto top_k = fields.integer("top_k", 0, INT32_MAX)) {
    config.top_k = static_cast<int>(*top_k);
  }
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
  if (const auto decimals = fields.integer("decimals", 1, 4)) {
    format.numbers.decimals = static_cast<int>(*decimals);
  }
  if (const auto digits = fields.integer("max_integer_digits", 1, 3)) {
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
