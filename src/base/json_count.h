// Counts in JSON that others may have written.
#pragma once

#include <concepts>
#include <cstdint>
#include <limits>
#include <string>

#include "base/error.h"

namespace molgen3d {

/// Without the place, which whoever reads the file adds.
class NotACount : public Error {
 public:
  using Error::Error;
};

/// `value` (of nlohmann's kinds, whose own conversion takes any number for a count) as a `Number`.
/// Throws NotACount for what is no whole number, is negative, or does not fit.
template <std::integral Number = uint64_t, typename Json>
Number json_count(const Json& value) {
  if (!value.is_number_unsigned() ||
      value.template get<uint64_t>() > static_cast<uint64_t>(std::numeric_limits<Number>::max())) {
    constexpr size_t kShown = 40;
    throw NotACount(value.dump().substr(0, kShown) + " is not a count");
  }
  return value.template get<Number>();
}

}  // namespace molgen3d
