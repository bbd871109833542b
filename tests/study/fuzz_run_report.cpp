// Any bytes as a report of smoke or study: refused with a cause, or a report that is written and
// read again without a change.
#include <cstdint>
#include <cstdlib>

#include "base/error.h"
#include "study/run_report.h"
#include "study/run_samples.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace molgen3d;
  std::string written;
  try {
    const RunReport report =
        parse_run_report(std::string(reinterpret_cast<const char*>(data), size), "fuzz");
    generated_set_of(report, "fuzz");
    written = run_report_json(report);
  } catch (const Error&) {
    return 0;
  }
  // What this program wrote, it reads.
  if (run_report_json(parse_run_report(written, "written")) != written) std::abort();
  return 0;
}
