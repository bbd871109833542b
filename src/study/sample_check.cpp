#include "study/sample_check.h"

#include <fmt/format.h>

#include "molecule/verdict.h"
#include "study/block_statistics.h"
#include "text/enriched_text.h"
#include "text/tags.h"

namespace molgen3d {

namespace {

std::string why_not_strict(const SampleRecord& record, std::string_view answer,
                           std::string_view conformer, const Template& text_template,
                           const NumberFormat& format) {
  if (!record.has_conformer) return "no conformer";
  if (!record.ended) return "no end of sequence";
  if (!is_one_conformer(answer)) return fmt::format("more than one {} block", kConformerTag);
  std::string cause;
  if (match_template(conformer, text_template, format, &cause)) return {};
  if (record.same_graph && !keeps_literals(conformer, text_template))
    return "other text for the same molecule: " + cause;
  return cause;
}

void check_bonds(const Prompt& prompt, const Molecule& molecule, SampleCheck& check) {
  if (prompt.molecule->has_coordinates()) {
    check.bonds = bond_lengths(molecule, *prompt.molecule, prompt.text_template.atom_of_input);
    check.by_reference = !check.bonds.empty();
  }
  if (check.bonds.empty()) check.bonds = bond_lengths(molecule);
  SampleRecord& record = check.record;
  if (check.bonds.empty()) return;
  record.bonds_checked = true;
  for (const BondLength& bond : check.bonds) {
    record.bond_error += bond.error() / static_cast<double>(check.bonds.size());
    if (!(bond.error() <= kBondTolerance)) {
      record.off_bonds.push_back({bond.first, bond.second, static_cast<float>(bond.length),
                                  static_cast<float>(bond.expected)});
    }
  }
}

}  // namespace

SampleCheck check_sample(const Model& model, const Sample& sample, const std::string& answer) {
  SampleCheck check;
  SampleRecord& record = check.record;
  const Prompt& prompt = *sample.prompt;
  const Completion& completion = sample.completion;
  const NumberFormat& format = model.checkpoint->format().numbers;

  record.prompt_smiles = prompt.text_template.smiles;
  record.title = prompt.title;
  record.source = prompt.source;
  record.generation = sample.index;
  record.ended = completion.reason == FinishReason::kEndOfSequence;
  record.decoded_text = prompt_text(prompt.text_template.smiles) + answer;
  record.prompt_tokens =
      static_cast<uint32_t>(model.prompt_tokens(prompt.text_template.smiles).size());
  record.sampled_tokens = completion.sampled_tokens;
  record.forced_tokens = completion.forced_tokens;
  record.passes = completion.passes;

  const Verdict verdict = judge(record.decoded_text, record.prompt_smiles, record.ended, format);
  record.issues = verdict.issues;
  if (completion.reason == FinishReason::kFailed)
    record.issues.push_back("generation failed: " + completion.error);
  record.generated_smiles = verdict.generated_smiles;
  record.parse_error = verdict.parse_error;
  record.smiles_exact_match = verdict.smiles_exact_match;
  record.has_real_coordinates = verdict.has_real_coordinates;
  record.has_conformer = verdict.has_conformer;
  record.same_graph = verdict.same_graph;
  record.blocks = verdict.junk.blocks;
  record.junk_letters = verdict.junk.letters;
  record.junk_non_numeric = verdict.junk.non_numeric;
  record.stereo = verdict.stereo;

  const std::string_view conformer = conformer_of(answer).value_or(std::string_view());
  record.text_kept = record.ended && is_one_conformer(answer) && verdict.junk.non_numeric == 0 &&
                     keeps_literals(conformer, prompt.text_template);
  record.strict_cause = why_not_strict(record, answer, conformer, prompt.text_template, format);
  record.strict = record.passed() && record.strict_cause.empty();

  check.coordinates.add(*model.tokenizer, completion.tokens, answer);
  if (!completion.audit.empty()) {
    check.places = place_tokens(*model.tokenizer, completion.tokens, model.end_of_sequence);
    record.raw_log_probability = completion.raw_log_probability;
    record.log_kept_mass = completion.log_kept_mass;
  }
  if (record.passed() && verdict.molecule) check_bonds(prompt, *verdict.molecule, check);
  return check;
}

}  // namespace molgen3d
