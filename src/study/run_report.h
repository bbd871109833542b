// Everything that one smoke run says about itself: what `smoke` writes and `report` reads.
#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "files/journal.h"
#include "molecule/molecule.h"
#include "molecule/stereo.h"
#include "study/removed_mass.h"
#include "study/token_statistics.h"

namespace molgen3d {

/// Settings and circumstances of a run. Names as in the JSON (docs/study.md).
struct RunMetadata {
  std::string version, processor_type, timestamp;
  std::string model_alias, model_step, model_path, tokenizer_name, tokenizer_path;
  bool logit_processor_enabled = true;
  std::string sampling, sampling_description;
  uint32_t batch_size = 0, num_generations = 1;
  size_t sample_size = 0, total_generations = 0;
  std::string kv_cache, attention;
  // Beyond the study:
  std::string label;  ///< how tables call this run
  std::string dataset, descriptors, prompt_style, dtype, device, host;
  uint64_t seed = 0, parameters = 0;
  uint32_t max_new_tokens = 0;
  size_t threads = 0;
  bool audit = false;
  bool profiled = false;  ///< the times include the recording of a trace
  std::vector<std::pair<std::string, std::string>> versions;  ///< program, compiler, RDKit
  RunIdentity identity;  ///< what a run must share to stand in for this one; may be empty
};

/// Seconds. `total` is the study's clock: tokenizing, templates, model, detokenizing; loading, the
/// warm-up and the checks are outside it.
struct RunTimes {
  double load = 0, warm_up = 0;
  double template_building = 0, prefill = 0, decode = 0, output = 0, sample = 0, detokenize = 0;
  double other = 0;  ///< total less the parts above
  double total = 0;
  double validate = 0;
  double cpu = 0;  ///< processor seconds of all threads within `total`
  double in_parts() const {
    return template_building + prefill + decode + output + sample + detokenize;
  }
};

struct BondSummary {
  size_t samples = 0;     ///< samples whose bonds could be compared
  size_t all_within = 0;  ///< of these, no bond off by more than kBondTolerance
  size_t bonds = 0;
  double median_error = 0, mean_error = 0;  ///< Angstrom
  std::string expected;                     ///< "UFF rest lengths" or "reference"
};

/// One generated answer with its verdicts.
struct SampleRecord {
  std::string prompt_smiles, title, source;
  uint32_t generation = 0;
  std::string decoded_text;  ///< prompt and answer, without BOS, EOS and padding
  bool ended = false;
  // The study's verdict.
  std::vector<std::string> issues;
  std::string generated_smiles, parse_error;
  bool smiles_exact_match = false, has_real_coordinates = false, has_conformer = false;
  bool same_graph = false;
  // Ours.
  bool text_kept =
      false;            ///< literals equal the encoder's; three plain numbers in each block; ended
  bool strict = false;  ///< text_kept, and every number is of the checkpoint's grammar
  std::string strict_cause;  ///< first reason why not strict
  size_t blocks = 0, junk_letters = 0, junk_non_numeric = 0;
  std::optional<StereoVerdict> stereo;
  uint32_t prompt_tokens = 0, sampled_tokens = 0, forced_tokens = 0, passes = 0;
  std::optional<double> raw_log_probability, log_kept_mass;  ///< audit
  struct OffBond {
    uint32_t first, second;
    float length, expected;
  };
  bool bonds_checked = false;
  double bond_error = 0;                     ///< mean, Angstrom
  std::vector<OffBond> off_bonds;            ///< atoms in text order
  std::vector<std::string> all_generations;  ///< texts; on generation 0 of several

  bool passed() const { return issues.empty(); }
  /// Whether its molecule specifies stereo, and the text could be judged by it.
  bool stereo_asked() const {
    return stereo && stereo->centres.total() + stereo->double_bonds.total() > 0;
  }
  /// Of the text, what stands behind the prompt; all of it when the prompt has no end.
  std::string_view answer() const;
  uint32_t tokens() const { return sampled_tokens + forced_tokens; }
};

/// An input record that no prompt could be made of.
struct RefusedRecord {
  std::string source, text, cause;
};

struct RunReport {
  RunMetadata metadata;
  RunTimes times;
  std::vector<SampleRecord> samples;  ///< in order: prompts, then generations
  std::vector<RefusedRecord> refused;
  std::optional<TokenStatistics> coordinates;
  std::optional<BondSummary> bonds;
  std::optional<RemovedMass> removed;
  /// Reference coordinates by prompt SMILES, in text order; for the viewer.
  std::vector<std::pair<std::string, Coordinates>> references;

  size_t passed() const;
};

/// Writes the study's schema and our fields. Doubles read back the same.
std::string run_report_json(const RunReport& report);
/// Reads what run_report_json wrote, and reports of the study's own runner (fields that they lack
/// stay empty). Throws Error naming `path` and the cause.
RunReport read_run_report(const std::filesystem::path& path);
RunReport parse_run_report(const std::string& json, const std::string& name);

}  // namespace molgen3d
