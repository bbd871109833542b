#include "report/comparison.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "base/plain_text.h"
#include "report/comparison_tables.h"
#include "text/tags.h"

namespace molgen3d {

namespace {

using Json = nlohmann::ordered_json;

Json figures(const Comparison& comparison, size_t index) {
  const RunSummary& run = comparison.runs[index];
  const RunTimes& t = run.run->times;
  Json out = {{"label", run.label},
              {"baseline", comparison.runs[baseline_of(comparison, index)].label},
              {"processor_type", run.run->metadata.processor_type},
              {"model_path", run.run->metadata.model_path},
              {"seed", run.run->metadata.seed},
              {"sampling", run.run->metadata.sampling_description},
              {"molecules", run.molecules},
              {"samples", run.samples},
              {"passed", run.passed},
              {"text_kept", run.text_kept},
              {"strict", run.strict},
              {"ended", run.ended},
              {"smiles_exact_matches", run.exact_matches},
              {"stereo_specified", run.stereo_asked},
              {"stereo_right", run.stereo_right},
              {"blocks", run.blocks.blocks},
              {"junk_letters", run.blocks.letters},
              {"junk_non_numeric", run.blocks.non_numeric},
              {"z_shorter_than_x_and_y", run.blocks.short_last},
              {"samples_with_foreign_descriptors", run.samples_with_foreign_descriptors},
              {"prompt_tokens", run.prompt_tokens},
              {"sampled_tokens", run.sampled_tokens},
              {"forced_tokens", run.forced_tokens},
              {"passes", run.passes},
              {"characters", run.characters},
              {"seconds", t.total},
              {"cpu_seconds", t.cpu},
              {"refused", run.run->refused.size()}};
  for (size_t c = 0; c < kBlockClasses; ++c) {
    out["block_classes"][block_class_name(static_cast<BlockClass>(c))] = run.blocks.classes[c];
  }
  for (const auto& [name, kind] : run.issues) out["issues"][name] = kind.count;
  if (run.run->bonds) {
    out["bond_error_median"] = run.run->bonds->median_error;
    out["bond_error_mean"] = run.run->bonds->mean_error;
    out["all_bonds_within"] = run.run->bonds->all_within;
    out["bonds_compared_samples"] = run.run->bonds->samples;
  }
  if (run.run->removed && run.run->removed->samples > 0) {
    out["mean_log_kept_mass"] =
        run.run->removed->log_kept / static_cast<double>(run.run->removed->samples);
  }
  return out;
}

}  // namespace

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
  for (const auto make : {outcome_table, geometry_table, token_table, time_table, junk_table,
                          decimals_table, coordinate_table, drift_table, failure_table,
                          descriptor_table, mass_role_table, mass_position_table, settings_table}) {
    Table table = make(out);
    if (!table.rows.empty()) out.tables.push_back(std::move(table));
  }
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
      table.rows.push_back({run.label, sample.prompt_smiles, sample.issues[0],
                            std::string(after_prompt(sample.decoded_text))});
    }
  }
  return table;
}

std::string comparison_text(const Comparison& comparison) {
  std::string out;
  for (const Table& table : comparison.tables) out += table_text(table) + "\n";
  return out;
}

std::string comparison_markdown(const Comparison& comparison) {
  std::string out;
  for (const Table& table : comparison.tables) out += table_markdown(table) + "\n";
  return out;
}

std::string comparison_json(const Comparison& comparison) {
  Json out;
  for (size_t i = 0; i < comparison.runs.size(); ++i) out["runs"].push_back(figures(comparison, i));
  for (const Table& table : comparison.tables) {
    out["tables"].push_back({{"title", table.title},
                             {"header", table.header},
                             {"rows", table.rows},
                             {"note", table.note}});
  }
  return json_without_controls(out.dump(1, ' ', false, Json::error_handler_t::replace)) + "\n";
}

}  // namespace molgen3d
