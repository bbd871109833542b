// Samples in the page of a comparison: a table to sort and filter, the selected one in 3D.
#pragma once

#include <string>

#include "report/comparison.h"

namespace molgen3d {

/// HTML with its scripts; data and library are compressed and unpacked by the browser.
std::string samples_section(const Comparison& comparison, const ViewerLibrary& viewer);

}  // namespace molgen3d
