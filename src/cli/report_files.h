// Writes a comparison in the form that a file name asks for.
#pragma once

#include <string>

#include "study/comparison.h"

namespace molgen3d {

/// "text", "markdown", "json" or "html"; throws Error for another name.
std::string formatted_report(const Comparison& comparison, const std::string& format,
                             const std::string& title, size_t failing);
/// By the ending of a path, .gz aside: .md, .json, .html, .txt or none; throws Error for another.
std::string report_format_of(const std::string& path);

}  // namespace molgen3d
