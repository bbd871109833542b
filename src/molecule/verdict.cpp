#include "molecule/verdict.h"

#include <fmt/format.h>

#include <utility>

#include "base/error.h"
#include "molecule/enriched.h"
#include "text/tags.h"

namespace molgen3d {

namespace {

/// The stereo of `verdict.molecule` against the prompt's.
void judge_space(std::string_view prompt_smiles, Verdict& verdict) {
  try {
    // The stereo asked for is the prompt's: the text's own copy of it may have drifted.
    const std::string wanted = Molecule::from_smiles(prompt_smiles).canonical_smiles();
    if (verdict.molecule->canonical_smiles() != wanted) {
      verdict.strict_issues.push_back("stereo mismatch: the text names another stereoisomer");
    }
    verdict.stereo = judge_stereo(*verdict.molecule);
  } catch (const Error& error) {
    verdict.strict_issues.push_back(fmt::format("stereo not judged: {}", error.what()));
    return;
  }
  const StereoVerdict& stereo = *verdict.stereo;
  if (!stereo.all_matched()) {
    verdict.strict_issues.push_back(
        fmt::format("stereo mismatch: {} of {} centres and {} of {} double bonds as asked{}",
                    stereo.centres.matched, stereo.centres.total(), stereo.double_bonds.matched,
                    stereo.double_bonds.total(), stereo.mirror_image ? " (mirror image)" : ""));
  }
}

}  // namespace

Verdict judge(std::string_view decoded_text, std::string_view prompt_smiles, bool ended,
              const NumberFormat& format) {
  Verdict verdict;
  const std::string_view smiles =
      extract_block(decoded_text, kSmilesTag, kSmilesEndTag).value_or(std::string_view());
  if (smiles.empty()) {
    verdict.issues.push_back(fmt::format("missing {} block", kSmilesTag));
  } else if (smiles != prompt_smiles) {
    verdict.issues.emplace_back("SMILES block mismatch");
  }

  const std::string_view conformer = conformer_of(decoded_text).value_or(std::string_view());
  verdict.has_conformer = !conformer.empty();
  if (conformer.empty()) {
    verdict.issues.push_back(fmt::format("missing {} block", kConformerTag));
  } else {
    verdict.generated_smiles = strip_smiles(conformer);
    verdict.smiles_exact_match = verdict.generated_smiles == prompt_smiles;
    verdict.same_graph = same_molecular_graph(prompt_smiles, verdict.generated_smiles);
    if (!verdict.same_graph) {
      verdict.issues.emplace_back("generated conformer <> prompt SMILES mismatch");
    }
    if (conformer.find('>') == std::string_view::npos) {
      verdict.issues.emplace_back("coordinate block never closed");
    }
    // Whatever the strict reading takes, the lenient one reads the same: one decoding for most.
    DecodeResult decoded = decode_enriched(conformer, DecodeLevel::kStrict, format);
    if (!decoded.molecule) verdict.strict_issues.push_back("strict parse failed: " + decoded.error);
    if (verdict.issues.empty() || verdict.same_graph) {
      if (!decoded.molecule) decoded = decode_enriched(conformer, DecodeLevel::kLenient);
      if (verdict.issues.empty() && !decoded.molecule) {
        verdict.parse_error = decoded.error;
        verdict.issues.push_back("decode_cartesian_v2 failed: " + decoded.error);
      }
      verdict.molecule = std::move(decoded.molecule);
    }
    for_each_block(conformer, [&](std::string_view block) {
      verdict.has_real_coordinates |= block != "0.0000,0.0000,0.0000";
    });
    verdict.junk = count_junk(conformer);
    if (verdict.same_graph && verdict.molecule) judge_space(prompt_smiles, verdict);
  }
  if (!ended) verdict.strict_issues.emplace_back("no end of sequence");
  return verdict;
}

}  // namespace molgen3d
