// Settings, outcome, geometry, tokens and times of each run.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <set>

#include "study/comparison_tables.h"
#include "study/table_cells.h"

namespace molgen3d {

namespace {

Cell seconds(double value) {
  return Number{value, 2};
}

// Figures that most runs of one comparison share would fill the page: they are said once.
constexpr const char* kUnknown = "-";
using Setting = std::pair<const char*, std::string>;
std::vector<Setting> settings_of(const RunSummary& run) {
  const RunMetadata& m = run.run->metadata;
  std::string versions;
  for (const auto& [name, value] : m.versions)
    versions += fmt::format("{}{} {}", versions.empty() ? "" : ", ", name, value);
  return {{"model", m.model_path},
          {"parameters", m.parameters == 0
                             ? kUnknown
                             : fmt::format("{:.1f} M", static_cast<double>(m.parameters) / 1e6)},
          {"tokenizer", m.tokenizer_name},
          {"rule", m.logit_processor_enabled ? m.processor_type : "none"},
          {"rule version", m.version},
          {"descriptors", m.descriptors},
          {"sampling", m.sampling_description.empty() ? m.sampling
                                                      : m.sampling + ": " + m.sampling_description},
          {"seed", fmt::format("{}", m.seed)},
          {"data set", m.dataset},
          {"molecules x samples", fmt::format("{} x {}", m.sample_size, m.num_generations)},
          {"batch", fmt::format("{}", m.batch_size)},
          {"max new tokens",
           m.max_new_tokens == 0 ? "as the molecule needs" : fmt::format("{}", m.max_new_tokens)},
          {"device", m.device},
          {"arithmetic", m.dtype},
          {"versions", versions},
          {"host", m.host},
          {"time", m.timestamp}};
}

// The runs of one group: all, all of one model, or by name.
std::string names_of(const Comparison& comparison, const std::vector<size_t>& runs) {
  if (runs.size() == comparison.runs.size()) return "all";
  const auto model_of = [](const RunSummary& run) { return run.run->metadata.model_path; };
  const std::string model = model_of(comparison.runs[runs[0]]);
  const auto of_model = std::count_if(comparison.runs.begin(), comparison.runs.end(),
                                      [&](const auto& run) { return model_of(run) == model; });
  const bool whole = runs.size() > 1 && static_cast<size_t>(of_model) == runs.size() &&
                     std::all_of(runs.begin(), runs.end(),
                                 [&](size_t r) { return model_of(comparison.runs[r]) == model; });
  if (whole) return "all of " + std::filesystem::path(model).filename().string();
  std::vector<std::string> names;
  for (const size_t r : runs) names.push_back(comparison.runs[r].label);
  return fmt::format("{}", fmt::join(names, "; "));
}

}  // namespace

Table settings_table(const Comparison& comparison) {
  Table table{.title = "Settings", .header = {"", "run", "value"}, .text_columns = {1, 2}};
  std::vector<std::vector<Setting>> all;
  for (const RunSummary& run : comparison.runs) all.push_back(settings_of(run));
  for (size_t i = 0; i < all[0].size(); ++i) {
    std::vector<std::pair<std::string, std::vector<size_t>>> groups;  // value, runs
    for (size_t r = 0; r < all.size(); ++r) {
      const std::string& value = all[r][i].second;
      auto group = std::find_if(groups.begin(), groups.end(),
                                [&](const auto& g) { return g.first == value; });
      if (group == groups.end()) group = groups.insert(groups.end(), {value, {}});
      group->second.push_back(r);
    }
    for (const auto& [value, runs] : groups) {
      if (!value.empty())
        table.rows.push_back({all[0][i].first, names_of(comparison, runs),
                              value == kUnknown ? Cell() : Cell(value)});
    }
  }
  return table;
}

Table outcome_table(const Comparison& comparison) {
  Table table{.title = "Does it pass, and how long does it take",
              .header = {"run", "samples", "pass", "text kept", "strict", "ended", "junk: letters",
                         "junk: not numeric", "time (s)", "ratio", "CPU (s)", "CPU ratio"}};
  for (size_t i = 0; i < comparison.runs.size(); ++i) {
    const RunSummary& run = comparison.runs[i];
    const RunSummary& base = comparison.runs[baseline_of(comparison, i)];
    table.rows.push_back({run.label, run.samples, percent(run.passed, run.samples),
                          percent(run.text_kept, run.samples), percent(run.strict, run.samples),
                          percent(run.ended, run.samples),
                          percent(run.blocks.letters, run.blocks.blocks, 2),
                          percent(run.blocks.non_numeric, run.blocks.blocks, 2),
                          seconds(run.seconds()), quotient(run.seconds(), base.seconds()),
                          run.run->times.cpu > 0 ? seconds(run.run->times.cpu) : Cell(),
                          quotient(run.run->times.cpu, base.run->times.cpu)});
  }
  table.notes = {
      "pass: the study's test (the last number of each field counts, stereo is not looked at). "
      "text kept: the text around the numbers is the encoder's, byte for byte, three plain numbers "
      "stand in each block, and the answer ended. strict: text kept, and each number is one that "
      "the encoder could have written. junk: share of coordinate blocks. time: the study's clock "
      "(tokenizing, templates, model, detokenizing; loading, warm-up and checks outside). ratios: "
      "against the same model without a rule; CPU seconds depend less on what else the machine "
      "does."};
  return table;
}

Table geometry_table(const Comparison& comparison) {
  Table table{.title = "Geometry of the samples that pass",
              .header = {"run", "compared", "bond error, median (A)", "mean (A)",
                         "all bonds within 0.25 A", "stereo specified", "stereo right"}};
  std::set<std::string> expected;
  for (const RunSummary& run : comparison.runs) {
    const auto& bonds = run.run->bonds;
    if (bonds && bonds->samples > 0) expected.insert(bonds->expected);
    table.rows.push_back({run.label, bonds ? Cell(bonds->samples) : Cell(),
                          bonds && bonds->bonds > 0 ? Cell(Number{bonds->median_error, 3}) : Cell(),
                          bonds && bonds->bonds > 0 ? Cell(Number{bonds->mean_error, 3}) : Cell(),
                          bonds ? percent(bonds->all_within, bonds->samples) : Cell(),
                          run.stereo_asked, percent(run.stereo_right, run.stereo_asked)});
  }
  table.notes = {fmt::format(
      "bond error: |length - expected|; expected: {}. stereo: tetrahedral centres and double bonds "
      "of the prompt, judged from the coordinates.",
      expected.empty() ? "-" : fmt::format("{}", fmt::join(expected, ", ")))};
  return table;
}

Table token_table(const Comparison& comparison) {
  Table table{
      .title = "Tokens and characters",
      .header = {"run", "prompt tokens", "sampled", "forced", "tokens / sample", "passes / sample",
                 "ms / token", "tokens / s", "characters", "characters / s"}};
  for (const RunSummary& run : comparison.runs) {
    const auto tokens = static_cast<double>(run.tokens());
    const auto samples = static_cast<double>(run.samples);
    table.rows.push_back(
        {run.label, run.prompt_tokens, run.sampled_tokens, run.forced_tokens,
         quotient(tokens, samples, 1), quotient(static_cast<double>(run.passes), samples, 1),
         quotient(1000 * run.seconds(), tokens, 3), quotient(tokens, run.seconds(), 0),
         run.characters, quotient(static_cast<double>(run.characters), run.seconds(), 0)});
  }
  table.notes = {
      "sampled: chosen among two or more legal tokens; forced: one legal token. passes: runs of "
      "the model over a sequence after its prompt; forced runs share a pass. characters: prompts "
      "and answers with tags."};
  return table;
}

Table time_table(const Comparison& comparison) {
  Table table{.title = "Where the time goes (s)",
              .header = {"run", "total", "templates", "prefill", "decode", "output", "sample",
                         "detokenize", "other", "load", "warm-up", "checks"}};
  for (const RunSummary& run : comparison.runs) {
    const RunTimes& t = run.run->times;
    const auto cell = [&](double part) -> Cell {
      if (!(t.in_parts() + t.other > 0)) return {};
      Cell out = seconds(part);
      out.beside = Share{t.total > 0 ? 100 * part / t.total : 0, 0};
      return out;
    };
    table.rows.push_back({run.label, seconds(t.total), cell(t.template_building), cell(t.prefill),
                          cell(t.decode), cell(t.output), cell(t.sample), cell(t.detokenize),
                          cell(t.other), seconds(t.load), seconds(t.warm_up), seconds(t.validate)});
  }
  table.notes = {
      "prefill, decode: layers over prompts and over answers; output: output matrix; sample: "
      "constraint and draw; other: scheduling and queueing. Loading, warm-up and checks are not "
      "part of the total."};
  return table;
}

}  // namespace molgen3d
