// What a comparison holds, and its forms for people.
#include "study/comparison.h"

#include "study/comparison_tables.h"

namespace molgen3d {

namespace {

// The one list of what a report contains.
std::vector<ReportSection> sections_of(const Comparison& c) {
  std::vector<ReportSection> out = {
      {"s-outcome", "Outcome", {outcome_table(c), outcome_plots, geometry_table(c)}, {}},
      {"s-time", "Tokens and time", {token_table(c), time_table(c), time_plots}, {}},
      {"s-coordinates",
       "Coordinates",
       {junk_table(c), decimals_table(c), coordinate_plots, coordinate_table(c), drift_table(c)},
       {}},
      {"s-failures", "Failures", {failure_table(c), descriptor_table(c)}, {}},
      {"s-mass",
       "Removed probability",
       {mass_plot, mass_role_table(c)},
       {mass_position_table(c)},
       "Not measured in these runs (smoke --audit, study --audit-size)."},
      {"s-settings", "Settings", {settings_table(c)}, {}}};
  for (ReportSection& section : out) {
    std::erase_if(section.parts, [](const auto& part) {
      const auto* table = std::get_if<Table>(&part);
      return table != nullptr && table->rows.empty();
    });
    std::erase_if(section.not_on_page, [](const Table& table) { return table.rows.empty(); });
  }
  return out;
}

}  // namespace

std::vector<const Table*> Comparison::tables() const {
  std::vector<const Table*> out;
  for (const ReportSection& section : sections) {
    for (const auto& part : section.parts) {
      if (const auto* table = std::get_if<Table>(&part)) out.push_back(table);
    }
    for (const Table& table : section.not_on_page) out.push_back(&table);
  }
  return out;
}

size_t baseline_of(const Comparison& comparison, size_t run) {
  const auto same_model = [&](size_t i) {
    return comparison.runs[i].run->metadata.model_path ==
           comparison.runs[run].run->metadata.model_path;
  };
  for (size_t i = 0; i < comparison.runs.size(); ++i) {
    if (same_model(i) && !comparison.runs[i].run->metadata.logit_processor_enabled) return i;
  }
  for (size_t i = 0; i < run; ++i) {
    if (same_model(i)) return i;
  }
  return run;
}

Comparison compare_runs(const std::vector<RunReport>& runs) {
  Comparison out;
  out.runs.reserve(runs.size());
  for (const RunReport& run : runs) out.runs.push_back(summarize(run));
  out.sections = sections_of(out);
  return out;
}

Table failing_samples(const Comparison& comparison, size_t samples) {
  Table table{.title = "Failing samples",
              .header = {"run", "prompt", "issue", "answer"},
              .text_columns = {1, 2, 3}};
  for (const RunSummary& run : comparison.runs) {
    size_t shown = 0;
    for (const SampleRecord& sample : run.run->samples) {
      if (sample.passed() || shown++ >= samples) continue;
      table.rows.push_back({run.label, sample.prompt_smiles, sample.issues[0], sample.answer()});
    }
  }
  return table;
}

std::string comparison_text(const Comparison& comparison) {
  std::string out;
  for (const Table* table : comparison.tables()) out += table_text(*table) + "\n";
  return out;
}

std::string comparison_markdown(const Comparison& comparison) {
  std::string out;
  for (const Table* table : comparison.tables()) out += table_markdown(*table) + "\n";
  return out;
}

}  // namespace molgen3d
