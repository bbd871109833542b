// molgen3d decode: enriched text to structures.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/plain_text.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/format_options.h"
#include "cli/input_options.h"
#include "files/file_roles.h"
#include "files/output_file.h"
#include "generation/record_output.h"
#include "molecule/enriched.h"
#include "molecule/writers.h"
#include "text/tags.h"

namespace molgen3d {

namespace {

struct DecodeOptions {
  InputOptions input;
  FormatOptions format{.zeros = "either"};
  std::string output;
  std::string output_format;
  bool lenient = false;
  bool add_hydrogens = false;
};

std::string decoded_record(const DecodeOptions& options, OutputFormat format,
                           const InputRecord& record) {
  // Lines may be bare enriched text or whole generated texts with tags.
  const std::string_view text = conformer_of(record.smiles).value_or(record.smiles);
  DecodeResult result =
      decode_enriched(text, options.lenient ? DecodeLevel::kLenient : DecodeLevel::kStrict,
                      number_format_of(options.format));
  if (!result.molecule) throw Error(result.error);
  const Molecule molecule = result.molecule->with_title(record.title);
  const std::string smiles = molecule.canonical_smiles();
  const std::string stereo = stereo_summary(judge_stereo(molecule));
  const PropertyList properties = {{"SMILES", smiles}, {"STEREO", stereo}};
  const WriteOptions write{.add_hydrogens = options.add_hydrogens};
  switch (format) {
    case OutputFormat::kSdf:
      return sdf_record(molecule, properties, write);
    case OutputFormat::kXyz:
      return xyz_record(molecule, properties, write);
    case OutputFormat::kEnriched:
      return std::string(text) + "\n";
    case OutputFormat::kJsonLines:
      break;
  }
  nlohmann::ordered_json json = {
      {"record", record.index}, {"title", record.title}, {"smiles", smiles}};
  json["input"] = strip_smiles(text);  // its atoms stand in the order of the coordinates
  json["elements"] = nlohmann::ordered_json::array();
  for (size_t i = 0; i < molecule.atom_count(); ++i)
    json["elements"].push_back(molecule.element(i));
  json["units"] = "angstrom";
  json["coordinates"] = nlohmann::ordered_json::array();
  for (const Point3& p : molecule.coordinates()) json["coordinates"].push_back({p.x, p.y, p.z});
  json["stereo"] = stereo;
  return json_without_controls(
             json.dump(-1, ' ', false, nlohmann::detail::error_handler_t::replace)) +
         "\n";
}

int run_decode(const DecodeOptions& options) {
  ReaderOptions reader = reader_options_of(options.input);
  if (reader.format == RecordFormat::kAuto) reader.format = RecordFormat::kSmiles;
  FileRoles roles;
  roles.reads(options.input.inputs);
  roles.writes(options.output.empty() ? "-" : options.output, "--output");
  roles.check();
  const OutputFormat format = options.output_format.empty() ? output_format_of_path(options.output)
                                                            : output_format(options.output_format);
  OutputFile output(options.output);
  const int exit_code = write_each_record(
      options.input, reader, output,
      [&](const InputRecord& record) { return decoded_record(options, format, record); });
  output.close();
  return exit_code;
}

}  // namespace

void add_decode_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<DecodeOptions>();
  CLI::App* command =
      app.add_subcommand("decode",
                         "Read enriched SMILES, one a line, and write structures.\n"
                         "Example: molgen3d decode \"[C]<0,0,0>[O]<1.43,0,0>\" --format xyz");
  add_input_options(*command, options->input);
  add_format_options(*command, options->format);
  command->add_option("-o,--output", options->output,
                      "Output file, .gz to compress [default: standard output]");
  command->add_option("--format", options->output_format,
                      "sdf, xyz, enriched or jsonl [default: by the output's name, else sdf]");
  command->add_flag("--lenient", options->lenient,
                    "Read numbers as the study does: the last one in each field counts");
  command->add_flag("--add-hydrogens", options->add_hydrogens,
                    "Place hydrogens with RDKit (SDF and XYZ)");
  command->callback([options, &exit_code] { exit_code = run_decode(*options); });
}

}  // namespace molgen3d
