// Pass or fail of one generated text: the study's rules, and stricter ones beside them.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "molecule/stereo.h"
#include "text/junk.h"
#include "text/number_format.h"

namespace molgen3d {

struct Verdict {
  /// The study's issue strings, in its order: `missing [SMILES] block`, `SMILES block mismatch`,
  /// `missing [CONFORMER] block`, `generated conformer <> prompt SMILES mismatch`, `coordinate
  /// block never closed`, `decode_cartesian_v2 failed: {error}` (tried when there is no other
  /// issue).
  std::vector<std::string> issues;
  std::string generated_smiles;  ///< strip_smiles of the conformer block
  std::string parse_error;       ///< the lenient decoder's, when it was tried
  bool has_conformer = false;
  bool same_graph = false;            ///< non-isomeric
  bool smiles_exact_match = false;    ///< generated_smiles equals the prompt's, byte for byte
  bool has_real_coordinates = false;  ///< any block other than `0.0000,0.0000,0.0000`

  /// Beyond the study: `no end of sequence`, `strict parse failed: {error}`, `stereo mismatch:
  /// ...`.
  std::vector<std::string> strict_issues;
  JunkCount junk;
  /// The conformer, read leniently: set when it was tried (no issue, or the prompt's graph) and
  /// could be read.
  std::optional<Molecule> molecule;
  std::optional<StereoVerdict> stereo;  ///< of `molecule`, when its graph is the prompt's

  bool passed() const { return issues.empty(); }
  bool strictly_passed() const { return issues.empty() && strict_issues.empty(); }
};

/// `decoded_text`: prompt and answer with tags, without BOS, EOS and padding. `ended`: whether the
/// model stopped by itself.
Verdict judge(std::string_view decoded_text, std::string_view prompt_smiles, bool ended = true,
              const NumberFormat& format = {});

}  // namespace molgen3d
