#include "checkpoint/json_fields.h"

#include <cmath>
#include <set>

#include "base/error.h"
#include "base/file_kind.h"
#include "base/json_nesting.h"
#include "base/regular_file.h"

namespace molgen3d {
namespace {

/// A number in quotes looks like the number once it is shown.
const char* not_a_text(const nlohmann::json& field) {
  return field.is_string() ? ", not a text" : "";
}

/// The parser's message without its class name, on one line and short.
std::string parse_cause(const std::exception& error) {
  std::string_view text = error.what();
  if (const size_t end = text.find("] "); end != std::string_view::npos)
    text.remove_prefix(end + 2);
  return in_quotes(text, 160);
}

}  // namespace

nlohmann::json parse_json_object(std::string_view text, const std::string& place) {
  std::set<std::string> keys;
  std::optional<std::string> twice;
  const auto watch = [&](int depth, nlohmann::json::parse_event_t event, nlohmann::json& parsed) {
    if (event == nlohmann::json::parse_event_t::key && depth == 1 &&
        !keys.insert(parsed.get_ref<const std::string&>()).second && !twice) {
      twice = parsed.get<std::string>();
    }
    return true;
  };
  if (json_nesting(text) > kDeepestJson) {
    throw Error::format("{}: nested too deeply, more than {} levels", place, kDeepestJson);
  }
  nlohmann::json object;
  try {
    object = nlohmann::json::parse(text, watch);
  } catch (const nlohmann::json::exception& error) {
    if (const std::string kind = foreign_kind(text); !kind.empty()) {
      throw Error::format("{}: {}", place, kind);
    }
    throw Error::format("{}: not valid JSON: {}", place, parse_cause(error));
  }
  if (!object.is_object()) throw Error::format("{}: not a JSON object", place);
  if (twice) throw Error::format("{}: {} stands there twice", place, in_quotes(*twice));
  return object;
}

nlohmann::json read_json_object(const std::filesystem::path& path) {
  return parse_json_object(RegularFile(path).read(), path.string());
}

std::string shown_json(const nlohmann::json& value) {
  if (value.is_string()) return in_quotes(value.get_ref<const std::string&>(), 120);
  return in_quotes(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), 120);
}

const nlohmann::json* JsonFields::find(const char* key) const {
  const auto field = object_.find(key);
  return field == object_.end() || field->is_null() ? nullptr : &*field;
}

bool JsonFields::has(const char* key) const {
  return find(key) != nullptr;
}

void JsonFields::problem(std::string_view cause) const {
  problems_.push_back(fmt::format("{}: {}", place_, cause));
}

void JsonFields::refuse(const char* key, std::string_view cause) const {
  const nlohmann::json* const field = find(key);
  problem(fmt::format("{} {}: {}", key, field == nullptr ? "null" : shown_json(*field), cause));
}

std::optional<int64_t> JsonFields::integer(const char* key, int64_t least, int64_t most) const {
  const nlohmann::json* const field = find(key);
  if (field == nullptr) return std::nullopt;
  // An unsigned value above the signed range would turn negative on conversion.
  const bool fits = field->is_number_unsigned()
                        ? field->get<uint64_t>() <= static_cast<uint64_t>(INT64_MAX)
                        : field->is_number_integer();
  if (fits) {
    const auto value = field->get<int64_t>();
    if (value >= least && value <= most) return value;
  }
  refuse(key, fmt::format("must be an integer from {} to {}{}", least, most, not_a_text(*field)));
  return std::nullopt;
}

std::optional<double> JsonFields::number(const char* key, double least, double most) const {
  const nlohmann::json* const field = find(key);
  if (field == nullptr) return std::nullopt;
  if (field->is_number()) {
    const auto value = field->get<double>();
    if (std::isfinite(value) && value >= least && value <= most) return value;
  }
  refuse(key, fmt::format("must be a number from {} to {}{}", least, most, not_a_text(*field)));
  return std::nullopt;
}

std::optional<bool> JsonFields::boolean(const char* key) const {
  const nlohmann::json* const field = find(key);
  if (field == nullptr) return std::nullopt;
  if (field->is_boolean()) return field->get<bool>();
  refuse(key, fmt::format("must be true or false{}", not_a_text(*field)));
  return std::nullopt;
}

std::optional<std::string> JsonFields::string(const char* key) const {
  const nlohmann::json* const field = find(key);
  if (field == nullptr) return std::nullopt;
  if (field->is_string()) return field->get<std::string>();
  refuse(key, "must be a text");
  return std::nullopt;
}

std::vector<int32_t> JsonFields::integers(const char* key, int64_t least, int64_t most) const {
  const nlohmann::json* const field = find(key);
  std::vector<int32_t> values;
  if (field == nullptr) return values;
  const auto take = [&](const nlohmann::json& item) {
    if (!item.is_number_integer()) return false;
    if (item.is_number_unsigned() && item.get<uint64_t>() > static_cast<uint64_t>(most))
      return false;
    const auto value = item.get<int64_t>();
    if (value < least || value > most) return false;
    values.push_back(static_cast<int32_t>(value));
    return true;
  };
  bool good = true;
  if (field->is_array()) {
    for (const nlohmann::json& item : *field) good = good && take(item);
  } else {
    good = take(*field);
  }
  if (good) return values;
  refuse(key, fmt::format("must be an integer from {} to {}, or a list of such{}", least, most,
                          not_a_text(*field)));
  return {};
}

}  // namespace molgen3d
