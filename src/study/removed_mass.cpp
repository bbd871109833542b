#include "study/removed_mass.h"

#include <algorithm>
#include <cmath>

namespace molgen3d {

namespace {

// A mass that underflows float is still a finite number of nats.
constexpr double kSmallestMass = 1e-38;

}  // namespace

void MassSum::add(double kept_mass) {
  ++tokens;
  removed -= std::log(std::clamp(kept_mass, kSmallestMass, 1.0));
  surprising += kept_mass < 0.5;
}

void MassSum::add(const MassSum& other) {
  tokens += other.tokens;
  removed += other.removed;
  surprising += other.surprising;
}

void RemovedMass::add(const Completion& completion, const std::vector<PlacedToken>& places) {
  if (completion.audit.empty()) return;
  ++samples;
  log_kept += completion.log_kept_mass;
  for (size_t i = 0; i < completion.audit.size() && i < places.size(); ++i) {
    const double kept = completion.audit[i].kept_mass;
    const size_t bin = i / kBinTokens;
    if (bin >= by_position.size()) by_position.resize(bin + 1);
    by_position[bin].add(kept);
    by_role[static_cast<size_t>(places[i].role)].add(kept);
  }
}

void RemovedMass::add(const RemovedMass& other) {
  samples += other.samples;
  log_kept += other.log_kept;
  if (by_position.size() < other.by_position.size()) by_position.resize(other.by_position.size());
  for (size_t i = 0; i < other.by_position.size(); ++i) by_position[i].add(other.by_position[i]);
  for (size_t i = 0; i < kTokenRoles; ++i) by_role[i].add(other.by_role[i]);
}

}  // namespace molgen3d
