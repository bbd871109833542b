// The samples of runs as plain data, for whoever judges their conformers.
#pragma once

#include <string>
#include <vector>

#include "molecule/generated_set.h"
#include "study/run_report.h"

namespace molgen3d {

/// Samples that passed with their text, the others with their first issue; `path` names the report
/// in messages. The label is the run's own, which may be empty.
GeneratedSet generated_set_of(const RunReport& report, const std::string& path);

/// A file itself; for a folder (of `study`) its run reports, the free run first, then by time.
/// Throws Error for a folder without any.
std::vector<std::string> run_report_files(const std::string& path);

}  // namespace molgen3d
