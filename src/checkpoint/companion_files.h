// generation_config.json and conformer_format.json.
#pragma once

#include <nlohmann/json.hpp>
#include <string>

#include "checkpoint/checkpoint.h"
#include "checkpoint/json_fields.h"

namespace molgen3d {

/// End-of-sequence ids must be below `vocabulary`. The list stays empty when the file has none.
/// Settings that are not applied are listed in not_applied, unless their value has no effect.
GenerationConfig read_generation_config(const nlohmann::json& object, int vocabulary,
                                        const std::string& place, Problems& problems);

/// Keys: decimals 1..4, trailing_zeros "strip" | "fixed", max_integer_digits 1..3, descriptors
/// "verbatim" | "hcount"; each optional, any other key is a problem (a misspelt one would silently
/// change the number grammar).
ConformerFormat read_conformer_format(const nlohmann::json& object, const std::string& place,
                                      Problems& problems);

}  // namespace molgen3d
