// The JSON fields of a run report, part by part. Private to the room.
#pragma once

#include <cmath>
#include <concepts>
#include <nlohmann/json.hpp>
#include <optional>

#include "base/json_count.h"
#include "study/run_report.h"

namespace molgen3d::report_fields {

using Json = nlohmann::ordered_json;

/// Reads a field that may be missing or null (the study's reports lack ours): `out` stays then.
template <typename T>
void take(const Json& json, const char* name, T& out) {
  const auto found = json.find(name);
  if (found == json.end() || found->is_null()) return;
  if constexpr (std::unsigned_integral<T> && !std::same_as<T, bool>) {
    out = json_count<T>(*found);
  } else {
    out = found->get<T>();
  }
}

/// Not a number has no JSON form: null.
inline Json number(const std::optional<double>& value) {
  return value && std::isfinite(*value) ? Json(*value) : Json();
}

Json to_json(const RunMetadata& metadata);
RunMetadata metadata_from(const Json& json);

/// The member `time_split`; the total is a member of its own, `time_taken`.
Json to_json(const RunTimes& times);
/// Both, from the whole report.
RunTimes times_from(const Json& report);

/// A member of `passes` or of `failures`, whichever the sample belongs to.
Json to_json(const SampleRecord& sample);
SampleRecord sample_from(const Json& json, bool passed);

Json to_json(const TokenStatistics& coordinates);
TokenStatistics coordinates_from(const Json& json);
Json to_json(const BondSummary& bonds);
BondSummary bonds_from(const Json& json);
Json to_json(const RemovedMass& mass);
RemovedMass removed_from(const Json& json);

}  // namespace molgen3d::report_fields
