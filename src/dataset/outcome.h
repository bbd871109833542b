// What became of an input record: exactly one of these each.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

namespace molgen3d {

enum class Outcome : uint8_t {
  kDone,
  // Left out on purpose: listed in skipped.jsonl.
  kDuplicate,         ///< its canonical isomeric SMILES came earlier
  kExcluded,          ///< a molecule of an exclusion list, or a stereoisomer of one
  kExcludedScaffold,  ///< shares its Murcko scaffold with a molecule of an exclusion list
  kFiltered,          ///< size, elements or parts outside the asked range
  // Failures: listed in failed.jsonl.
  kUnreadable,   ///< the line or record as such
  kRefused,      ///< no valid molecule, or one that enriched SMILES cannot carry
  kNoEmbedding,  ///< distance geometry found no coordinates
  kNoParameters,
  kWrongStereo,     ///< no conformer has the stereochemistry of the SMILES
  kBadCoordinates,  ///< NaN, too far out, or the wrong count in the input
  kTimeout,         ///< the worker was killed after --timeout
  kCrashed,         ///< the worker process died
  kCount
};

/// "done", "duplicate", "no embedding", ...
const char* outcome_name(Outcome outcome);
std::optional<Outcome> outcome_of_name(const std::string& name);
constexpr bool is_skip(Outcome outcome) {
  return outcome >= Outcome::kDuplicate && outcome <= Outcome::kFiltered;
}
constexpr bool is_failure(Outcome outcome) {
  return outcome >= Outcome::kUnreadable && outcome < Outcome::kCount;
}

/// One number per outcome.
struct OutcomeCounts {
  std::array<uint64_t, static_cast<size_t>(Outcome::kCount)> count{};
  void add(Outcome outcome) { ++count[static_cast<size_t>(outcome)]; }
  uint64_t of(Outcome outcome) const { return count[static_cast<size_t>(outcome)]; }
  uint64_t skipped() const;
  uint64_t failed() const;
  uint64_t total() const;
  /// "3 duplicate, 1 timeout": those above zero but for `done`; empty when there are none.
  std::string causes() const;
};

}  // namespace molgen3d
