#include "cli/trace_command.h"

#include <fmt/format.h>
#include <unistd.h>
#include <CLI/CLI.hpp>

#include <chrono>
#include <condition_variable>
#include <fstream>
#include <iostream>
#include <iterator>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <thread>

#include "base/error.h"
#include "base/plain_text.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "trace/read/json_check.h"
#include "trace/read/trace_reader.h"
#include "trace/reports/trace_check.h"
#include "trace/sql/sql.h"
#include "trace/store/column_cache.h"

namespace molgen3d {
namespace {

using trace::TableFormat;
using trace::Trace;

void put(std::FILE* file, const std::string& text) {
  if (std::fwrite(text.data(), 1, text.size(), file) != text.size()) {
    throw Error("standard output: cannot write (disk full or pipe closed)");
  }
}

// What a careful reader wants to know before trusting the tables; nothing for a clean file.
void put_remarks(const Trace& trace, std::FILE* err) {
  const Table remarks = trace::describe_reading(trace);
  for (const std::string& note : remarks.notes) {
    put(err, with_controls_escaped(fmt::format("{}: {}", trace.path, note)) + "\n");
  }
  constexpr size_t kShown = 3;
  for (size_t i = 0; i < std::min(kShown, remarks.rows.size()); ++i) {
    put(err, with_controls_escaped(
                 fmt::format("{}: byte {}: {}: {}", trace.path, cell_text(remarks.rows[i][0]),
                             cell_text(remarks.rows[i][1]), cell_text(remarks.rows[i][2]))) +
                 "\n");
  }
}

Trace open_trace(const std::string& path, const TraceCommandOptions& options, std::FILE* err) {
  trace::ReadOptions read;
  read.use_cache = !options.no_cache;
  Trace loaded = trace::read_trace(path, read);
  if (!options.quiet) put_remarks(loaded, err);
  return loaded;
}

// After the answer is out: nobody waits for the cache.
void keep_columns(const Trace& loaded, const TraceCommandOptions& options, std::FILE* err) {
  if (options.no_cache || loaded.from_cache || loaded.json_bytes < trace::kCacheFromBytes) return;
  std::string problem;
  if (trace::save_column_cache(loaded, problem).empty() && !problem.empty() && !options.quiet) {
    put(err, fmt::format("no column cache, the next command reads the file again: {}\n", problem));
  }
}

// Prints rows as they come; text collects the first ones to find the column widths.
class PrintingSink : public trace::SqlSink {
 public:
  PrintingSink(std::FILE* out, const TraceCommandOptions& options) : out_(out), options_(options) {}

  void begin(const std::vector<std::string>& columns) override {
    table_ = {};
    table_.header = columns;
    rows_ = 0;
    begun_ = false;
    if (options_.format == TableFormat::kJson) put(out_, first_ ? "[" : "\n[");
    if (options_.format == TableFormat::kCsv && !first_) put(out_, "\n");
    first_ = false;
    if (options_.format == TableFormat::kCsv) flush();
  }

  void row(const std::vector<Cell>& cells) override {
    ++rows_;
    table_.rows.push_back(cells);
    if (table_.rows.size() == kTogether) flush();
  }

  void end() override {
    flush();
    if (options_.format == TableFormat::kJson) put(out_, "]");
    if (options_.format == TableFormat::kText) put(out_, fmt::format("({} rows)\n", rows_));
  }

  void finish() {
    if (options_.format == TableFormat::kJson && !first_) put(out_, "\n");
  }

 private:
  static constexpr size_t kTogether = 1000;

  void flush() {
    if (table_.rows.empty() && (rows_ > 0 || (options_.format == TableFormat::kCsv && begun_))) {
      return;
    }
    begun_ = true;
    if (options_.format == TableFormat::kJson) {
      std::string text;
      for (size_t r = 0; r < table_.rows.size(); ++r) {
        if (rows_ > table_.rows.size() || r > 0) text += ",\n";
        text += json_row(table_.rows[r]);
      }
      put(out_, text);
    } else if (options_.format == TableFormat::kCsv) {
      std::string text = print_tables({table_}, options_.format);
      if (rows_ > 0) text.erase(0, text.find('\n') + 1);  // begin() wrote the header
      put(out_, text);
    } else {
      std::string text = print_tables({table_}, options_.format, options_.name_width, true);
      text.erase(0, text.find('\n') + 1);  // no title
      put(out_, text);
    }
    table_.rows.clear();
  }

  std::string json_row(const std::vector<Cell>& cells) const {
    Table one;
    one.header = table_.header;
    one.rows = {cells};
    const std::string text = print_tables({one}, TableFormat::kJson);
    const size_t open = text.find("[\n{", text.find("\"rows\"")) + 2;
    return text.substr(open, text.rfind("],\"notes\"") - open);
  }

  std::FILE* out_;
  const TraceCommandOptions& options_;
  Table table_;
  uint64_t rows_ = 0;
  bool first_ = true;
  bool begun_ = false;  // something of this result set is out
};

// Ends the program when a query is still running well after its limit: the database looks at the
// clock between steps, but a single step (a search for a long text in a longer one) may take hours.
class HardStop {
 public:
  HardStop(double limit_s, std::FILE* err) {
    if (limit_s <= 0 || limit_s > 1e9) return;
    thread_ = std::jthread([this, limit_s, err](const std::stop_token& stop) {
      std::unique_lock lock(mutex_);
      const auto wait = std::chrono::duration<double>(limit_s + kGrace);
      if (over_.wait_for(lock, stop, wait, [] { return false; }) || stop.stop_requested()) return;
      std::fprintf(err, "molgen3d: SQL: stopped after %g s (the time limit)\n", limit_s);
      std::fflush(err);
      ::_exit(kExitBadInput);
    });
  }

 private:
  static constexpr double kGrace = 1;  // seconds for the database to stop by itself
  std::mutex mutex_;
  std::condition_variable_any over_;
  std::jthread thread_;  // last: stops before what it waits on goes away
};

std::string sql_text(const std::string& option) {
  if (option.empty() || option == "-") {
    return {std::istreambuf_iterator<char>(std::cin), std::istreambuf_iterator<char>()};
  }
  if (option[0] != '@') return option;
  std::ifstream file(option.substr(1));
  if (!file) throw Error::format("{}: cannot open the query", option.substr(1));
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

int run_check(const Trace& loaded, std::FILE* out) {
  std::vector<std::string> problems = trace::check_importable(loaded);
  for (const trace::JsonFault& f : trace::check_json(loaded.path)) {
    problems.push_back(fmt::format("{} x {}, the first at byte {} (line {}, column {})", f.count,
                                   f.what, f.offset, f.line, f.column));
  }
  const std::string path = with_controls_escaped(loaded.path);
  for (const std::string& problem : problems) {
    put(out, fmt::format("{}: {}\n", path, with_controls_escaped(problem)));
  }
  put(out, fmt::format("{}: {} events, {} slices, {} rows: {}\n", path, loaded.events,
                       loaded.slices.size(), loaded.tracks.size(),
                       problems.empty() ? "clean" : "not clean"));
  return problems.empty() ? kExitDone : kExitBadInput;
}

std::vector<Table> make_report(const Trace& loaded, const TraceCommandOptions& options) {
  if (options.action == "top") return report_top(loaded, options.report);
  if (options.action == "launches") return report_launches(loaded, options.report);
  if (options.action == "gpu") return report_gpu(loaded, options.report);
  if (options.action == "memory") return report_memory(loaded, options.report);
  if (options.action == "small") return report_small(loaded, options.report);
  if (options.action == "steps") return report_steps(loaded, options.report);
  throw Error::format("trace: no command {}", in_quotes(options.action));
}

}  // namespace

int run_trace(const TraceCommandOptions& options, std::FILE* out, std::FILE* err) {
  const Trace first = open_trace(options.file, options, err);
  int code = kExitDone;
  if (options.action == "compare") {
    const Trace second = open_trace(options.second_file, options, err);
    put(out, print_tables(compare_traces(first, second, options.compare), options.format,
                          options.name_width));
    std::fflush(out);
    keep_columns(second, options, err);
  } else if (options.action == "sql") {
    trace::SqlDatabase database(first);
    database.set_time_limit(options.time_limit_s);
    const HardStop hard_stop(options.time_limit_s, err);
    PrintingSink sink(out, options);
    database.run(sql_text(options.sql), sink);
    sink.finish();
  } else if (options.action == "check") {
    code = run_check(first, out);
  } else {
    put(out, print_tables(make_report(first, options), options.format, options.name_width));
  }
  std::fflush(out);
  keep_columns(first, options, err);
  return code;
}

namespace {

struct Parsed : TraceCommandOptions {
  bool csv = false;
  bool json = false;
  double small_us = 10;
  std::string per = "auto";
};

CLI::App* add_action(CLI::App& parent, const char* name, const std::string& help,
                     const std::shared_ptr<Parsed>& o, int& exit_code) {
  CLI::App* command = parent.add_subcommand(name, help);
  command->add_option("file", o->file, "Chrome trace, .json or .json.gz")->required();
  auto* csv = command->add_flag("--csv", o->csv, "Tables as CSV");
  command->add_flag("--json", o->json, "Tables as JSON")->excludes(csv);
  command->add_option("--width", o->name_width, "Characters shown of a name")
      ->capture_default_str();
  command->add_flag(
      "--no-cache", o->no_cache,
      "Neither use nor write the column cache (in the user's cache folder, for large traces)");
  command->add_flag("--quiet", o->quiet, "No remarks about the file");
  command->callback([o, name, &exit_code] {
    o->action = name;
    o->format = o->csv ? TableFormat::kCsv : o->json ? TableFormat::kJson : TableFormat::kText;
    o->report.small_ns = static_cast<int64_t>(o->small_us * 1000);
    using Per = trace::CompareOptions::Per;
    o->compare.per = o->per == "token"  ? Per::kToken
                     : o->per == "step" ? Per::kStep
                     : o->per == "none" ? Per::kNothing
                                        : Per::kAuto;
    o->compare.limit = o->report.limit;
    exit_code = run_trace(*o, stdout, stderr);
  });
  return command;
}

void add_report_options(CLI::App* command, const std::shared_ptr<Parsed>& o) {
  command->add_option("--range", o->report.range,
                      "Only what starts while a slice with this name is open (* and ? allowed)");
  command->add_option("-n,--limit", o->report.limit, "Rows per table, 0 = all")
      ->capture_default_str();
}

}  // namespace

void add_trace_command(CLI::App& app, int& exit_code) {
  CLI::App* command =
      app.add_subcommand("trace",
                         "Answer where the time goes, from Chrome traces, PyTorch's above all.\n"
                         "Example: molgen3d trace top run.json.gz --gpu");
  command->require_subcommand(1);
  auto o = std::make_shared<Parsed>();
  CLI::App* top = add_action(*command, "top",
                             "Time per name.\nExample: molgen3d trace top run.json.gz --group all",
                             o, exit_code);
  add_report_options(top, o);
  top->add_flag("--self", o->report.self, "Time without direct children, sorted by it");
  top->add_flag("--gpu", o->report.gpu_only, "Only kernels, copies and fills");
  top->add_flag("--short", o->report.short_names, "Names without template arguments");
  top->add_option("--category", o->report.category, "Only this category (kernel, cpu_op, ...)");
  top->add_option("--group", o->report.group,
                  "all: one row per kernel group; or the kernels of one group (gemm, attention)");
  CLI::App* launches = add_action(
      *command, "launches",
      "Launch calls and how long the device waited.\nExample: molgen3d trace launches run.json.gz",
      o, exit_code);
  add_report_options(launches, o);
  CLI::App* gpu = add_action(*command, "gpu",
                             "Busy and idle time of devices and streams.\nExample: molgen3d trace "
                             "gpu run.json.gz --range \"decode step\"",
                             o, exit_code);
  add_report_options(gpu, o);
  CLI::App* memory =
      add_action(*command, "memory",
                 "Copies by kind: bytes, time, GB/s.\nExample: molgen3d trace memory run.json.gz",
                 o, exit_code);
  add_report_options(memory, o);
  CLI::App* small = add_action(*command, "small",
                               "Names with very many very short slices.\nExample: molgen3d trace "
                               "small run.json.gz --calls 1000",
                               o, exit_code);
  add_report_options(small, o);
  small->add_option("--below-us", o->small_us, "Shorter than this many us")->capture_default_str();
  small->add_option("--calls", o->report.small_calls, "More than so many")->capture_default_str();
  CLI::App* steps =
      add_action(*command, "steps",
                 "Annotations, phases and single steps.\nExample: molgen3d trace steps run.json.gz",
                 o, exit_code);
  add_report_options(steps, o);
  steps->add_option("--name", o->report.step, "Which slices are steps (* and ? allowed)");
  CLI::App* compare = add_action(*command, "compare",
                                 "Why is one of two runs faster?\nExample: molgen3d trace compare "
                                 "a.json.gz b.json.gz",
                                 o, exit_code);
  compare->add_option("second", o->second_file, "The other trace")->required();
  compare->add_option("--per", o->per, "Normalise per token, step, none or auto")
      ->check(CLI::IsMember({"auto", "token", "step", "none"}))
      ->capture_default_str();
  compare->add_option("-n,--limit", o->report.limit, "Rows per table, 0 = all")
      ->capture_default_str();
  CLI::App* sql = add_action(
      *command, "sql",
      "Any question, in SQL with Perfetto's table names.\nExample: molgen3d trace sql run.json.gz "
      "\"SELECT name, SUM(dur)/1e6 AS ms FROM slice GROUP BY name ORDER BY ms DESC LIMIT 5\"",
      o, exit_code);
  sql->add_option("query", o->sql, "SQL, @FILE, or - for standard input (the default)");
  sql->add_option("--timeout", o->time_limit_s, "Stop a query after so many seconds, 0 = never")
      ->capture_default_str();
  add_action(*command, "check",
             "Does the trace follow every rule that viewers enforce?\nExample: molgen3d trace "
             "check run.json.gz",
             o, exit_code);
}

}  // namespace molgen3d
