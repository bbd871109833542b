#include "study/diagnosis_tables.h"

#include <fmt/format.h>

#include <cmath>

#include "study/table_cells.h"

namespace molgen3d {

namespace {

std::vector<Cell> row_of(const std::string& name, const TokenDiagnosis& d) {
  const auto tokens = static_cast<double>(d.tokens);
  return {name,
          d.tokens,
          percent(d.favourite, d.tokens),
          Number{d.taken / tokens, 3},
          Number{d.favourite_ln / tokens, 3},
          Number{(d.favourite_ln - d.taken) / tokens, 3},
          Number{d.removed / tokens, 4}};
}

const std::vector<std::string> kColumns = {
    "tokens", "favourite taken", "ln p(token)", "ln p(favourite)", "gap", "-ln Z"};

std::vector<std::string> header(const std::string& first) {
  std::vector<std::string> out = {first};
  out.insert(out.end(), kColumns.begin(), kColumns.end());
  return out;
}

Cell correlation(const std::vector<std::pair<double, double>>& pairs) {
  const double value = rank_correlation(pairs);
  if (!std::isfinite(value)) return {};
  return Number{.value = value, .sign = true};
}

// Control characters and spaces would vanish in a table.
std::string shown(const std::string& bytes) {
  std::string out;
  for (const char c : bytes)
    out += static_cast<unsigned char>(c) < 0x20 ? fmt::format("\\x{:02x}", c) : std::string(1, c);
  return out.empty() ? "(no text)" : out;
}

}  // namespace

std::vector<Table> diagnosis_tables(const Diagnosis& diagnosis) {
  std::vector<Table> out;
  Table roles{.title = "By kind of token", .header = header("token")};
  TokenDiagnosis all;
  for (size_t r = 0; r < kTokenRoles; ++r) {
    if (diagnosis.by_role[r].tokens == 0) continue;
    roles.rows.push_back(row_of(token_role_name(static_cast<TokenRole>(r)), diagnosis.by_role[r]));
    all.add(diagnosis.by_role[r]);
  }
  if (all.tokens > 0) roles.rows.push_back(row_of("all", all));
  roles.notes = {
      "Means per token in nats, under the model's own law at the sampling temperature. gap: "
      "favourite less token; Z: probability of all legal tokens."};
  out.push_back(std::move(roles));

  Table positions{.title = "By position in the answer", .header = header("tokens")};
  for (size_t b = 0; b < diagnosis.by_position.size(); ++b) {
    if (diagnosis.by_position[b].tokens == 0) continue;
    const auto width = Diagnosis::kBinTokens;
    positions.rows.push_back(
        row_of(fmt::format("{} - {}", b * width, (b + 1) * width - 1), diagnosis.by_position[b]));
  }
  out.push_back(std::move(positions));

  Table pairs{.title = "What the rule imposed on the model (Z below one half)",
              .header = {"token taken", "model's favourite", "times", "mean gap (nats)"},
              .text_columns = {1}};
  for (const Disagreement& d : diagnosis.disagreements) {
    pairs.rows.push_back({shown(d.taken), shown(d.favourite), d.count,
                          Number{d.gap / static_cast<double>(d.count), 2}});
  }
  if (!pairs.rows.empty()) out.push_back(std::move(pairs));

  Table geometry{.title = "Does it go with wrong geometry? (Spearman's rank correlation)",
                 .header = {"pair", "n", "correlation"}};
  std::vector<std::pair<double, double>> removed;
  std::vector<std::pair<double, double>> surprise;
  for (const DiagnosedSample& s : diagnosis.per_sample) {
    if (s.bond_error < 0) continue;
    removed.emplace_back(s.removed, s.bond_error);
    surprise.emplace_back(s.per_token, s.bond_error);
  }
  const auto add = [&](const char* name, const auto& values) {
    geometry.rows.push_back({name, values.size(), correlation(values)});
  };
  add("answer: nats removed, mean bond error", removed);
  add("answer: mean -ln p(token), mean bond error", surprise);
  add("atom: nats removed in its block, mean error of its bonds", diagnosis.per_block);
  geometry.notes = {
      "Bond errors in A against the reference when the input has coordinates, else against UFF "
      "rest lengths."};
  out.push_back(std::move(geometry));
  return out;
}

}  // namespace molgen3d
