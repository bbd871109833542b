#include "report/comparison_tables.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <set>

namespace molgen3d {

namespace {

const std::string kNone = "-";

std::string ratio(double a, double b) {
  return b > 0 ? fmt::format("{:.2f}", a / b) : kNone;
}

std::string per(double a, double b, int decimals = 2) {
  return b > 0 ? fmt::format("{:.{}f}", a / b, decimals) : kNone;
}

std::string count_and_share(size_t part, size_t whole) {
  return whole == 0 ? kNone : fmt::format("{} ({})", part, percent(part, whole));
}

std::vector<std::string> run_header(const Comparison& comparison, const std::string& first) {
  std::vector<std::string> header = {first};
  for (const RunSummary& run : comparison.runs) header.push_back(run.label);
  return header;
}

// Figures that most runs of one comparison share would fill the page: they are said once.
using Setting = std::pair<const char*, std::string>;
std::vector<Setting> settings_of(const RunSummary& run) {
  const RunMetadata& m = run.run->metadata;
  std::string versions;
  for (const auto& [name, value] : m.versions)
    versions += fmt::format("{}{} {}", versions.empty() ? "" : ", ", name, value);
  return {{"model", m.model_path},
          {"parameters", m.parameters == 0
                             ? kNone
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

// Rows for the values between the tails of half a percent; the tails are summed, for damaged
// answers give blocks of hundreds of tokens.
void add_histogram_rows(Table& table, const std::vector<const Histogram*>& histograms,
                        const char* format_value) {
  std::set<int> values;
  for (const Histogram* histogram : histograms) {
    const double total = static_cast<double>(histogram->total());
    for (const auto& [value, times] : histogram->counts) {
      if (static_cast<double>(times) >= 0.005 * total) values.insert(value);
    }
  }
  if (values.empty()) return;
  const int low = *values.begin();
  const int high = *values.rbegin();
  const auto row = [&](const std::string& name, auto&& counts) {
    std::vector<std::string> cells = {name};
    bool any = false;
    for (const Histogram* histogram : histograms) {
      size_t sum = 0;
      for (const auto& [value, times] : histogram->counts) sum += counts(value) ? times : 0;
      any |= sum > 0;
      cells.push_back(percent(sum, histogram->total(), 2));
    }
    if (any) table.rows.push_back(std::move(cells));
  };
  const auto named = [&](int value) { return fmt::format(fmt::runtime(format_value), value); };
  row("below " + named(low), [&](int v) { return v < low; });
  for (int value = low; value <= high; ++value)
    row(named(value), [&](int v) { return v == value; });
  row("above " + named(high), [&](int v) { return v > high; });
}

// Runs as rows: there may be a dozen of them, and their names are long.
Table transposed(const Table& table) {
  Table out{.title = table.title, .header = {"run"}, .note = table.note};
  for (const auto& row : table.rows) out.header.push_back(row[0]);
  for (size_t c = 1; c < table.header.size(); ++c) {
    out.rows.push_back({table.header[c]});
    for (const auto& row : table.rows) out.rows.back().push_back(row[c]);
  }
  return out;
}

}  // namespace

std::string percent(size_t part, size_t whole, int decimals) {
  return whole == 0 ? kNone
                    : fmt::format("{:.{}f} %",
                                  100.0 * static_cast<double>(part) / static_cast<double>(whole),
                                  decimals);
}

Table settings_table(const Comparison& comparison) {
  Table table{.title = "Settings", .header = {"", "run", "value"}, .text_columns = {1, 2}};
  std::vector<std::vector<Setting>> all;
  for (const RunSummary& run : comparison.runs) all.push_back(settings_of(run));
  for (size_t i = 0; i < all[0].size(); ++i) {
    std::vector<std::pair<std::string, std::vector<std::string>>> groups;  // value, runs
    for (size_t r = 0; r < all.size(); ++r) {
      const std::string& value = all[r][i].second;
      auto group = std::find_if(groups.begin(), groups.end(),
                                [&](const auto& g) { return g.first == value; });
      if (group == groups.end()) group = groups.insert(groups.end(), {value, {}});
      group->second.push_back(comparison.runs[r].label);
    }
    for (const auto& [value, runs] : groups) {
      if (value.empty()) continue;
      table.rows.push_back(
          {all[0][i].first,
           runs.size() == all.size() ? "all" : fmt::format("{}", fmt::join(runs, "; ")), value});
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
    table.rows.push_back(
        {run.label, fmt::format("{}", run.samples), percent(run.passed, run.samples),
         percent(run.text_kept, run.samples), percent(run.strict, run.samples),
         percent(run.ended, run.samples), percent(run.blocks.letters, run.blocks.blocks, 2),
         percent(run.blocks.non_numeric, run.blocks.blocks, 2),
         fmt::format("{:.2f}", run.seconds()), ratio(run.seconds(), base.seconds()),
         run.run->times.cpu > 0 ? fmt::format("{:.2f}", run.run->times.cpu) : kNone,
         ratio(run.run->times.cpu, base.run->times.cpu)});
  }
  table.note =
      "pass: the study's test (the last number of each field counts, stereo is not looked at). "
      "text "
      "kept: the text around the numbers is the encoder's, byte for byte, three plain numbers "
      "stand "
      "in each block, and the answer ended. strict: text kept, and each number is one that the "
      "encoder could have written. junk: share of coordinate blocks. time: the study's clock "
      "(tokenizing, templates, model, detokenizing; loading, warm-up and checks outside). ratios: "
      "against the same model without a rule; CPU seconds depend less on what else the machine "
      "does.";
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
    table.rows.push_back(
        {run.label, bonds ? fmt::format("{}", bonds->samples) : kNone,
         bonds && bonds->bonds > 0 ? fmt::format("{:.3f}", bonds->median_error) : kNone,
         bonds && bonds->bonds > 0 ? fmt::format("{:.3f}", bonds->mean_error) : kNone,
         bonds ? percent(bonds->all_within, bonds->samples) : kNone,
         fmt::format("{}", run.stereo_asked), percent(run.stereo_right, run.stereo_asked)});
  }
  table.note = fmt::format(
      "bond error: |length - expected|; expected: {}. stereo: tetrahedral centres and double bonds "
      "of the prompt, judged from the coordinates.",
      expected.empty() ? "-" : fmt::format("{}", fmt::join(expected, ", ")));
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
        {run.label, fmt::format("{}", run.prompt_tokens), fmt::format("{}", run.sampled_tokens),
         fmt::format("{}", run.forced_tokens), per(tokens, samples, 1),
         per(static_cast<double>(run.passes), samples, 1), per(1000 * run.seconds(), tokens, 3),
         per(tokens, run.seconds(), 0), fmt::format("{}", run.characters),
         per(static_cast<double>(run.characters), run.seconds(), 0)});
  }
  table.note =
      "sampled: chosen among two or more legal tokens; forced: one legal token. passes: runs of "
      "the "
      "model over a sequence after its prompt; forced runs share a pass. characters: prompts and "
      "answers with tags.";
  return table;
}

Table time_table(const Comparison& comparison) {
  Table table{.title = "Where the time goes (s)",
              .header = {"run", "total", "templates", "prefill", "decode", "output", "sample",
                         "detokenize", "other", "load", "warm-up", "checks"}};
  for (const RunSummary& run : comparison.runs) {
    const RunTimes& t = run.run->times;
    const auto cell = [&](double seconds) {
      return t.in_parts() + t.other > 0 ? fmt::format("{:.2f} ({:.0f} %)", seconds,
                                                      t.total > 0 ? 100 * seconds / t.total : 0)
                                        : kNone;
    };
    table.rows.push_back({run.label, fmt::format("{:.2f}", t.total), cell(t.template_building),
                          cell(t.prefill), cell(t.decode), cell(t.output), cell(t.sample),
                          cell(t.detokenize), cell(t.other), fmt::format("{:.2f}", t.load),
                          fmt::format("{:.2f}", t.warm_up), fmt::format("{:.2f}", t.validate)});
  }
  table.note =
      "prefill, decode: layers over prompts and over answers; output: output matrix; sample: "
      "constraint and draw; other: scheduling and queueing. Loading, warm-up and checks are not "
      "part "
      "of the total.";
  return table;
}

Table junk_table(const Comparison& comparison) {
  Table table{.title = "What stands in coordinate blocks",
              .header = run_header(comparison, "class")};
  table.header.emplace_back("examples");
  table.text_columns = {table.header.size() - 1};
  for (size_t c = kBlockClasses; c-- > 0;) {
    std::vector<std::string> row = {block_class_name(static_cast<BlockClass>(c))};
    std::vector<std::string> examples;
    bool any = false;
    for (const RunSummary& run : comparison.runs) {
      row.push_back(count_and_share(run.blocks.classes[c], run.blocks.blocks));
      any |= run.blocks.classes[c] > 0;
      for (const std::string& example : run.blocks.examples[c]) {
        if (examples.size() < 3)
          examples.push_back(example.size() > 40 ? example.substr(0, 40) + "..." : example);
      }
    }
    row.push_back(fmt::format("{}", fmt::join(examples, "   ")));
    if (any) table.rows.push_back(std::move(row));
  }
  const auto sum = [&](const char* name, auto&& value) {
    std::vector<std::string> row = {name};
    for (const RunSummary& run : comparison.runs)
      row.push_back(count_and_share(value(run), run.blocks.blocks));
    row.emplace_back();
    table.rows.push_back(std::move(row));
  };
  sum("junk, letters", [](const RunSummary& r) { return r.blocks.letters; });
  sum("junk, not numeric", [](const RunSummary& r) { return r.blocks.non_numeric; });
  table.note =
      "Each block has one class, the first that fits. The study mixed its two definitions of junk: "
      "any letter in the block, and not three decimal numbers. A bare dot (0.) still reads as a "
      "number, but no encoder writes it.";
  return table;
}

Table decimals_table(const Comparison& comparison) {
  Table table{.title = "Decimals that are left",
              .header = {"run", "x, mean", "y, mean", "z, mean", "z without decimals", "z with one",
                         "z with four", "z shorter than x and y"}};
  for (const RunSummary& run : comparison.runs) {
    const BlockStatistics& b = run.blocks;
    table.rows.push_back(
        {run.label, fmt::format("{:.2f}", b.mean_decimals(0)),
         fmt::format("{:.2f}", b.mean_decimals(1)), fmt::format("{:.2f}", b.mean_decimals(2)),
         percent(b.decimals[2][0], b.numeric()), percent(b.decimals[2][1], b.numeric()),
         percent(b.decimals[2][4], b.numeric()), count_and_share(b.short_last, b.numeric())});
  }
  table.note =
      "Over blocks of three numbers. An encoder that strips trailing zeros leaves four decimals in "
      "about 90 % of the numbers, on every axis alike; a budget of tokens that is too small takes "
      "them from z.";
  return table;
}

Table coordinate_table(const Comparison& comparison) {
  Table table{.title = "Tokens per coordinate, as written",
              .header = run_header(comparison, "tokens")};
  std::vector<const Histogram*> histograms;
  static const Histogram kEmpty;
  for (const RunSummary& run : comparison.runs)
    histograms.push_back(run.run->coordinates ? &run.run->coordinates->written : &kEmpty);
  add_histogram_rows(table, histograms, "{}");
  std::vector<std::string> mean = {"mean"};
  for (const Histogram* histogram : histograms)
    mean.push_back(histogram->counts.empty() ? kNone : fmt::format("{:.2f}", histogram->mean()));
  table.rows.push_back(std::move(mean));
  table.note = "Tokens strictly between < and > of each block, as the model produced them.";
  return transposed(table);
}

Table drift_table(const Comparison& comparison) {
  Table table{.title = "Drift against <0.0000,0.0000,0.0000>", .header = {"drift (tokens)"}};
  std::vector<const Histogram*> histograms;
  static const Histogram kEmpty;
  for (const RunSummary& run : comparison.runs) {
    const auto& coordinates = run.run->coordinates;
    table.header.push_back(run.label + ", isolated");
    histograms.push_back(coordinates ? &coordinates->drift_isolated : &kEmpty);
    table.header.push_back(run.label + ", in context");
    histograms.push_back(coordinates ? &coordinates->drift_in_context : &kEmpty);
  }
  add_histogram_rows(table, histograms, "{:+}");
  table.note =
      "Placeholder tokens minus the tokens of each written block. isolated: the block encoded "
      "alone, "
      "as the study counted; in context: between the brackets of an answer, where `<-` never "
      "occurs.";
  return transposed(table);
}

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
      std::vector<std::string> row = {prefix + name};
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
  table.note =
      "First the issues of the study's test (a sample may have several), then what is wrong with "
      "the "
      "answer as a whole, then why samples that pass are not strict.";
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
  std::vector<std::string> affected = {"samples affected"};
  for (const RunSummary& run : comparison.runs)
    affected.push_back(count_and_share(run.samples_with_foreign_descriptors, run.samples));
  table.rows.push_back(std::move(affected));
  for (const std::string& name : names) {
    std::vector<std::string> row = {name};
    for (const RunSummary& run : comparison.runs) {
      const auto found = run.foreign_descriptors.find(name);
      row.push_back(fmt::format("{}", found == run.foreign_descriptors.end() ? 0 : found->second));
    }
    table.rows.push_back(std::move(row));
  }
  table.note =
      "The training text wraps bare atoms and adds nothing: [N], never [NH]. The study's logit "
      "processors forced the latter.";
  return table;
}

Table mass_role_table(const Comparison& comparison) {
  Table table{.title = "Probability that the rule takes away, by kind of token",
              .header = run_header(comparison, "token")};
  std::vector<const RemovedMass*> masses;
  for (const RunSummary& run : comparison.runs)
    masses.push_back(run.run->removed ? &*run.run->removed : nullptr);
  if (std::all_of(masses.begin(), masses.end(), [](const auto* m) { return m == nullptr; }))
    return table;
  for (size_t r = 0; r < kTokenRoles; ++r) {
    std::vector<std::string> row = {token_role_name(static_cast<TokenRole>(r))};
    bool any = false;
    for (const RemovedMass* mass : masses) {
      const bool known = mass != nullptr && mass->by_role[r].tokens > 0;
      row.push_back(known ? fmt::format("{:.4f}", mass->by_role[r].mean()) : kNone);
      any |= known;
    }
    if (any) table.rows.push_back(std::move(row));
  }
  const auto total = [&](const char* name, auto&& value) {
    std::vector<std::string> row = {name};
    for (const RemovedMass* mass : masses)
      row.push_back(mass != nullptr && mass->samples > 0 ? value(*mass) : kNone);
    table.rows.push_back(std::move(row));
  };
  total("whole answer, mean", [](const RemovedMass& m) {
    return fmt::format("{:.3f}", std::abs(m.log_kept) / static_cast<double>(m.samples));
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
  total("samples audited", [](const RemovedMass& m) { return fmt::format("{}", m.samples); });
  table.note =
      "Mean of -ln Z per token (nats), Z = the model's probability of all legal tokens at that "
      "place; 0: nothing is taken away. Not wanted: Z below one half.";
  return table;
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
    std::vector<std::string> row = {fmt::format("{} - {}", b * width, (b + 1) * width - 1)};
    for (const RunSummary& run : comparison.runs) {
      const auto& removed = run.run->removed;
      const bool known =
          removed && b < removed->by_position.size() && removed->by_position[b].tokens > 0;
      row.push_back(known ? fmt::format("{:.4f}", removed->by_position[b].mean()) : kNone);
    }
    table.rows.push_back(std::move(row));
  }
  table.note = "Mean of -ln Z per token (nats), by number of the generated token.";
  return table;
}

}  // namespace molgen3d
