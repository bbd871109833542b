// Generated conformers as files and runs hold them, before anything is judged: plain data.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "molecule/molecule.h"

namespace molgen3d {

/// What a run says about a sample beyond its conformer.
struct RunFigures {
  bool passed = false, strict = false;  ///< docs/study.md
  size_t blocks = 0, junk_letters = 0, junk_non_numeric = 0;
  uint32_t tokens = 0, passes = 0;
};

struct GeneratedSample {
  std::string smiles;  ///< that was asked for; empty when the file does not say
  std::string title;
  std::string source;  ///< file and line or record, for messages
  // One of three, or a failure:
  std::string mol_block;    ///< SDF record
  std::string enriched;     ///< answer text between the [CONFORMER] tags, read leniently
  Coordinates coordinates;  ///< in the atom order of `smiles`
  std::string failure;      ///< kind of failure; empty when there is a conformer to look at
  std::optional<RunFigures> run;
};

/// One row of the tables.
struct GeneratedSet {
  std::string label, path;  ///< an empty label: the file has none of its own
  std::string settings;     ///< model, rule, sampling, seed as far as known
  std::vector<GeneratedSample> samples;
  size_t refused = 0;             ///< records that were never generated
  std::optional<double> seconds;  ///< of the whole run, the study's clock
  std::string note;               ///< worth saying to the user, or empty
};

/// Failures are counted by kind: `cause` without the numbers and quoted texts that are details of
/// one sample.
std::string failure_kind(const std::string& cause);

}  // namespace molgen3d
