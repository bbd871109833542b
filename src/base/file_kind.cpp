#include "base/file_kind.h"

#include <algorithm>
#include <cctype>

namespace molgen3d {
namespace {

using namespace std::string_view_literals;

struct Kind {
  std::string_view magic;
  const char* name;
};

constexpr Kind kKinds[] = {
    {"version https://git-lfs.github.com/spec/"sv,
     "a Git LFS pointer, not the file itself (`git lfs pull` fetches it)"},
    {"GGUF"sv, "a GGUF file (llama.cpp); weights are read from safetensors"},
    {"PK\x03\x04"sv,
     "a zip archive, as PyTorch writes its .bin and .pt files; weights are read from safetensors"},
    {"\x80\x02"sv, "a Python pickle, as PyTorch writes them; weights are read from safetensors"},
    {"\x80\x03"sv, "a Python pickle, as PyTorch writes them; weights are read from safetensors"},
    {"\x80\x04"sv, "a Python pickle, as PyTorch writes them; weights are read from safetensors"},
    {"\x89HDF\r\n"sv, "an HDF5 file (Keras); weights are read from safetensors"},
    {"\x1F\x8B"sv, "gzip-compressed data: decompress it first"},
    {"\xFD\x37zXZ"sv, "xz-compressed data: decompress it first"},
    {"BZh"sv, "bzip2-compressed data: decompress it first"},
    {"\x28\xB5\x2F\xFD"sv, "zstd-compressed data: decompress it first"},
};

/// "<!DOCTYPE html" or "<html", after white space.
bool is_web_page(std::string_view head) {
  const size_t begin = head.find_first_not_of(" \t\r\n");
  if (begin == std::string_view::npos) return false;
  std::string text(head.substr(begin, 14));
  std::transform(text.begin(), text.end(), text.begin(),
                 [](unsigned char c) { return static_cast<char>(std::tolower(c)); });
  return text.starts_with("<!doctype html") || text.starts_with("<html");
}

}  // namespace

std::string foreign_kind(std::string_view head) {
  for (const Kind& kind : kKinds) {
    if (!head.starts_with(kind.magic)) continue;
    // The length in front of a safetensors header may look like a pickle's first bytes.
    if (kind.magic.size() == 2 && kind.magic[0] == '\x80' && head.size() > 8 && head[8] == '{') {
      continue;
    }
    return kind.name;
  }
  return is_web_page(head) ? "a web page, not the file (a failed download?)" : "";
}

}  // namespace molgen3d
