// Runs made up from a seed: molecules of a real one's length, some of them damaged.
#pragma once

#include <fmt/format.h>

#include <random>
#include <vector>

#include "study/run_report.h"

namespace molgen3d {

inline RunReport synthetic_run(const std::string& label, size_t samples, uint32_t seed,
                               size_t atoms = 26) {
  std::mt19937 random(seed);
  const auto number = [&] {
    return fmt::format("{:.4f}",
                       static_cast<double>(static_cast<int>(random() % 120000) - 60000) / 1e4);
  };
  RunReport run;
  run.metadata.label = label;
  run.metadata.processor_type = label;
  run.metadata.logit_processor_enabled = label != "none";
  run.metadata.model_path = "models/synthetic";
  run.times.total = 10 + seed;
  run.times.decode = 9;
  run.times.other = 1 + seed;
  run.coordinates = TokenStatistics{};
  run.removed = RemovedMass{};
  run.removed->samples = 4;
  run.removed->by_position.resize(20);
  for (auto& bin : run.removed->by_position) bin.add(static_cast<double>(1 + random() % 99) / 100);
  for (size_t i = 0; i < samples; ++i) {
    SampleRecord s;
    std::string text;
    for (size_t a = 0; a < atoms; ++a) {
      const char* element = a % 7 == 3 ? "N" : "C";
      s.prompt_smiles += element;
      const bool junk = label == "allowlist" && random() % 9 == 0;
      text += fmt::format("[{}]<{},{},{}{}>", element, number(), number(), number(),
                          junk ? "abra" : "");
      ++s.blocks;
      s.junk_letters += junk;
      s.junk_non_numeric += junk;
      run.coordinates->drift_in_context.add(static_cast<int>(random() % 5));
      run.coordinates->written.add(18 + static_cast<int>(random() % 4));
    }
    s.prompt_smiles += std::string(i % 17, 'C');
    s.decoded_text =
        fmt::format("[SMILES]{}[/SMILES][CONFORMER]{}[/CONFORMER]", s.prompt_smiles, text);
    if (i % 10 == 9) s.issues = {"generated conformer <> prompt SMILES mismatch"};
    s.has_conformer = s.ended = true;
    s.text_kept = s.strict = s.passed() && s.junk_letters == 0;
    s.sampled_tokens = 500;
    s.forced_tokens = 60;
    s.bonds_checked = s.passed();
    s.bond_error = 0.1;
    if (i % 3 == 0 && s.passed()) s.off_bonds = {{0, 1, 3.1F, 1.5F}};
    run.samples.push_back(std::move(s));
  }
  return run;
}

}  // namespace molgen3d
