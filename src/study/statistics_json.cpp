// Statistics over the samples of a run as JSON.
#include "molecule/bond_lengths.h"
#include "study/run_report_fields.h"

namespace molgen3d::report_fields {

namespace {

Json to_json(const Histogram& histogram) {
  Json out = Json::object();
  for (const auto& [value, times] : histogram.counts) out[std::to_string(value)] = times;
  return out;
}

Histogram histogram_from(const Json& json) {
  Histogram out;
  for (const auto& [value, times] : json.items()) out.add(std::stoi(value), json_count(times));
  return out;
}

Json to_json(const MassSum& sum) {
  return {{"tokens", sum.tokens}, {"removed_nats", sum.removed}, {"surprising", sum.surprising}};
}

MassSum mass_from(const Json& json) {
  return {json_count(json.at("tokens")), json.at("removed_nats"),
          json_count(json.at("surprising"))};
}

}  // namespace

Json to_json(const TokenStatistics& coordinates) {
  return {{"tokens_as_written", to_json(coordinates.written)},
          {"drift_isolated", to_json(coordinates.drift_isolated)},
          {"drift_in_context", to_json(coordinates.drift_in_context)}};
}

TokenStatistics coordinates_from(const Json& json) {
  return {histogram_from(json.at("tokens_as_written")), histogram_from(json.at("drift_isolated")),
          histogram_from(json.at("drift_in_context"))};
}

Json to_json(const BondSummary& bonds) {
  return {{"expected", bonds.expected},
          {"tolerance", kBondTolerance},
          {"samples", bonds.samples},
          {"all_within", bonds.all_within},
          {"bonds", bonds.bonds},
          {"median_error", number(bonds.median_error)},
          {"mean_error", number(bonds.mean_error)}};
}

BondSummary bonds_from(const Json& json) {
  BondSummary out;
  take(json, "expected", out.expected);
  take(json, "samples", out.samples);
  take(json, "all_within", out.all_within);
  take(json, "bonds", out.bonds);
  take(json, "median_error", out.median_error);
  take(json, "mean_error", out.mean_error);
  return out;
}

Json to_json(const RemovedMass& mass) {
  Json positions = Json::array();
  for (const MassSum& sum : mass.by_position) positions.push_back(to_json(sum));
  Json roles = Json::object();
  for (size_t i = 0; i < kTokenRoles; ++i) {
    if (mass.by_role[i].tokens > 0)
      roles[token_role_name(static_cast<TokenRole>(i))] = to_json(mass.by_role[i]);
  }
  return {{"samples", mass.samples},
          {"log_kept", number(mass.log_kept)},
          {"bin_tokens", RemovedMass::kBinTokens},
          {"by_position", positions},
          {"by_role", roles}};
}

RemovedMass removed_from(const Json& json) {
  RemovedMass out;
  out.samples = json_count(json.at("samples"));
  take(json, "log_kept", out.log_kept);
  for (const Json& sum : json.at("by_position")) out.by_position.push_back(mass_from(sum));
  const Json& roles = json.at("by_role");
  for (size_t i = 0; i < kTokenRoles; ++i) {
    const auto found = roles.find(token_role_name(static_cast<TokenRole>(i)));
    if (found != roles.end()) out.by_role[i] = mass_from(*found);
  }
  return out;
}

}  // namespace molgen3d::report_fields
