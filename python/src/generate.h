// The native engine behind molgen3d.generate().
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "generation/conformer.h"
#include "generation/generator.h"
#include "generation/record_output.h"

namespace molgen3d::python {

/// Raw values of the keyword arguments; meanings and defaults are those of `molgen3d generate`.
struct GenerateSettings {
  uint32_t samples = 1;
  uint64_t seed = 0;
  std::string rule = "exact";
  std::string style = "canonical";
  std::optional<std::string> descriptors;
  std::string sampling = "checkpoint";
  std::optional<float> temperature, top_p;
  std::optional<int> top_k;
  uint32_t max_new_tokens = 0;
  std::string device = "auto";
  std::string dtype = "bfloat16";
  uint32_t batch = 0;
  size_t threads = 0;
};

struct Generated {
  Sample sample;
  Conformer conformer;
  uint64_t seed = 0;
};

/// Every sample of every SMILES, in input order; refused SMILES come back as failed samples.
/// `poll(done, total)` is called about ten times a second and once at the end; false stops, and
/// what is finished by then is returned. Throws Error for settings that cannot be used.
std::vector<Generated> generate(const std::shared_ptr<const Model>& model,
                                const std::vector<std::string>& smiles,
                                const GenerateSettings& settings,
                                const std::function<bool(size_t, size_t)>& poll);

/// SDF or XYZ record. Throws Error for a failed sample.
std::string generated_record(const Generated& generated, OutputFormat format, bool add_hydrogens);

}  // namespace molgen3d::python
