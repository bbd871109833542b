// Checked access to the fields of a JSON object that somebody else wrote. Private to this room.
#pragma once

#include <cstdint>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace molgen3d {

/// Everything wrong with a directory, one line each.
using Problems = std::vector<std::string>;

/// Parses `text`; throws Error naming `place` when it is no JSON object or a key of the top level
/// stands there twice (parsers disagree on which one counts).
nlohmann::json parse_json_object(std::string_view text, const std::string& place);

/// The same for a file. Throws Error when it cannot be read.
nlohmann::json read_json_object(const std::filesystem::path& path);

/// A value as messages show it: short, printable, quoted once.
std::string shown_json(const nlohmann::json& value);

/// Reads fields of one object. A field that is absent or null gives nothing; a field of the wrong
/// type or out of range gives nothing and a line in `problems`.
class JsonFields {
 public:
  JsonFields(const nlohmann::json& object, std::string place, Problems& problems)
      : object_(object), place_(std::move(place)), problems_(problems) {}

  bool has(const char* key) const;                    ///< present and not null
  const nlohmann::json* find(const char* key) const;  ///< null when absent or JSON null
  std::optional<int64_t> integer(const char* key, int64_t least, int64_t most) const;
  std::optional<double> number(const char* key, double least, double most) const;
  std::optional<bool> boolean(const char* key) const;
  std::optional<std::string> string(const char* key) const;
  /// One integer or a list of integers; empty when absent.
  std::vector<int32_t> integers(const char* key, int64_t least, int64_t most) const;

  /// Adds "<place>: <key> <value>: <cause>".
  void refuse(const char* key, std::string_view cause) const;
  /// Adds "<place>: <cause>".
  void problem(std::string_view cause) const;

 private:
  const nlohmann::json& object_;
  std::string place_;
  Problems& problems_;
};

}  // namespace molgen3d
