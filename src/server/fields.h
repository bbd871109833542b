// The fields of a JSON object from a request, each taken once; what is left over is an error.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.h"

namespace molgen3d {

/// A request that cannot be done as it is asked for.
class BadRequest : public Error {
 public:
  BadRequest(unsigned status, const std::string& message, std::string param = {})
      : Error(message), status(status), param(std::move(param)) {}
  unsigned status;
  std::string param;  ///< the field; may be empty
};

/// The JSON object of a body. Throws BadRequest for text that is none, or nested too deeply.
nlohmann::json object_of_body(std::string_view body);

/// A field that is null counts as absent. All functions throw BadRequest naming the field.
class Fields {
 public:
  explicit Fields(const nlohmann::json& object) : object_(object) {}

  /// Null when it is absent.
  const nlohmann::json* find(const std::string& name);
  std::optional<std::string> text(const std::string& name);
  std::optional<double> number(const std::string& name);
  std::optional<uint64_t> count(const std::string& name, uint64_t least, uint64_t most);
  std::optional<bool> flag(const std::string& name);
  /// A string, or an array of them with at least one and at most `most`.
  std::optional<std::vector<std::string>> texts(const std::string& name, size_t most);
  /// Takes a field that says nothing when it has one of `values`; any other is not supported.
  void neutral(const std::string& name, const std::vector<nlohmann::json>& values);
  /// After all others: throws for the first field that nobody asked for.
  void no_others() const;

 private:
  const nlohmann::json& object_;
  std::set<std::string> taken_;
};

}  // namespace molgen3d
