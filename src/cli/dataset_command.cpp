// molgen3d dataset: lists of molecules to training data.
#include "cli/dataset_command.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>
#include <cstdio>

#include "base/error.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/format_options.h"
#include "cli/input_options.h"
#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/progress.h"
#include "dataset/builder.h"
#include "dataset/folder_writer.h"
#include "files/file_roles.h"
#include "generation/record_stream.h"

namespace molgen3d {

namespace {

struct DatasetOptions {
  InputOptions input;
  FormatOptions format;
  std::string output;
  std::string frame = "principal";
  std::string force_field = "mmff94";
  std::string missing = "uff";
  std::string descriptors = "verbatim";
  std::string split = "all=1";
  std::string elements;
  std::vector<std::string> exclude;
  double timeout = 60;
  size_t threads = 0;
  DatasetSettings settings;
  bool no_random_retry = false;
  bool resume = false;
  bool overwrite = false;
  bool quiet = false;
};

std::vector<std::string> symbols_of(const std::string& text) {
  std::vector<std::string> symbols;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find(',', begin), text.size());
    symbols.push_back(text.substr(begin, end - begin));
    if (symbols.back().empty())
      throw Error::format("--elements {}: an empty symbol", in_quotes(text));
    begin = end + 1;
  }
  return symbols;
}

DatasetJob job_of(const DatasetOptions& options) {
  DatasetJob job;
  job.inputs = options.input.inputs;
  job.reader = reader_options_of(options.input);
  job.limit = options.input.limit;
  job.exclude = options.exclude;
  job.folder = options.output;
  job.resume = options.resume;
  job.overwrite = options.overwrite;
  job.workers = options.threads;
  job.program_version = MOLGEN3D_VERSION;
  DatasetSettings& settings = job.settings = options.settings;
  settings.frame = frame_of_name(options.frame);
  settings.embed.force_field = force_field_of_name(options.force_field);
  settings.embed.missing = missing_parameters_of_name(options.missing);
  settings.embed.retry_from_random = !options.no_random_retry;
  settings.descriptors = descriptor_style(options.descriptors);
  settings.numbers = number_format_of(options.format);
  settings.splits = Splits::parse(options.split);
  settings.elements = symbols_of(options.elements);
  settings.timeout = std::chrono::milliseconds(static_cast<int64_t>(options.timeout * 1000));
  // A .tsv of given coordinates is no table with a header.
  if (settings.given_coordinates && options.input.format == "auto" &&
      std::all_of(job.inputs.begin(), job.inputs.end(),
                  [](const std::string& name) { return name.find(".tsv") != std::string::npos; })) {
    job.reader.format = RecordFormat::kSmiles;
  }
  return job;
}

/// For the time left; 0 when the input can be read only once.
size_t count_records(const DatasetJob& job) {
  if (!std::all_of(job.inputs.begin(), job.inputs.end(), can_be_read_again)) return 0;
  ReaderOptions reader = job.reader;
  reader.note = {};  // is said when the records are read for use
  RecordStream stream(job.inputs, reader);
  InputRecord record;
  std::string source;
  size_t count = 0;
  while ((job.limit == 0 || count < job.limit) && stream.next(record, source)) ++count;
  return count;
}

void check_files(const DatasetJob& job) {
  FileRoles roles;
  roles.reads(job.inputs);
  roles.reads(job.exclude);
  const std::filesystem::path folder = job.folder;
  // Files in a folder that is still to be made cannot be inputs.
  if (!std::filesystem::is_directory(folder)) return;
  for (const auto& file : FolderWriter::files_of(folder, job.settings))
    roles.writes(file.string(), "--output");
  for (const char* name : {kDescriptionFile, kJournalFile})
    roles.writes((folder / name).string(), "--output");
  roles.check();
}

int run_dataset(const DatasetOptions& options) {
  if (options.input.inputs.empty()) throw Error("dataset: no input given (see --help)");
  if (options.output.empty()) throw Error("dataset: --output DIR is missing");
  const DatasetJob job = job_of(options);
  check_files(job);
  Progress progress(count_records(job), "records", options.quiet);
  const auto say = [&](const std::string& line) {
    progress.clear();
    molgen3d::say(line);
  };
  FailureLines failures(options.input.failures, say);
  if (!options.quiet) say(fmt::format("seed {}", options.settings.seed));
  catch_interrupts();
  const auto begin = std::chrono::steady_clock::now();
  DatasetCallbacks callbacks;
  callbacks.stop = [&] { return interrupted() || failures.too_many(); };
  callbacks.message = say;
  callbacks.failure = [&](const std::string& line) { failures.add(line); };
  callbacks.progress = [&](const DatasetTotals& totals) {
    progress.update(
        totals.outcomes.total(),
        totals.outcomes.failed() > 0 ? fmt::format("{} failed", totals.outcomes.failed()) : "");
  };
  const DatasetSummary summary = build_dataset(job, callbacks);
  progress.clear();
  failures.finish();
  const double seconds =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  const DatasetTotals& totals = summary.totals;
  const uint64_t failed = totals.outcomes.failed();
  if (!options.quiet) {
    if (summary.was_complete) say(options.output + ": already complete");
    const std::string causes = totals.outcomes.causes();
    const double fresh = static_cast<double>(totals.outcomes.total() - summary.resumed_records);
    say(fmt::format(
        "{} records: {} molecules with {} conformers, {} skipped, {} failed{} in {:.1f} s "
        "({:.1f} records/s)",
        totals.outcomes.total(), totals.outcomes.of(Outcome::kDone), totals.conformers,
        totals.outcomes.skipped(), failed, causes.empty() ? "" : " (" + causes + ")", seconds,
        fresh / std::max(seconds, 1e-9)));
    if (totals.short_of_conformers + totals.unconverged + totals.wrong_stereo + totals.uff > 0) {
      say(fmt::format(
          "{} conformers unconverged, {} dropped for their stereochemistry; {} molecules "
          "with fewer conformers than asked, {} relaxed with UFF for want of parameters",
          totals.unconverged, totals.wrong_stereo, totals.short_of_conformers, totals.uff));
    }
    for (const auto& [name, molecules] : summary.parts) {
      say(fmt::format("{}/{}: {} molecules", options.output, name, molecules));
    }
    if (summary.complete && !summary.was_complete) {
      const std::string splits = summary.parts.size() > 1 ? ", no molecule in two splits" : "";
      say(summary.excluded_records == 0
              ? fmt::format("verified: {} molecules read back{}", summary.verified_molecules,
                            splits)
              : fmt::format(
                    "verified: none of the {} excluded molecules, stereoisomers included, is "
                    "among the {} read back{}{}",
                    summary.excluded_molecules, summary.verified_molecules,
                    job.settings.exclude_scaffolds ? ", nor any with their scaffolds" : "",
                    splits));
    }
    if (summary.excluded_unreadable > 0) {
      say(fmt::format("{} records of the exclusion lists are no molecules and exclude nothing",
                      summary.excluded_unreadable));
    }
  }
  if (!summary.complete && failures.too_many()) {
    say(
        fmt::format("stopped after {} failures (--max-errors); the same command with --resume "
                    "completes the data set",
                    failures.count()));
    return kExitBadInput;
  }
  if (!summary.complete) {
    say("interrupted; the same command with --resume completes the data set");
    return kExitInterrupted;
  }
  return failed + summary.excluded_unreadable > 0 ? kExitBadInput : kExitDone;
}

void add_conformer_options(CLI::App& command, DatasetOptions& options) {
  EmbedSettings& embed = options.settings.embed;
  command.add_option("-k,--conformers", embed.conformers, "Conformers per molecule")
      ->capture_default_str()
      ->check(CLI::Range(1U, kMaxConformers));
  command.add_option("--seed", options.settings.seed, "Seed of all conformers")
      ->capture_default_str();
  command.add_option("--timeout", options.timeout, "Seconds per molecule; then it is given up")
      ->capture_default_str()
      ->check(CLI::Range(0.001, 1e6));
  command
      .add_option("--force-field", options.force_field,
                  "Relax conformers with mmff94, mmff94s, uff or none")
      ->capture_default_str();
  command.add_option("--steps", embed.max_steps, "Force-field steps per conformer")
      ->capture_default_str();
  command
      .add_option("--missing-parameters", options.missing,
                  "Where the force field has none: uff, keep (as embedded) or fail")
      ->capture_default_str();
  command.add_option("--attempts", embed.max_attempts,
                     "Embedding attempts per conformer [default: 10 x atoms]");
  command.add_flag("--no-random-retry", options.no_random_retry,
                   "Do not try again from random coordinates");
  command
      .add_option("--prune-rmsd", embed.prune_rmsd,
                  "Drop conformers nearer than this to an earlier one, in Angstrom [default: off]")
      ->check(CLI::Range(0.0, 100.0));
  command.add_flag("--given-coordinates", options.settings.given_coordinates,
                   "Take them from the input: SDF, or lines SMILES<TAB>integers in 1e-4 A");
}

void add_selection_options(CLI::App& command, DatasetOptions& options) {
  DatasetSettings& settings = options.settings;
  command.add_option("--split", options.split, "For example train=0.98,valid=0.01,test=0.01")
      ->capture_default_str();
  command
      .add_option("--exclude", options.exclude,
                  "File of molecules that must be absent, stereoisomers included; repeatable")
      ->allow_extra_args(false);
  command.add_flag("--exclude-scaffolds", settings.exclude_scaffolds,
                   "Exclude molecules with the Murcko scaffold of an excluded one too");
  command.add_option("--min-atoms", settings.min_atoms, "Heavy atoms, at least")
      ->capture_default_str();
  command.add_option("--max-atoms", settings.max_atoms, "Heavy atoms, at most")
      ->capture_default_str();
  command.add_option("--elements", options.elements,
                     "Only these, for example C,N,O,F [default: any]");
  command.add_flag("--several-parts", settings.several_parts,
                   "Keep salts and mixtures; their parts are laid over each other");
  command.add_flag("--keep-duplicates", settings.keep_duplicates,
                   "Keep repeated molecules (with --given-coordinates: further conformers)");
}

}  // namespace

void add_dataset_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<DatasetOptions>();
  CLI::App* command = app.add_subcommand(
      "dataset",
      "Make training data: SMILES to conformers (RDKit), split, checked.\n"
      "Example: molgen3d dataset molecules.smi -o data --split train=0.98,valid=0.01,test=0.01");
  add_input_options(*command, options->input);
  command->get_option("input")->required(false);  // info and verify have their own
  command->add_option("-o,--output", options->output, "Folder of the data set");
  add_conformer_options(*command, *options);
  add_selection_options(*command, *options);
  command
      ->add_option("--frame", options->frame,
                   "principal (axes), centred, random (rotation) or raw coordinates")
      ->capture_default_str();
  add_format_options(*command, options->format);
  command->add_option("--descriptors", options->descriptors, "Atom text: verbatim, hcount or study")
      ->capture_default_str();
  command->add_flag("--text", options->settings.write_text,
                    "Also SPLIT.txt: whole training units, one a line");
  command->add_flag("--tsv", options->settings.write_tsv,
                    "Also SPLIT.tsv: SMILES, tab, integers in 1e-4 A (what training/ reads)");
  command->add_flag("--sdf", options->settings.write_sdf, "Also SPLIT.sdf, heavy atoms");
  command->add_option("--threads", options->threads,
                      "Worker processes; does not change results [default: all cores]");
  command->add_flag("--resume", options->resume, "Complete an interrupted run of the same command");
  command->add_flag("--overwrite", options->overwrite, "Replace whatever the folder holds");
  command->add_flag("-q,--quiet", options->quiet, "Only errors on standard error");
  add_dataset_inspection(*command, exit_code);
  command->require_subcommand(0, 1);
  command->callback([options, command, &exit_code] {
    if (command->get_subcommands().empty()) exit_code = run_dataset(*options);
  });
}

}  // namespace molgen3d
