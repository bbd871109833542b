// molgen3d evaluate: generated conformers against reference ones.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>
#include <mutex>

#include "base/error.h"
#include "base/thread_pool.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/messages.h"
#include "cli/progress.h"
#include "files/file_roles.h"
#include "files/output_file.h"
#include "molecule/writers.h"
#include "quality/evaluation_report.h"
#include "quality/generated_files.h"
#include "study/run_samples.h"

namespace molgen3d {

namespace {

struct EvaluateOptions {
  std::vector<std::string> inputs;
  std::string reference;
  std::vector<std::string> outputs, baselines;
  std::string format, per_molecule, baseline_output, samples, match = "smiles";
  bool csv = false, json = false, graph_symmetry = false, quiet = false;
  uint64_t baseline_seed = 42;
  size_t threads = 0;
  EvaluationOptions evaluation;
  EvaluationReportOptions report;
};

std::string formatted(const EvaluationReport& report, const std::string& format) {
  if (format == "text") return evaluation_text(report);
  if (format == "markdown") return evaluation_markdown(report);
  if (format == "csv") return evaluation_csv(report);
  return evaluation_json(report);
}

std::string format_of(const std::string& path) {
  const std::string ending = output_ending(path);
  if (ending == ".md") return "markdown";
  if (ending == ".csv") return "csv";
  if (ending == ".json") return "json";
  if (ending.empty() || ending == ".txt" || !makes_a_file(path)) return "text";
  throw Error::format(
      "{}: ending {}: not one of .md, .csv, .json, .txt; --format says what to write", path,
      in_quotes(ending));
}

// Before hours of work, not after them. `inputs`: the files that are read.
void check_outputs(const EvaluateOptions& options, const std::vector<std::string>& inputs) {
  const std::vector<std::string> formats = {"", "text", "markdown", "csv", "json"};
  if (std::find(formats.begin(), formats.end(), options.format) == formats.end())
    throw Error::format("--format {}: not one of text, markdown, csv, json",
                        in_quotes(options.format));
  FileRoles roles;
  roles.reads(inputs);
  roles.reads(options.reference);
  for (const std::string& path : options.outputs) roles.writes(path, "--output");
  roles.writes(options.per_molecule, "--per-molecule");
  roles.writes(options.baseline_output, "--baseline-output");
  roles.check();
  if (options.csv || options.json || !options.format.empty()) return;
  for (const std::string& path : options.outputs) format_of(path);
}

void parse_samples(const std::string& text, EvaluationOptions& options) {
  if (text.empty()) return;
  options.twice_references = text == "2K" || text == "2k";
  if (options.twice_references) return;
  const bool digits =
      std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
  if (!digits || text.size() > 9 || std::stoul(text) == 0)
    throw Error::format("--samples {}: not a positive number, nor 2K", in_quotes(text));
  options.samples = std::stoul(text);
}

// The baseline's conformers, so that they need not be made again.
void write_conformers(const std::string& path, GeneratedSet& set) {
  OutputFile file(path);
  for (GeneratedSample& sample : set.samples) {
    if (!sample.failure.empty()) continue;
    const Molecule molecule =
        Molecule::from_smiles(sample.smiles, sample.title).with_coordinates(sample.coordinates);
    try {
      file.write(sdf_record(molecule, {{"SMILES", sample.smiles}}));
    } catch (const Error& error) {  // this conformer's failure only
      sample.failure = error.what();
    }
  }
  file.close();
}

// Samples that would count as failed or as nothing at all, each molecule once. True when there are
// some: a figure of 0 % that only says that names differ must not pass for one.
bool say_what_is_left_out(const std::vector<std::unique_ptr<RowScores>>& rows,
                          const std::function<void(const std::string&)>& note) {
  constexpr size_t kLines = 20;
  std::vector<std::string> lines;
  size_t samples = 0;
  for (const auto& row : rows) {
    for (const UnmatchedSamples& u : row->unmatched) {
      samples += u.count;
      const std::string title = u.title.empty() ? "" : fmt::format(" {}", in_quotes(u.title));
      lines.push_back(fmt::format("{}: {}{}: {} ({} samples)", u.source, in_quotes(u.smiles), title,
                                  u.cause, u.count));
    }
    for (const std::string& line : row->unreadable_smiles) lines.push_back(line);
    for (const std::string& line : row->notes) note(line);
  }
  for (size_t i = 0; i < std::min(lines.size(), kLines); ++i)
    std::fprintf(stderr, "molgen3d: %s\n", lines[i].c_str());
  if (lines.size() > kLines)
    std::fprintf(stderr, "molgen3d: ... and %zu more\n", lines.size() - kLines);
  if (samples > 0) std::fprintf(stderr, "molgen3d: %zu samples match no reference\n", samples);
  return !lines.empty();
}

// What the options mean together; the files of conformers that they name.
std::vector<std::string> prepare(EvaluateOptions& options) {
  parse_samples(options.samples, options.evaluation);
  options.report.version = MOLGEN3D_VERSION;
  if (options.match == "title") options.evaluation.match = MatchBy::kTitle;
  if (options.graph_symmetry)
    options.evaluation.symmetry.terminal_groups = TerminalGroups::kDistinct;
  if (options.inputs.empty() && options.baselines.empty())
    throw Error("nothing to evaluate: name a file of conformers, or --baseline");
  if (options.inputs.empty() && options.reference.empty())
    throw Error("--baseline needs --reference, or a file whose molecules to generate");
  if (!options.baseline_output.empty() && options.baselines.size() != 1)
    throw Error("--baseline-output needs exactly one --baseline");
  std::vector<std::string> files;
  for (const std::string& path : options.inputs) {
    for (std::string& file : run_report_files(path)) files.push_back(std::move(file));
  }
  check_outputs(options, files);
  return files;
}

// Names the records that cannot be used.
ReferenceSet references_of(const EvaluateOptions& options, ThreadPool& pool) {
  if (options.reference.empty()) return {};
  ReferenceSet references = read_references(options.reference, pool, options.evaluation.match);
  if (references.molecules.empty() && references.failures.empty())
    throw Error::format("{}: no records", options.reference);
  FailureLines lines{FailureLimits()};
  for (const std::string& line : references.failure_lines) lines.add(line);
  lines.finish();
  return references;
}

// A bar for each part of the work.
class PartProgress {
 public:
  explicit PartProgress(bool quiet) : quiet_(quiet) {}

  void update(size_t done, size_t total, const std::string& what) {
    const std::lock_guard lock(mutex_);
    if (what != part_) {
      clear();
      bar_ = std::make_unique<Progress>(total,
                                        what.ends_with("distances") ? "pairs"
                                        : what.ends_with("samples") ? "samples"
                                                                    : "molecules",
                                        quiet_);
      part_ = what;
    }
    bar_->update(done, what);
  }
  void clear() {
    if (bar_) bar_->clear();
  }

 private:
  const bool quiet_;
  std::mutex mutex_;
  std::unique_ptr<Progress> bar_;
  std::string part_;
};

GeneratedSet set_of_file(const std::string& file) {
  return read_generated(file, [](const std::string& text, const std::string& path) {
    return generated_set_of(parse_run_report(text, path), path);
  });
}

using Rows = std::vector<std::unique_ptr<RowScores>>;

void add_baselines(const EvaluateOptions& options, Evaluator& evaluator, Rows& rows) {
  const RowScores* like = rows.empty() ? nullptr : rows.front().get();
  for (const std::string& baseline : options.baselines) {
    GeneratedSet set = evaluator.etkdg(baseline == "etkdg+mmff", options.baseline_seed, like);
    if (!options.baseline_output.empty()) write_conformers(options.baseline_output, set);
    rows.push_back(std::make_unique<RowScores>(evaluator.score(set)));
  }
}

// A base that is no row costs the differences only: the figures are there. `wrong_base` says so.
EvaluationReport report_of(const Evaluator& evaluator, const Rows& rows, const RowScores* truth,
                           EvaluationReportOptions options, bool& wrong_base) {
  std::vector<const RowScores*> pointers;
  for (const auto& row : rows) pointers.push_back(row.get());
  try {
    return make_evaluation_report(evaluator, pointers, truth, options);
  } catch (const Error& error) {
    say(fmt::format("{}; compared with the first", error.what()));
    wrong_base = true;
    options.against.clear();
    return make_evaluation_report(evaluator, pointers, truth, options);
  }
}

void write_report(const EvaluateOptions& options, const EvaluationReport& report) {
  const std::string chosen = options.csv ? "csv" : options.json ? "json" : options.format;
  if (options.outputs.empty()) write_file("-", formatted(report, chosen.empty() ? "text" : chosen));
  for (const std::string& path : options.outputs)
    write_file(path, formatted(report, chosen.empty() ? format_of(path) : chosen));
  if (!options.per_molecule.empty())
    write_file(options.per_molecule, evaluation_molecules_csv(report));
}

int run_evaluate(EvaluateOptions options) {
  const std::vector<std::string> files = prepare(options);
  ThreadPool pool(options.threads);
  const auto say_unless_quiet = [&](const std::string& line) {
    if (!options.quiet) say(line);
  };
  ReferenceSet references = references_of(options, pool);
  const bool bad_references = !references.failure_lines.empty();
  PartProgress progress(options.quiet);
  options.evaluation.progress = [&](size_t done, size_t total, const std::string& what) {
    progress.update(done, total, what);
  };
  Evaluator evaluator(std::move(references), options.evaluation, pool);
  Rows rows;
  for (const std::string& file : files) {
    const GeneratedSet set = set_of_file(file);
    if (!set.note.empty()) say_unless_quiet(set.note);
    rows.push_back(std::make_unique<RowScores>(evaluator.score(set)));
  }
  const bool unmatched = say_what_is_left_out(rows, say_unless_quiet);
  add_baselines(options, evaluator, rows);
  std::unique_ptr<RowScores> truth;
  if (evaluator.reference_molecules() > 0)
    truth = std::make_unique<RowScores>(evaluator.score_references());
  progress.clear();

  bool wrong_base = false;
  write_report(options, report_of(evaluator, rows, truth.get(), options.report, wrong_base));
  size_t unreadable = 0;
  for (const auto& row : rows) {
    const auto found = row->failures.find("record cannot be read");
    if (found != row->failures.end()) unreadable += found->second;
  }
  if (unreadable > 0) say_unless_quiet(fmt::format("{} records could not be read", unreadable));
  return bad_references || unmatched || wrong_base || unreadable > 0 ? kExitBadInput : kExitDone;
}

}  // namespace

void add_evaluate_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<EvaluateOptions>();
  CLI::App* command = app.add_subcommand(
      "evaluate",
      "Judge generated conformers: COV and MAT against references, geometry, stereo, cost.\n"
      "Example: molgen3d evaluate study --reference references.sdf.gz --baseline etkdg -o "
      "quality.md");
  command->add_option("generated", options->inputs,
                      "One row each: SDF, JSON lines of generate, reports of smoke or study (.gz, "
                      ".xz too; -: SDF from standard input); a folder of study gives all its runs");
  command->add_option("--reference", options->reference,
                      "SDF with one or more conformers per molecule (- : standard input)");
  command->add_option("--threshold", options->report.threshold, "Of COV, Angstrom")
      ->capture_default_str()
      ->check(CLI::PositiveNumber);
  command->add_option("--samples", options->samples,
                      "Samples asked for per molecule, or 2K: the first ones count, missing ones "
                      "have failed [default: as many as there are]");
  command->add_option("--match", options->match, "Find a sample's reference by smiles or title")
      ->capture_default_str()
      ->check(CLI::IsMember({"smiles", "title"}));
  command->add_flag("--subset", options->report.only_mentioned,
                    "Leave out reference molecules that no file names");
  command->add_flag("--graph-symmetry", options->graph_symmetry,
                    "Do not merge terminal conjugated O and N (carboxylate, nitro)");
  command
      ->add_option("--max-symmetry", options->evaluation.symmetry.max_maps,
                   "Automorphisms looked at per molecule")
      ->capture_default_str()
      ->check(CLI::Range(size_t{1}, size_t{100'000'000}));
  command
      ->add_option("--baseline", options->baselines,
                   "Rows of RDKit's generator on the same molecules: etkdg, etkdg+mmff")
      ->check(CLI::IsMember({"etkdg", "etkdg+mmff"}));
  command->add_option("--baseline-seed", options->baseline_seed, "Seed of the baseline")
      ->capture_default_str();
  command->add_option("--baseline-output", options->baseline_output,
                      "SDF file for the baseline's conformers");
  command->add_flag("--strain", options->evaluation.strain,
                    "MMFF94 strain of every sample (about 0.1 s each)");
  command
      ->add_option("--distinct", options->evaluation.distinct,
                   "Angstrom within which a conformer repeats another")
      ->capture_default_str()
      ->check(CLI::NonNegativeNumber);
  command->add_option("--against", options->report.against,
                      "Row that the others are compared with [default: the first]");
  command->add_option("--bootstrap", options->report.replicates, "Resamples of the intervals")
      ->capture_default_str()
      ->check(CLI::Range(size_t{2}, size_t{1'000'000}));
  command->add_option("--seed", options->report.seed, "Seed of the intervals")
      ->capture_default_str();
  command->add_flag("--curves", options->report.curves, "A table of COV from 0.05 to 3 A");
  command->add_option("-o,--output", options->outputs,
                      "Files; .md, .csv, .json or text by their ending [default: standard output]");
  command->add_option("--format", options->format, "text, markdown, csv or json");
  command->add_flag("--csv", options->csv, "The same as --format csv");
  command->add_flag("--json", options->json, "The same as --format json");
  command->add_option("--per-molecule", options->per_molecule,
                      "CSV file with a line per molecule and row");
  command->add_option("--threads", options->threads,
                      "CPU threads; does not change results [default: all cores]");
  command->add_flag("-q,--quiet", options->quiet, "Only errors on standard error");
  command->callback([options, &exit_code] { exit_code = run_evaluate(*options); });
}

}  // namespace molgen3d
