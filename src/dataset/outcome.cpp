#include "dataset/outcome.h"

#include <fmt/format.h>

namespace molgen3d {

namespace {

constexpr std::array<const char*, static_cast<size_t>(Outcome::kCount)> kNames = {
    "done",          "duplicate",    "excluded",        "excluded scaffold",
    "filtered",      "unreadable",   "refused",         "no embedding",
    "no parameters", "wrong stereo", "bad coordinates", "timeout",
    "crashed"};

}  // namespace

const char* outcome_name(Outcome outcome) {
  return kNames.at(static_cast<size_t>(outcome));
}

std::optional<Outcome> outcome_of_name(const std::string& name) {
  for (size_t i = 0; i < kNames.size(); ++i) {
    if (name == kNames[i]) return static_cast<Outcome>(i);
  }
  return std::nullopt;
}

uint64_t OutcomeCounts::skipped() const {
  uint64_t sum = 0;
  for (size_t i = 0; i < count.size(); ++i) sum += is_skip(static_cast<Outcome>(i)) ? count[i] : 0;
  return sum;
}

uint64_t OutcomeCounts::failed() const {
  uint64_t sum = 0;
  for (size_t i = 0; i < count.size(); ++i) {
    sum += is_failure(static_cast<Outcome>(i)) ? count[i] : 0;
  }
  return sum;
}

uint64_t OutcomeCounts::total() const {
  uint64_t sum = 0;
  for (const uint64_t n : count) sum += n;
  return sum;
}

std::string OutcomeCounts::causes() const {
  std::string text;
  for (size_t i = 1; i < count.size(); ++i) {
    if (count[i] == 0) continue;
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", count[i], kNames[i]);
  }
  return text;
}

}  // namespace molgen3d
