// Reads files of generated conformers.
#pragma once

#include <functional>
#include <string>

#include "molecule/generated_set.h"

namespace molgen3d {

/// Makes a set of the text of a run report; throws Error naming `path`. This room knows no runs:
/// who calls it does (study/run_samples.h).
using RunReportReader =
    std::function<GeneratedSet(const std::string& text, const std::string& path)>;

/// By content: SDF; JSON lines of `generate` (with the failed samples among them); a report of
/// `smoke` or `study`, through `read_report`. All also as .gz and .xz; `-`: SDF from standard
/// input. When SDF has a file `PATH.failed.jsonl` beside it (written by `generate`), its samples
/// are counted as failed. A set without a label gets the name of its file. Throws Error naming the
/// file, and the line of JSON lines that cannot be read.
GeneratedSet read_generated(const std::string& path, const RunReportReader& read_report = {});

}  // namespace molgen3d
