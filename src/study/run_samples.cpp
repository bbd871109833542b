#include "study/run_samples.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <tuple>

#include "base/error.h"
#include "files/byte_source.h"
#include "text/tags.h"

namespace molgen3d {

GeneratedSet generated_set_of(const RunReport& report, const std::string& path) {
  GeneratedSet out;
  const RunMetadata& m = report.metadata;
  out.path = path;
  out.label = m.label;
  out.refused = report.refused.size();
  if (report.times.total > 0) out.seconds = report.times.total;
  out.settings = fmt::format("model {}, rule {}, {}, seed {}, batch {}, {} on {}", m.model_path,
                             m.logit_processor_enabled ? m.processor_type : "none",
                             m.sampling_description.empty() ? m.sampling : m.sampling_description,
                             m.seed, m.batch_size, m.dtype, m.device);
  for (const SampleRecord& s : report.samples) {
    GeneratedSample sample;
    sample.smiles = s.prompt_smiles;
    sample.title = s.title;
    sample.source = s.source.empty() ? path : s.source;
    sample.run = RunFigures{s.passed(),         s.strict,   s.blocks, s.junk_letters,
                            s.junk_non_numeric, s.tokens(), s.passes};
    if (s.passed()) {
      const size_t answer = std::min(s.decoded_text.find(kSmilesEndTag), s.decoded_text.size());
      const auto block = conformer_of(std::string_view(s.decoded_text).substr(answer));
      if (block) sample.enriched = *block;
    } else {
      sample.failure = failure_kind(s.issues.front());
    }
    if (sample.failure.empty() && sample.enriched.empty()) sample.failure = "no conformer";
    out.samples.push_back(std::move(sample));
  }
  return out;
}

std::vector<std::string> run_report_files(const std::string& path) {
  if (!std::filesystem::is_directory(path)) return {path};
  struct Run {
    bool constrained;
    std::string time, path;
  };
  std::vector<Run> runs;
  for (const auto& entry : std::filesystem::directory_iterator(path)) {
    const std::string name = entry.path().string();
    if (!without_packing(name).ends_with(".json")) continue;
    try {
      const RunReport report = parse_run_report(read_whole(name), name);
      runs.push_back({report.metadata.logit_processor_enabled, report.metadata.timestamp, name});
    } catch (const Error&) {
      continue;  // the comparison that study writes beside its runs
    }
  }
  if (runs.empty()) throw Error::format("{}: a folder without run reports", path);
  std::sort(runs.begin(), runs.end(), [](const Run& a, const Run& b) {
    return std::tie(a.constrained, a.time, a.path) < std::tie(b.constrained, b.time, b.path);
  });
  std::vector<std::string> out;
  for (Run& run : runs) out.push_back(std::move(run.path));
  return out;
}

}  // namespace molgen3d
