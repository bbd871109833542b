#include "server/assets.h"

#include <fmt/format.h>
#include <zlib.h>

#include <array>
#include <functional>
#include <stdexcept>

#include "embedded/openchemlib.h"
#include "embedded/server_web.h"
#include "report/samples_browser.h"

namespace molgen3d {

namespace {

constexpr const char* kScript = "text/javascript; charset=utf-8";

std::string from_base64(std::string_view text) {
  constexpr std::string_view kDigits =
      "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  out.reserve(text.size() / 4 * 3);
  uint32_t bits = 0;
  int count = 0;
  for (const char c : text) {
    const size_t digit = kDigits.find(c);
    if (digit == std::string_view::npos) break;  // padding, or the end
    bits = bits << 6 | static_cast<uint32_t>(digit);
    count += 6;
    if (count < 8) continue;
    count -= 8;
    out += static_cast<char>(bits >> count & 0xFF);
  }
  return out;
}

std::string inflated(const std::string& gzip) {
  constexpr int kGzip = 16 + MAX_WBITS;
  z_stream stream{};
  if (inflateInit2(&stream, kGzip) != Z_OK) throw std::runtime_error("zlib: no memory");
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(gzip.data()));
  stream.avail_in = static_cast<uInt>(gzip.size());
  std::string out;
  std::array<char, 1 << 16> part{};
  int status = Z_OK;
  while (status == Z_OK) {
    stream.next_out = reinterpret_cast<Bytef*>(part.data());
    stream.avail_out = static_cast<uInt>(part.size());
    status = inflate(&stream, Z_NO_FLUSH);
    out.append(part.data(), part.size() - stream.avail_out);
  }
  inflateEnd(&stream);
  if (status != Z_STREAM_END) throw std::runtime_error("a library of the page is damaged");
  return out;
}

std::string tag_of(std::string_view text) {
  return fmt::format("\"{:016x}\"", std::hash<std::string_view>{}(text));
}

}  // namespace

std::vector<std::pair<std::string, std::string>> page_fields() {
  // data: is for the cursors of the sketch pad, blob: for pictures that are saved.
  return {{"Content-Security-Policy",
           "default-src 'self'; img-src 'self' data: blob:; object-src 'none'; base-uri 'none'; "
           "form-action 'none'; frame-ancestors 'none'"},
          {"Referrer-Policy", "no-referrer"},
          {"Cross-Origin-Resource-Policy", "same-origin"},
          {"Cross-Origin-Opener-Policy", "same-origin"}};
}

Assets::Assets() {
  add("/", "text/html; charset=utf-8", server_web::kIndexHtml);
  add("/page.css", "text/css; charset=utf-8", server_web::kPageCss);
  add("/icon.svg", "image/svg+xml", server_web::kIconSvg);
  add("/app.js", kScript, server_web::kAppJs);
  add("/records.js", kScript, server_web::kRecordsJs);
  add("/sketch.js", kScript, server_web::kSketchJs);
  add("/table.js", kScript, server_web::kTableJs);
  add("/view.js", kScript, server_web::kViewJs);
  add("/structure.js", kScript, server_web::kStructureJs);
  const ViewerLibrary viewer = viewer_library();
  std::string licences = "molgen3d's page carries:\n";
  if (!viewer.script.empty()) {
    add_packed("/3dmol.js", viewer.script);
    licences += fmt::format("\n{}\n\n{}\n", viewer.name, viewer.licence);
  }
  if (!openchemlib::kLibraryTxt.empty()) {
    add_packed("/openchemlib.js", openchemlib::kLibraryTxt);
    licences += fmt::format("\n{}\n\n{}\n", openchemlib::kNameTxt, openchemlib::kLicenceTxt);
  }
  add("/licences.txt", "text/plain; charset=utf-8", licences);
}

void Assets::add(const std::string& path, const std::string& type, std::string_view text) {
  files_[path] = {type, std::string(text), "", tag_of(text)};
}

void Assets::add_packed(const std::string& path, std::string_view gzip_base64) {
  File& file = files_[path];
  file.content_type = kScript;
  file.gzip = from_base64(gzip_base64);
  file.plain = inflated(file.gzip);
  file.tag = tag_of(file.plain);
}

HttpAnswer Assets::answer(const HttpRequest& request) const {
  const File& file = files_.at(request.path);
  HttpAnswer out;
  out.content_type = file.content_type;
  out.fields = page_fields();
  out.fields.emplace_back("Cache-Control", "no-cache");
  out.fields.emplace_back("ETag", file.tag);
  if (request.if_none_match.find(file.tag) != std::string::npos) {
    out.status = 304;
    return out;
  }
  const bool packed =
      !file.gzip.empty() && request.accept_encoding.find("gzip") != std::string::npos;
  if (!file.gzip.empty()) out.fields.emplace_back("Vary", "Accept-Encoding");
  if (packed) out.fields.emplace_back("Content-Encoding", "gzip");
  out.body = packed ? file.gzip : file.plain;
  return out;
}

}  // namespace molgen3d
