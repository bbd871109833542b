#include "study/diagnosis.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>

namespace molgen3d {

namespace {

constexpr double kSmallestMass = 1e-38;

double removed_of(const Completion::AuditedToken& token) {
  return -std::log(std::clamp(static_cast<double>(token.kept_mass), kSmallestMass, 1.0));
}

std::vector<double> ranks_of(const std::vector<double>& values) {
  std::vector<size_t> order(values.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::sort(order.begin(), order.end(), [&](size_t a, size_t b) { return values[a] < values[b]; });
  std::vector<double> ranks(values.size());
  for (size_t i = 0; i < order.size();) {
    size_t end = i;
    while (end < order.size() && values[order[end]] == values[order[i]]) ++end;
    for (size_t k = i; k < end; ++k) ranks[order[k]] = 0.5 * static_cast<double>(i + end - 1);
    i = end;
  }
  return ranks;
}

}  // namespace

void TokenDiagnosis::add(const Completion::AuditedToken& token, bool is_favourite) {
  ++tokens;
  favourite += is_favourite;
  taken += std::max<double>(token.raw_log_probability, std::log(kSmallestMass));
  favourite_ln += token.favourite_log_probability;
  removed += removed_of(token);
}

void TokenDiagnosis::add(const TokenDiagnosis& other) {
  tokens += other.tokens;
  favourite += other.favourite;
  taken += other.taken;
  favourite_ln += other.favourite_ln;
  removed += other.removed;
}

void Diagnoser::add(const Completion& completion, const SampleCheck& check) {
  if (completion.audit.empty()) return;
  ++sum_.samples;
  const size_t count = std::min(completion.audit.size(), check.places.size());
  std::map<uint32_t, double> block_removed;
  DiagnosedSample sample;
  for (size_t i = 0; i < count; ++i) {
    const auto& token = completion.audit[i];
    const TokenId id = completion.tokens[i];
    const PlacedToken& place = check.places[i];
    const bool is_favourite = token.favourite == id;
    sum_.by_role[static_cast<size_t>(place.role)].add(token, is_favourite);
    const size_t bin = i / Diagnosis::kBinTokens;
    if (bin >= sum_.by_position.size()) sum_.by_position.resize(bin + 1);
    sum_.by_position[bin].add(token, is_favourite);
    sample.removed += removed_of(token);
    sample.per_token -= std::max<double>(token.raw_log_probability, std::log(kSmallestMass)) /
                        static_cast<double>(count);
    // Inside a block, and its closing token: the cut falls on that one.
    if (place.block > 0 && place.role != TokenRole::kLiteral && place.role != TokenRole::kOpen)
      block_removed[place.block - 1] += removed_of(token);
    // Rare outcomes of a free draw are no disagreement: only what the rule imposed counts.
    if (!is_favourite && token.kept_mass < 0.5F) {
      Disagreement pair{std::string(tokenizer_.token_bytes(id)),
                        std::string(tokenizer_.token_bytes(token.favourite)), 0, 0};
      auto found = std::find_if(pairs_.begin(), pairs_.end(), [&](const Disagreement& d) {
        return d.taken == pair.taken && d.favourite == pair.favourite;
      });
      if (found == pairs_.end()) found = pairs_.insert(pairs_.end(), std::move(pair));
      ++found->count;
      found->gap += token.favourite_log_probability -
                    std::max<double>(token.raw_log_probability, std::log(kSmallestMass));
    }
  }
  if (check.record.bonds_checked) {
    sample.bond_error = check.record.bond_error;
    std::map<uint32_t, std::pair<double, size_t>> atoms;
    for (const BondLength& bond : check.bonds) {
      for (const uint32_t atom : {bond.first, bond.second}) {
        atoms[atom].first += bond.error();
        ++atoms[atom].second;
      }
    }
    for (const auto& [atom, error] : atoms)
      sum_.per_block.emplace_back(block_removed[atom],
                                  error.first / static_cast<double>(error.second));
  }
  sum_.per_sample.push_back(sample);
}

Diagnosis Diagnoser::take(size_t max_disagreements) {
  std::sort(pairs_.begin(), pairs_.end(),
            [](const Disagreement& a, const Disagreement& b) { return a.gap > b.gap; });
  if (pairs_.size() > max_disagreements) pairs_.resize(max_disagreements);
  sum_.disagreements = std::move(pairs_);
  return std::move(sum_);
}

double rank_correlation(const std::vector<std::pair<double, double>>& pairs) {
  if (pairs.size() < 3) return std::numeric_limits<double>::quiet_NaN();
  std::vector<double> first;
  std::vector<double> second;
  for (const auto& [a, b] : pairs) {
    first.push_back(a);
    second.push_back(b);
  }
  const std::vector<double> ra = ranks_of(first);
  const std::vector<double> rb = ranks_of(second);
  const double mean = 0.5 * static_cast<double>(pairs.size() - 1);
  double ab = 0;
  double aa = 0;
  double bb = 0;
  for (size_t i = 0; i < pairs.size(); ++i) {
    ab += (ra[i] - mean) * (rb[i] - mean);
    aa += (ra[i] - mean) * (ra[i] - mean);
    bb += (rb[i] - mean) * (rb[i] - mean);
  }
  return aa > 0 && bb > 0 ? ab / std::sqrt(aa * bb) : std::numeric_limits<double>::quiet_NaN();
}

}  // namespace molgen3d
