// Files of other kinds that turn up where a part of a model is expected.
#pragma once

#include <string>
#include <string_view>

namespace molgen3d {

/// What a file that begins with `head` (some hundred bytes are enough) is, and what to do about it:
/// a Git LFS pointer, GGUF, a PyTorch archive, a web page, compressed data. Empty for all else.
std::string foreign_kind(std::string_view head);

}  // namespace molgen3d
