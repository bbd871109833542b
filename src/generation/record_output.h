// How one sample is written: SDF, XYZ, enriched text, JSON lines.
#pragma once

#include <string>

#include "generation/conformer.h"

namespace molgen3d {

enum class OutputFormat : uint8_t { kSdf, kXyz, kEnriched, kJsonLines };
/// "sdf", "xyz", "enriched", "jsonl"; throws Error for another name.
OutputFormat output_format(const std::string& name);
/// By the ending of a file name (.gz aside); kSdf without one, and for standard output. Throws
/// Error for an ending that stands for none of them.
OutputFormat output_format_of_path(const std::string& path);

struct OutputSettings {
  OutputFormat format = OutputFormat::kSdf;
  bool add_hydrogens = false;
  uint64_t seed = 0;
  bool audit = false;  ///< raw log-probability and kept mass are known
};

/// The record of a sample, line break at its end. For a conformer that is not ok: an object with
/// "error" in JSON lines, nothing in the other formats (they cannot hold it; see failure_line).
/// Doubles are written so that they read back the same. JSON lines hold the coordinates in the atom
/// order of `input`: `elements` are those of the rows, `atom_order` their places (from 0) in
/// `smiles`, `isotopes`, `atom_maps` and `hydrogen_labels` the input's labels, when it has any.
std::string output_record(const Sample& sample, const Conformer& conformer,
                          const OutputSettings& settings);

/// output_record() for a conformer that may turn out to have no record (no place for a hydrogen, a
/// coordinate that no format holds): it is then no longer ok, with the writer's cause, and what
/// output_record() gives for a failure comes back.
std::string written_record(const Sample& sample, Conformer& conformer,
                           const OutputSettings& settings);

/// One JSON line about a sample that failed: source, title, input, sample, error, text.
std::string failure_line(const Sample& sample, const Conformer& conformer);

/// "ok", "none specified", "mirror image", "1 of 3 centres wrong", ...; with "not judged: allene at
/// atom 3" where the input has stereo that is not looked at.
std::string stereo_summary(const StereoVerdict& stereo);

}  // namespace molgen3d
