#include "cli/input_options.h"

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
    if (text.size() > 1 && text.front() == '[' && text.back() == ']') {
      text.insert(text.begin(), kProtector);
    }
    arguments.push_back(std::move(text));
  }
  return arguments;
}

CLI::Option* add_texts(CLI::App& command, const std::string& name, std::vector<std::string>& texts,
                       const std::string& help) {
  return command.add_option(name, texts, help)->transform([](const std::string& text) {
    return !text.empty() && text.front() == kProtector ? text.substr(1) : text;
  });
}

void add_input_options(CLI::App& command, InputOptions& options) {
  add_texts(command, "input", options.inputs,
            "SMILES, files (.smi .csv .sdf, also .gz or .xz) or - for standard input")
      ->required();
  command.add_option("--input-format", options.format, "auto, smi, csv or sdf")
      ->capture_default_str();
  command.add_option("--smiles-column", options.smiles_column,
                     "CSV: name or number of the SMILES column");
  command.add_option("--title-column", options.title_column,
                     "CSV: name or number of the title column");
  command.add_flag("--no-header", options.no_header, "CSV: the first row is data");
  command.add_option("--limit", options.limit, "Read at most this many records");
}

ReaderOptions reader_options_of(const InputOptions& options) {
  ReaderOptions out;
  out.format = record_format(options.format);
  out.smiles_column = options.smiles_column;
  out.title_column = options.title_column;
  out.csv_header = !options.no_header;
  return out;
}

int for_each_record(const InputOptions& options, const ReaderOptions& reader,
                    const std::function<void(const InputRecord&)>& body) {
  RecordStream records(options.inputs, reader);
  InputRecord record;
  std::string source;
  int exit_code = kExitDone;
  for (size_t i = 0; (options.limit == 0 || i < options.limit) && records.next(record, source);
       ++i) {
    try {
      if (!record.ok()) throw Error(record.cause);
      body(record);
    } catch (const Error& error) {
      std::fprintf(stderr, "molgen3d: %s\n", record_failure(source, record, error.what()).c_str());
      exit_code = kExitBadInput;
    }
  }
  return exit_code;
}

}  // namespace molgen3d
