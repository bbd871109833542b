#include "files/finished_mark.h"

#include <sys/xattr.h>

#include <nlohmann/json.hpp>

#include "files/content_hash.h"

namespace molgen3d {

namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kAttribute = "user.molgen3d.run";
constexpr size_t kLargest = size_t{1} << 16;  // no file system keeps more
constexpr size_t kBrief = 40;

}  // namespace

RunIdentity brief_identity(const RunIdentity& identity) {
  RunIdentity out = identity;
  for (auto& [name, value] : out) {
    if (value.size() > kBrief) value = "content " + hash_text(content_hash(value));
  }
  return out;
}

void mark_finished(const std::string& path, const FinishedMark& mark) {
  Json json = {{"content", hash_text(file_hash(path))},
               {"failures", mark.failures},
               {"identity", Json::object()}};
  for (const auto& [name, value] : mark.identity) json["identity"][name] = value;
  const std::string text = json.dump(-1, ' ', false, Json::error_handler_t::replace);
  if (::setxattr(path.c_str(), kAttribute, text.data(), text.size(), 0) != 0)
    ::removexattr(path.c_str(), kAttribute);
}

std::optional<FinishedMark> finished_mark(const std::string& path) {
  std::string text(kLargest, '\0');
  const ssize_t size = ::getxattr(path.c_str(), kAttribute, text.data(), text.size());
  if (size < 0) return std::nullopt;
  text.resize(static_cast<size_t>(size));
  // The attribute is the user's to write: what is not as we write it is no mark.
  const Json json = Json::parse(text, nullptr, false);
  if (!json.is_object() || !json.value("failures", Json()).is_boolean()) return std::nullopt;
  if (json.value("content", Json()) != hash_text(file_hash(path))) return std::nullopt;
  FinishedMark mark;
  mark.failures = json["failures"].get<bool>();
  const Json identity = json.value("identity", Json());
  for (const auto& [name, value] : identity.items()) {
    if (!value.is_string()) return std::nullopt;
    mark.identity.emplace_back(name, value.get<std::string>());
  }
  return mark;
}

}  // namespace molgen3d
