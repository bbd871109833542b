#include "cli/input_options.h"

namespace molgen3d {

void add_input_options(CLI::App& command, InputOptions& options) {
  command
      .add_option("input", options.inputs,
                  "SMILES, files (.smi .csv .sdf, also .gz) or - for standard input")
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

}  // namespace molgen3d
