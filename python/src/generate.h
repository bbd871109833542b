// The native engine behind molgen3d.generate().
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "generation/conformer.h"
#include "generation/generator.h"
#include "generation/record_output.h"
#include "generation/run_settings.h"

namespace molgen3d::python {

struct Generated {
  Sample sample;
  Conformer conformer;
  uint64_t seed = 0;
};

/// Every sample of every SMILES, in input order; refused SMILES come back as failed samples.
/// `poll(done, total)` is called about ten times a second and once at the end; false stops, and
/// what is finished by then is returned. Throws Error for settings that cannot be used.
std::vector<Generated> generate(const std::shared_ptr<const Model>& model,
                                const std::vector<std::string>& smiles, const RunSettings& settings,
                                const std::function<bool(size_t, size_t)>& poll);

/// SDF or XYZ record. Throws Error for a failed sample.
std::string generated_record(const Generated& generated, OutputFormat format, bool add_hydrogens);

}  // namespace molgen3d::python
