#include "server/access.h"

#include <string>

namespace molgen3d {

namespace {

constexpr std::string_view kBearer = "Bearer ";

/// `name` of `name:port`, `[::1]` of `[::1]:port`.
std::string_view host_name(std::string_view host) {
  if (host.starts_with('[')) return host.substr(0, host.find(']') + 1);
  return host.substr(0, host.find(':'));
}

/// Looks at every byte of `given`, whatever they are.
bool same_secret(std::string_view given, std::string_view secret) {
  unsigned char different = given.size() != secret.size() ? 1 : 0;
  for (size_t i = 0; i < given.size(); ++i) {
    const char against = secret[i % secret.size()];
    different |= static_cast<unsigned char>(given[i] ^ against);
  }
  return different == 0;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

}  // namespace

bool is_loopback(std::string_view address) {
  return address.starts_with("127.") || address == "::1";
}

std::optional<HttpAnswer> refuse_access(const HttpRequest& head, const ServerSettings& settings,
                                        bool work) {
  const std::string host = lower(head.host);
  if (is_loopback(settings.address)) {
    const std::string_view name = host_name(host);
    if (name != "localhost" && name != "[::1]" && !is_loopback(name))
      return error_answer(421, "this server answers as localhost or 127.0.0.1 only");
  }
  if (!head.origin.empty() && lower(head.origin) != "http://" + host &&
      lower(head.origin) != "https://" + host) {
    return error_answer(403, "requests from pages of another origin are refused");
  }
  if (!work || settings.token.empty()) return std::nullopt;
  const std::string_view given = head.authorization;
  const bool right =
      given.starts_with(kBearer) && same_secret(given.substr(kBearer.size()), settings.token);
  if (right) return std::nullopt;
  HttpAnswer answer =
      error_answer(401, "the token is missing or wrong (Authorization: Bearer ...)");
  answer.fields.emplace_back("WWW-Authenticate", "Bearer");
  return answer;
}

}  // namespace molgen3d
