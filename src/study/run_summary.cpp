#include "study/run_summary.h"

#include <fmt/format.h>

#include <filesystem>
#include <set>

#include "text/tags.h"

namespace molgen3d {

namespace {

constexpr size_t kMaxExamples = 3;
constexpr size_t kExampleBytes = 100;

void count(std::map<std::string, FailureKind>& kinds, const std::string& name,
           const SampleRecord& sample, const std::string& detail) {
  FailureKind& kind = kinds[name];
  ++kind.count;
  if (kind.examples.size() >= kMaxExamples) return;
  std::string shown = detail.empty() ? std::string(sample.answer()) : detail;
  if (shown.size() > kExampleBytes) shown = shown.substr(0, kExampleBytes) + "...";
  kind.examples.push_back(sample.prompt_smiles + ": " + shown);
}

// Issue strings carry details behind a colon: one row per kind, not per molecule.
void count_issue(RunSummary& out, const SampleRecord& sample, const std::string& issue) {
  constexpr std::string_view kDecode = "decode_cartesian_v2 failed: ";
  std::string name = issue;
  std::string detail;
  if (issue.starts_with(kDecode)) {
    const size_t colon = issue.find(':', kDecode.size());
    name = issue.substr(0, colon);
    detail = issue.substr(kDecode.size());
  } else if (issue.starts_with("generation failed")) {
    name = "generation failed";
    detail = issue;
  } else if (issue.starts_with("generated conformer <>")) {
    detail = sample.generated_smiles;
  }
  count(out.issues, name, sample, detail);
}

void count_answer(RunSummary& out, const SampleRecord& sample) {
  const std::string_view answer = sample.answer();
  size_t closings = 0;
  for (size_t at = answer.find(kConformerEndTag); at != std::string_view::npos;
       at = answer.find(kConformerEndTag, at + 1))
    ++closings;
  if (!sample.ended) count(out.answers, "no end of sequence", sample, "");
  if (closings > 1) count(out.answers, "several conformers in one answer", sample, "");
  if (closings == 0) count(out.answers, "conformer never closed", sample, "");
  if (!answer.starts_with(kConformerTag))
    count(out.answers, fmt::format("text before {}", kConformerTag), sample, "");
  if (answer.find("<|") != std::string_view::npos)
    count(out.answers, "special tokens in the answer", sample, "");
  if (sample.has_conformer && !sample.same_graph)
    count(out.answers, "another molecule", sample, sample.generated_smiles);
}

// Causes name a place in the text; one row per kind.
std::string strict_kind(const std::string& cause) {
  if (cause.starts_with("other text for the same molecule")) return "atom text not the encoder's";
  if (cause.find("expected three numbers") != std::string::npos)
    return "a number outside the grammar";
  return cause.starts_with("at character") ? "text differs" : cause;
}

// Atoms whose brackets spell hydrogens that the prompt does not: `[NH]` for `N`.
void count_descriptors(RunSummary& out, const SampleRecord& sample, std::string_view conformer) {
  bool any = false;
  for (size_t open = conformer.find('['); open != std::string_view::npos;
       open = conformer.find('[', open + 1)) {
    const size_t close = conformer.find(']', open);
    if (close == std::string_view::npos || close + 1 >= conformer.size()) break;
    if (conformer[close + 1] != '<') continue;
    const std::string descriptor(conformer.substr(open, close + 1 - open));
    if (descriptor.find_first_of("<>([", 1) != std::string::npos) continue;  // inside a block
    if (descriptor.find('H', 2) == std::string::npos ||
        sample.prompt_smiles.find(descriptor) != std::string::npos)
      continue;
    ++out.foreign_descriptors[descriptor];
    any = true;
  }
  out.samples_with_foreign_descriptors += any;
}

}  // namespace

std::string run_label(const RunReport& run) {
  const RunMetadata& m = run.metadata;
  if (!m.label.empty()) return m.label;
  std::string model = !m.model_alias.empty() ? m.model_alias : m.model_path;
  if (model.find('/') != std::string::npos) {
    while (model.ends_with('/')) model.pop_back();
    model = std::filesystem::path(model).filename().string();
  }
  if (!m.model_step.empty()) model += " " + m.model_step;
  const std::string rule = m.logit_processor_enabled ? m.processor_type : "none";
  return model.empty() ? rule : model + " " + rule;
}

RunSummary summarize(const RunReport& run) {
  RunSummary out;
  out.run = &run;
  out.label = run_label(run);
  out.samples = run.samples.size();
  std::set<std::string_view> molecules;
  for (const SampleRecord& s : run.samples) {
    molecules.insert(s.prompt_smiles);
    out.passed += s.passed();
    out.text_kept += s.text_kept;
    out.strict += s.strict;
    out.ended += s.ended;
    out.exact_matches += s.smiles_exact_match;
    if (s.stereo_asked()) {
      ++out.stereo_asked;
      out.stereo_right += s.stereo->all_matched();
    }
    out.prompt_tokens += s.prompt_tokens;
    out.sampled_tokens += s.sampled_tokens;
    out.forced_tokens += s.forced_tokens;
    out.passes += s.passes;
    out.characters += s.decoded_text.size();
    out.samples_with_junk += s.junk_letters + s.junk_non_numeric > 0;
    // The study counted the blocks of the first conformer only; later ones are another failure.
    const size_t open = s.decoded_text.find(kConformerTag);
    const size_t close = s.decoded_text.find(kConformerEndTag);
    if (open != std::string::npos && close != std::string::npos && open < close) {
      const std::string_view conformer =
          std::string_view(s.decoded_text).substr(open, close - open);
      out.blocks.add(conformer);
      count_descriptors(out, s, conformer.substr(kConformerTag.size()));
    }
    for (const std::string& issue : s.issues) count_issue(out, s, issue);
    count_answer(out, s);
    if (s.passed() && !s.strict_cause.empty())
      count(out.strict_causes, strict_kind(s.strict_cause), s, s.strict_cause);
  }
  out.molecules = molecules.size();
  return out;
}

}  // namespace molgen3d
