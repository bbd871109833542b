#include "server/fields.h"

#include <algorithm>

#include "base/json_nesting.h"

namespace molgen3d {

namespace {

constexpr size_t kDeepest = 16;
constexpr size_t kShown = 60;

/// What stands there, shortened, safe to print.
std::string shown(const nlohmann::json& value) {
  return in_quotes(value.dump(-1, ' ', false, nlohmann::json::error_handler_t::replace), kShown);
}

[[noreturn]] void refuse(const std::string& name, const nlohmann::json& value,
                         const std::string& wanted) {
  throw BadRequest(400, fmt::format("{}: {} is not {}", name, shown(value), wanted), name);
}

}  // namespace

nlohmann::json object_of_body(std::string_view body) {
  if (json_nesting(body) > kDeepest)
    throw BadRequest(400, fmt::format("the body is nested deeper than {} levels", kDeepest));
  nlohmann::json out;
  try {
    out = nlohmann::json::parse(body);
  } catch (const nlohmann::json::exception& error) {
    std::string cause = error.what();  // `[json.exception.parse_error.101] parse error at ...`
    if (const size_t end = cause.find("] "); end != std::string::npos) cause.erase(0, end + 2);
    throw BadRequest(400, "the body is not JSON: " + in_quotes(cause, 200));
  }
  if (!out.is_object()) throw BadRequest(400, "the body is not a JSON object");
  return out;
}

const nlohmann::json* Fields::find(const std::string& name) {
  taken_.insert(name);
  const auto found = object_.find(name);
  return found == object_.end() || found->is_null() ? nullptr : &*found;
}

std::optional<std::string> Fields::text(const std::string& name) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_string()) refuse(name, *value, "a string");
  return value->get<std::string>();
}

std::optional<double> Fields::number(const std::string& name) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number()) refuse(name, *value, "a number");
  return value->get<double>();
}

std::optional<uint64_t> Fields::count(const std::string& name, uint64_t least, uint64_t most) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_number_unsigned() || value->get<uint64_t>() < least ||
      value->get<uint64_t>() > most) {
    refuse(name, *value, fmt::format("a whole number from {} to {}", least, most));
  }
  return value->get<uint64_t>();
}

std::optional<bool> Fields::flag(const std::string& name) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (!value->is_boolean()) refuse(name, *value, "true or false");
  return value->get<bool>();
}

std::optional<std::vector<std::string>> Fields::texts(const std::string& name, size_t most) {
  const nlohmann::json* value = find(name);
  if (value == nullptr) return std::nullopt;
  if (value->is_string()) return std::vector{value->get<std::string>()};
  const bool fits =
      value->is_array() && !value->empty() && value->size() <= most &&
      std::all_of(value->begin(), value->end(), [](const auto& each) { return each.is_string(); });
  if (!fits) refuse(name, *value, fmt::format("a string, or an array of 1 to {} strings", most));
  return value->get<std::vector<std::string>>();
}

void Fields::neutral(const std::string& name, const std::vector<nlohmann::json>& values) {
  const nlohmann::json* value = find(name);
  if (value == nullptr || std::find(values.begin(), values.end(), *value) != values.end()) return;
  throw BadRequest(400, fmt::format("{}: {} is not supported", name, shown(*value)), name);
}

void Fields::no_others() const {
  for (const auto& [name, value] : object_.items()) {
    if (!taken_.contains(name))
      throw BadRequest(400, fmt::format("unknown field {}", in_quotes(name)), name);
  }
}

}  // namespace molgen3d
