// Why samples fail, and atoms that no prompt spells.
#include <set>

#include "study/comparison_tables.h"
#include "study/table_cells.h"

namespace molgen3d {

Table failure_table(const Comparison& comparison) {
  Table table{.title = "Why samples fail", .header = run_header(comparison, "cause")};
  table.header.emplace_back("example");
  table.text_columns = {table.header.size() - 1};
  const auto add = [&](const char* prefix, auto&& kinds_of) {
    std::set<std::string> names;
    for (const RunSummary& run : comparison.runs) {
      for (const auto& entry : kinds_of(run)) names.insert(entry.first);
    }
    for (const std::string& name : names) {
      std::vector<Cell> row = {prefix + name};
      std::string example;
      for (const RunSummary& run : comparison.runs) {
        const auto& kinds = kinds_of(run);
        const auto found = kinds.find(name);
        row.push_back(count_and_share(found == kinds.end() ? 0 : found->second.count, run.samples));
        if (found != kinds.end() && example.empty()) example = found->second.examples[0];
      }
      row.push_back(example);
      table.rows.push_back(std::move(row));
    }
  };
  add(
      "", [](const RunSummary& r) -> const auto& { return r.issues; });
  add(
      "answer: ", [](const RunSummary& r) -> const auto& { return r.answers; });
  add(
      "passes, not strict: ", [](const RunSummary& r) -> const auto& { return r.strict_causes; });
  table.notes = {
      "First the issues of the study's test (a sample may have several), then what is wrong with "
      "the answer as a whole, then why samples that pass are not strict."};
  return table;
}

Table descriptor_table(const Comparison& comparison) {
  Table table{.title = "Atoms spelled with hydrogens that the prompt does not spell",
              .header = run_header(comparison, "descriptor")};
  std::set<std::string> names;
  for (const RunSummary& run : comparison.runs) {
    for (const auto& entry : run.foreign_descriptors) names.insert(entry.first);
  }
  if (names.empty()) return table;
  table.rows.push_back(run_cells(comparison, "samples affected", [](const RunSummary& run) {
    return count_and_share(run.samples_with_foreign_descriptors, run.samples);
  }));
  for (const std::string& name : names) {
    table.rows.push_back(run_cells(comparison, name, [&](const RunSummary& run) {
      const auto found = run.foreign_descriptors.find(name);
      return found == run.foreign_descriptors.end() ? size_t{0} : found->second;
    }));
  }
  table.notes = {
      "The training text wraps bare atoms and adds nothing: [N], never [NH]. The study's logit "
      "processors forced the latter."};
  return table;
}

}  // namespace molgen3d
