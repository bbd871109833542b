// A request as the service sees it, and where its answer goes. No sockets.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace molgen3d {

struct HttpRequest {
  std::string method;
  std::string path;  ///< without the query
  std::string host, origin, authorization, content_type, accept_encoding, if_none_match;
  size_t content_length = 0;  ///< as announced; 0 when it is not
  std::string body;
};

struct HttpAnswer {
  unsigned status = 200;
  std::string content_type = "application/json";
  std::vector<std::pair<std::string, std::string>> fields{};
  std::string body{};
};

/// {"error": {"message", "type", "param", "code"}}, the shape of OpenAI's errors.
HttpAnswer error_answer(unsigned status, std::string_view message, std::string_view param = {});

/// "Too Many Requests" for 429.
std::string_view status_text(unsigned status);

/// Where the answer to one request goes. Any thread may call; nothing throws, blocks or fails: what
/// is written for a reader who is gone is dropped.
class Responder {
 public:
  virtual ~Responder() = default;
  /// A whole answer.
  virtual void answer(HttpAnswer answer) = 0;
  /// Instead: head, parts and end of one that comes as it is made. `answer.body` is the first part.
  virtual void begin(HttpAnswer answer) = 0;
  virtual void write(std::string part) = 0;
  /// `trailers` are fields that follow the last part.
  virtual void end(std::vector<std::pair<std::string, std::string>> trailers) = 0;
  /// Breaks the connection, so that the reader knows that there should have been more.
  virtual void abort() = 0;
  /// The reader is slow: nothing further should be made for it until the room callback.
  virtual bool crowded() const = 0;
  /// `room`: there is room again after crowded(). `gone`: the reader has left; at most once. Called
  /// from a thread of the server's, perhaps before this returns.
  virtual void watch(std::function<void()> room, std::function<void()> gone) = 0;
};

}  // namespace molgen3d
