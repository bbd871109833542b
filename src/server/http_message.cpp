#include "server/http_message.h"

#include <nlohmann/json.hpp>

namespace molgen3d {

std::string_view status_text(unsigned status) {
  switch (status) {
    case 200:
      return "OK";
    case 304:
      return "Not Modified";
    case 400:
      return "Bad Request";
    case 401:
      return "Unauthorized";
    case 403:
      return "Forbidden";
    case 404:
      return "Not Found";
    case 405:
      return "Method Not Allowed";
    case 408:
      return "Request Timeout";
    case 411:
      return "Length Required";
    case 413:
      return "Payload Too Large";
    case 415:
      return "Unsupported Media Type";
    case 421:
      return "Misdirected Request";
    case 422:
      return "Unprocessable Entity";
    case 429:
      return "Too Many Requests";
    case 431:
      return "Request Header Fields Too Large";
    case 500:
      return "Internal Server Error";
    case 503:
      return "Service Unavailable";
    case 504:
      return "Gateway Timeout";
    default:
      return "Error";
  }
}

HttpAnswer error_answer(unsigned status, std::string_view message, std::string_view param) {
  using Json = nlohmann::ordered_json;
  const Json error = {{"message", message},
                      {"type", status < 500 ? "invalid_request_error" : "server_error"},
                      {"param", param.empty() ? Json(nullptr) : Json(param)},
                      {"code", status}};
  HttpAnswer answer;
  answer.status = status;
  // What was typed is quoted in the message and need not be UTF-8.
  answer.body =
      Json{{"error", error}}.dump(-1, ' ', false, nlohmann::detail::error_handler_t::replace) +
      "\n";
  return answer;
}

}  // namespace molgen3d
