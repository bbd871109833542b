// The samples of a comparison as its page shows them.
#pragma once

#include <string>

#include "study/comparison.h"

namespace molgen3d {

/// JSON text for samples_browser(): one row per sample in the order that web/page.js names.
std::string samples_data(const Comparison& comparison);

}  // namespace molgen3d
