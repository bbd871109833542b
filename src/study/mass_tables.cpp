// How much probability a rule takes away.
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "study/comparison_tables.h"
#include "study/table_cells.h"

namespace molgen3d {

Table mass_role_table(const Comparison& comparison) {
  Table table{.title = "Probability that the rule takes away, by kind of token",
              .header = run_header(comparison, "token")};
  const auto audited = [](const RunSummary& run) {
    return run.run->removed && run.run->removed->samples > 0;
  };
  if (std::none_of(comparison.runs.begin(), comparison.runs.end(), audited)) return table;
  for (size_t r = 0; r < kTokenRoles; ++r) {
    const auto known = [&](const RunSummary& run) {
      return run.run->removed && run.run->removed->by_role[r].tokens > 0;
    };
    if (std::none_of(comparison.runs.begin(), comparison.runs.end(), known)) continue;
    table.rows.push_back(run_cells(
        comparison, token_role_name(static_cast<TokenRole>(r)), [&](const RunSummary& run) {
          return known(run) ? Cell(Number{run.run->removed->by_role[r].mean(), 4}) : Cell();
        }));
  }
  const auto total = [&](const char* name, auto&& value) {
    table.rows.push_back(run_cells(comparison, name, [&](const RunSummary& run) {
      return audited(run) ? Cell(value(*run.run->removed)) : Cell();
    }));
  };
  total("whole answer, mean", [](const RemovedMass& m) {
    return Number{std::abs(m.log_kept) / static_cast<double>(m.samples), 3};
  });
  total("tokens the model did not want", [](const RemovedMass& m) {
    size_t surprising = 0;
    size_t tokens = 0;
    for (const MassSum& sum : m.by_role) {
      surprising += sum.surprising;
      tokens += sum.tokens;
    }
    return percent(surprising, tokens, 2);
  });
  total("samples audited", [](const RemovedMass& m) { return m.samples; });
  table.notes = {
      "Mean of -ln Z per token (nats), Z = the model's probability of all legal tokens at that "
      "place; 0: nothing is taken away. Not wanted: Z below one half."};
  return transposed(table, "run");
}

Table mass_position_table(const Comparison& comparison) {
  Table table{.title = "Probability that the rule takes away, by place in the answer",
              .header = run_header(comparison, "tokens")};
  size_t bins = 0;
  for (const RunSummary& run : comparison.runs) {
    if (run.run->removed) bins = std::max(bins, run.run->removed->by_position.size());
  }
  for (size_t b = 0; b < bins; ++b) {
    const auto width = RemovedMass::kBinTokens;
    const std::string places = fmt::format("{} - {}", b * width, (b + 1) * width - 1);
    table.rows.push_back(run_cells(comparison, places, [&](const RunSummary& run) {
      const auto& removed = run.run->removed;
      const bool known =
          removed && b < removed->by_position.size() && removed->by_position[b].tokens > 0;
      return known ? Cell(Number{removed->by_position[b].mean(), 4}) : Cell();
    }));
  }
  table.notes = {"Mean of -ln Z per token (nats), by number of the generated token."};
  return table;
}

}  // namespace molgen3d
