#include "cli/input_options.h"

#include <CLI/CLI.hpp>

#include <cstdio>

#include "base/error.h"
#include "cli/command.h"

namespace molgen3d {

namespace {

// Cannot stand at the start of any argument that means something.
constexpr char kProtector = '\x02';

}  // namespace

std::vector<std::string> protect_texts(int argc, char** argv) {
  std::vector<std::string> arguments;
  for (int i = argc - 1; i > 0; --i) {
    std::string text = argv[i];
    const size_t equals = text.starts_with("--") ? text.find('=') : std::string::npos;
    const size_t value = equals == std::string::npos ? 0 : equals + 1;
    if (text.size() > value + 1 && text[value] == '[' && text.back() == ']')
      text.insert(text.begin() + static_cast<std::ptrdiff_t>(value), kProtector);
    arguments.push_back(std::move(text));
  }
  return arguments;
}

void take_texts_as_typed(CLI::App& app) {
  for (CLI::Option* option : app.get_options()) {
    if (option->get_expected_max() == 0) continue;  // a flag
    option->transform([](const std::string& text) {
      return text.size() > 1 && text[0] == kProtector && text[1] == '[' ? text.substr(1) : text;
    });
  }
  for (CLI::App* command : app.get_subcommands(nullptr)) take_texts_as_typed(*command);
}

void add_input_options(CLI::App& command, InputOptions& options) {
  command
      .add_option("input", options.inputs,
                  "SMILES, files (.smi .csv .sdf, also .gz or .xz) or - for standard input")
      ->required();
  command.add_option("--input-format", options.format, "auto, smi, csv or sdf")
      ->capture_default_str();
  command.add_option("--smiles-column", options.smiles_column,
                     "CSV: name or number of the SMILES column");
  command.add_option("--title-column", options.title_column,
                     "CSV: name or number of the title column; SDF: data item of the title");
  command.add_option(
      "--delimiter", options.delimiter,
      "Between fields of CSV, or SMILES and title: tab, comma, semicolon, space, pipe "
      "or a character [default: comma, tab for .tsv; white space in SMILES files]");
  command.add_flag("--no-header", options.no_header, "CSV: the first row is data");
  command.add_option("--limit", options.limit, "Read at most this many records");
  add_failure_options(command, options.failures);
}

ReaderOptions reader_options_of(const InputOptions& options) {
  ReaderOptions out;
  out.format = record_format(options.format);
  out.smiles_column = options.smiles_column;
  out.title_column = options.title_column;
  out.csv_header = !options.no_header;
  if (!options.delimiter.empty()) out.delimiter = delimiter_of(options.delimiter);
  out.note = say;
  return out;
}

int write_each_record(const InputOptions& options, const ReaderOptions& reader, OutputFile& output,
                      const std::function<std::string(const InputRecord&)>& text_of) {
  RecordStream records(options.inputs, reader);
  InputRecord record;
  std::string source;
  FailureLines failures(options.failures);
  for (size_t i = 0; (options.limit == 0 || i < options.limit) && records.next(record, source);
       ++i) {
    std::string cause = record.cause;
    std::string text;
    try {
      if (record.ok()) text = text_of(record);
    } catch (const Error& error) {
      cause = error.what();
    }
    output.write(text);  // outside: a full disk is no failure of the record
    if (cause.empty()) continue;
    failures.add(record_failure(source, record, cause));
    if (failures.too_many())
      throw Error::format("stopped after {} failures (--max-errors)", failures.count());
  }
  return failures.count() > 0 ? kExitBadInput : kExitDone;
}

}  // namespace molgen3d
