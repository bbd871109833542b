// The files of the page, compiled into the program: the only files that a request gets.
#pragma once

#include <map>
#include <string>

#include "server/http_message.h"

namespace molgen3d {

class Assets {
 public:
  Assets();

  bool has(const std::string& path) const { return files_.contains(path); }
  /// The answer for a path that it has: compressed where the reader takes that, 304 where the
  /// reader holds it already.
  HttpAnswer answer(const HttpRequest& request) const;

  bool viewer() const { return has("/3dmol.js"); }
  bool sketch() const { return has("/openchemlib.js"); }

 private:
  struct File {
    std::string content_type;
    std::string plain;
    std::string gzip;  ///< empty: only plain
    std::string tag;   ///< of this content
  };
  void add(const std::string& path, const std::string& type, std::string_view text);
  void add_packed(const std::string& path, std::string_view gzip_base64);

  std::map<std::string, File> files_;
};

/// Fields of every answer that a browser shows: scripts, styles and requests of this server only.
std::vector<std::pair<std::string, std::string>> page_fields();

}  // namespace molgen3d
