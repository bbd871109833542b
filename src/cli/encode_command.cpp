// molgen3d encode: 3D molecules to enriched text, the form that models are trained on.
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
#include "molecule/enriched.h"
#include "molecule/spatial_check.h"
#include "text/tags.h"

namespace molgen3d {

namespace {

struct EncodeOptions {
  InputOptions input;
  FormatOptions format;
  std::string output;
  std::string descriptors = "verbatim";
  bool as_given = false;
  bool training = false;
  bool json = false;
};

std::string encoded_line(const EncodeOptions& options, const Molecule& molecule,
                         const TemplateOptions& style) {
  const std::string enriched = encode_enriched(molecule, number_format_of(options.format), style);
  if (!options.training && !options.json) {
    std::string line = enriched;
    if (!molecule.title().empty()) line.append("\t").append(on_one_line(molecule.title()));
    return line + "\n";
  }
  const std::string smiles = make_template(molecule, style).text_template.smiles;
  if (options.training) return prompt_text(smiles) + conformer_text(enriched) + "\n";
  const nlohmann::ordered_json json = {
      {"canonical_smiles", smiles}, {"embedded_smiles", enriched}, {"title", molecule.title()}};
  return json_without_controls(
             json.dump(-1, ' ', false, nlohmann::detail::error_handler_t::replace)) +
         "\n";
}

// An SDF or XYZ file of enriched text would be one in name only.
void require_text_output(const std::string& path) {
  const std::string ending = output_ending(path);
  for (const char* other : {".sdf", ".sd", ".mol", ".xyz", ".mol2", ".pdb"}) {
    if (ending == other)
      throw Error::format("{}: encode writes text, not {} (decode does)", path, ending);
  }
}

int run_encode(const EncodeOptions& options) {
  TemplateOptions style;
  style.style = options.as_given ? SmilesStyle::kAsGiven : SmilesStyle::kCanonical;
  style.descriptors = descriptor_style(options.descriptors);
  require_text_output(options.output);
  FileRoles roles;
  roles.reads(options.input.inputs);
  roles.writes(options.output.empty() ? "-" : options.output, "--output");
  roles.check();
  OutputFile output(options.output);
  const int exit_code = write_each_record(
      options.input, reader_options_of(options.input), output, [&](const InputRecord& record) {
        const Molecule molecule = molecule_of(record);
        if (molecule.has_coordinates()) {
          if (const std::string cause = why_not_spatial(molecule); !cause.empty())
            throw Error(cause);
        }
        return encoded_line(options, molecule, style);
      });
  output.close();
  return exit_code;
}

}  // namespace

void add_encode_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<EncodeOptions>();
  CLI::App* command =
      app.add_subcommand("encode",
                         "Write 3D molecules as enriched SMILES.\n"
                         "Example: molgen3d encode conformers.sdf --training -o train.txt");
  add_input_options(*command, options->input);
  add_format_options(*command, options->format);
  command->add_option("-o,--output", options->output,
                      "Output file, .gz to compress [default: standard output]");
  command->add_option("--descriptors", options->descriptors, "Atom text: verbatim, hcount or study")
      ->capture_default_str();
  command->add_flag("--as-given", options->as_given, "Keep the atom order of the input");
  command->add_flag("--training", options->training,
                    "Whole training units with tags, without titles");
  command->add_flag("--json", options->json,
                    "JSON lines: canonical_smiles, embedded_smiles, title");
  command->callback([options, &exit_code] { exit_code = run_encode(*options); });
}

}  // namespace molgen3d
