// Generated conformers as files hold them, before anything is judged.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "analysis/run_report.h"
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
  std::string label, path;
  std::string settings;  ///< model, rule, sampling, seed as far as known
  std::vector<GeneratedSample> samples;
  size_t refused = 0;             ///< records that were never generated
  std::optional<double> seconds;  ///< of the whole run, the study's clock
  std::string note;               ///< worth saying to the user, or empty
};

/// By content: SDF; JSON lines of `generate` (with the failed samples among them); a report of
/// `smoke` or `study`. All also as .gz; `-`: SDF from standard input. When SDF has a file
/// `PATH.failed.jsonl` beside it (written by `generate`), its samples are counted as failed.
/// Throws Error naming the file, and the line of JSON lines that cannot be read.
GeneratedSet read_generated(const std::string& path);

GeneratedSet generated_set_of(const RunReport& report, const std::string& path);

/// A file itself; for a folder (of `study`) its run reports, the free run first, then by time.
std::vector<std::string> generated_files(const std::string& path);

}  // namespace molgen3d
