#include "molecule/verdict.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "base/error.h"
#include "molecule/enriched.h"

namespace molgen3d {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/// `-1`, `0.5`, `.5`, `1.`: a sign, digits with at most one dot among them.
bool is_decimal(std::string_view field) {
  if (field.starts_with('-')) field.remove_prefix(1);
  const auto digits = std::count_if(field.begin(), field.end(), is_digit);
  const auto dots = std::count(field.begin(), field.end(), '.');
  return digits > 0 && dots <= 1 && static_cast<size_t>(digits + dots) == field.size();
}

template <typename Visit>
void for_each_block(std::string_view conformer, Visit&& visit) {
  size_t open = conformer.find('<');
  while (open != std::string_view::npos) {
    const size_t close = conformer.find('>', open);
    if (close == std::string_view::npos) return;
    visit(conformer.substr(open + 1, close - open - 1));
    open = conformer.find('<', close);
  }
}

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

BlockJunk classify_block(std::string_view block) {
  BlockJunk junk;
  junk.letters = std::any_of(block.begin(), block.end(), is_letter);
  size_t fields = 0;
  bool numeric = true;
  for (size_t begin = 0; begin <= block.size();) {
    const size_t end = std::min(block.find(',', begin), block.size());
    numeric &= is_decimal(block.substr(begin, end - begin));
    ++fields;
    begin = end + 1;
  }
  junk.non_numeric = !numeric || fields != 3;
  return junk;
}

JunkCount count_junk(std::string_view conformer, size_t max_examples) {
  JunkCount count;
  for_each_block(conformer, [&](std::string_view block) {
    const BlockJunk junk = classify_block(block);
    ++count.blocks;
    count.letters += junk.letters;
    count.non_numeric += junk.non_numeric;
    if ((junk.letters || junk.non_numeric) && count.examples.size() < max_examples) {
      count.examples.emplace_back(block);
    }
  });
  return count;
}

Verdict judge(std::string_view decoded_text, std::string_view prompt_smiles, bool ended,
              const NumberFormat& format) {
  Verdict verdict;
  const std::string_view smiles =
      extract_block(decoded_text, "[SMILES]", "[/SMILES]").value_or(std::string_view());
  if (smiles.empty()) {
    verdict.issues.emplace_back("missing [SMILES] block");
  } else if (smiles != prompt_smiles) {
    verdict.issues.emplace_back("SMILES block mismatch");
  }

  const std::string_view conformer =
      extract_block(decoded_text, "[CONFORMER]", "[/CONFORMER]").value_or(std::string_view());
  verdict.has_conformer = !conformer.empty();
  if (conformer.empty()) {
    verdict.issues.emplace_back("missing [CONFORMER] block");
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
