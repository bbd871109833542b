// molgen3d report: tables, plots and samples of one or several smoke runs.
#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cstdio>
#include <filesystem>

#include "base/error.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/report_files.h"
#include "files/file_roles.h"
#include "files/output_file.h"

namespace molgen3d {

namespace {

struct ReportOptions {
  std::vector<std::string> inputs;
  std::vector<std::string> outputs;
  std::string format;
  std::string title = "molgen3d: constrained decoding compared";
  size_t failures = 5;
};

int run_report_command(const ReportOptions& options) {
  FileRoles roles;
  roles.reads(options.inputs);
  for (const std::string& path : options.outputs) roles.writes(path, "--output");
  roles.check();
  if (options.format.empty()) {
    for (const std::string& path : options.outputs) report_format_of(path);
  }
  std::vector<RunReport> runs;
  for (const std::string& path : options.inputs) {
    runs.push_back(read_run_report(path));
    RunMetadata& metadata = runs.back().metadata;
    if (metadata.label.empty() && metadata.model_path.empty() && metadata.model_alias.empty())
      metadata.label = std::filesystem::path(path).stem().string();
  }
  const Comparison comparison = compare_runs(runs);
  const auto write = [&](const std::string& path, const std::string& format) {
    write_file(path, formatted_report(comparison, format, options.title, options.failures));
  };
  if (options.outputs.empty()) write("-", options.format.empty() ? "text" : options.format);
  for (const std::string& path : options.outputs)
    write(path, options.format.empty() ? report_format_of(path) : options.format);
  return kExitDone;
}

}  // namespace

std::string report_format_of(const std::string& path) {
  const std::string ending = output_ending(path);
  if (ending == ".md") return "markdown";
  if (ending == ".json") return "json";
  if (ending == ".html" || ending == ".htm") return "html";
  if (ending.empty() || ending == ".txt" || !makes_a_file(path)) return "text";
  throw Error::format(
      "{}: ending {}: not one of .txt, .md, .json, .html; --format says what to write", path,
      in_quotes(ending));
}

std::string formatted_report(const Comparison& comparison, const std::string& format,
                             const std::string& title, size_t failing) {
  if (format == "html") return comparison_html(comparison, title);
  if (format == "json") return comparison_json(comparison);
  const Table samples = failing_samples(comparison, failing);
  const bool any = !samples.rows.empty();
  if (format == "markdown")
    return comparison_markdown(comparison) + (any ? table_markdown(samples) : "");
  if (format == "text") return comparison_text(comparison) + (any ? table_text(samples) : "");
  throw Error::format("--format {}: not one of text, markdown, json, html", in_quotes(format));
}

void add_report_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<ReportOptions>();
  CLI::App* command = app.add_subcommand(
      "report",
      "Compare smoke runs: pass rates, times, tokens, junk, drift, failures, samples in 3D.\n"
      "Example: molgen3d report none.json exact.json -o report.html");
  command->add_option("reports", options->inputs, "Reports written by smoke or study")->required();
  command->add_option(
      "-o,--output", options->outputs,
      "Files; .html, .md, .json or text by their ending [default: standard output]");
  command->add_option("--format", options->format, "text, markdown, json or html");
  command->add_option("--title", options->title, "Title of the page")->capture_default_str();
  command->add_option("--sample-failures", options->failures, "Failing samples to list per run")
      ->capture_default_str();
  command->callback([options, &exit_code] { exit_code = run_report_command(*options); });
}

}  // namespace molgen3d
