// The parts of `molgen3d dataset`.
#pragma once

#include "cli/command.h"

namespace molgen3d {

/// `dataset info` and `dataset verify`.
void add_dataset_inspection(CLI::App& dataset, int& exit_code);

}  // namespace molgen3d
