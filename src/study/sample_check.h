// Judges one finished sample: the study's verdict, the strict one, geometry.
#pragma once

#include <vector>

#include "generation/generator.h"
#include "molecule/bond_lengths.h"
#include "study/run_report.h"

namespace molgen3d {

struct SampleCheck {
  SampleRecord record;
  TokenStatistics coordinates;
  std::vector<PlacedToken> places;  ///< audit mode only
  std::vector<BondLength> bonds;
  bool by_reference = false;  ///< `bonds` compared with the input's own coordinates
};

/// `answer`: the sample's decoded tokens. Thread-safe; never throws for what a model wrote.
SampleCheck check_sample(const Model& model, const Sample& sample, const std::string& answer);

}  // namespace molgen3d
