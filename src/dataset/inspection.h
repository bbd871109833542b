// What is in a file of a data set, and whether it is whole.
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "dataset/dataset_file.h"

namespace molgen3d {

struct FileSummary {
  std::filesystem::path path;
  uint64_t bytes = 0;
  uint64_t molecules = 0;
  uint64_t conformers = 0;
  uint64_t positions = 0;  ///< atoms summed over conformers
  uint32_t min_atoms = 0;
  uint32_t max_atoms = 0;
  uint32_t min_conformers = 0;
  uint32_t max_conformers = 0;
  uint64_t molecules_by_force_field[4] = {};  ///< by ForceFieldKind
  /// Everything wrong: damaged records, counts that do not agree with the footer or with the JSON
  /// lines beside the file. Empty: the file is whole.
  std::vector<std::string> problems;
};

/// Reads the whole file and checks every checksum; opening errors become problems too.
FileSummary inspect_file(const std::filesystem::path& path);

/// The binary files of a data set's folder in the order of dataset.json, or `path` itself when it
/// is a file. Throws Error when the folder holds no finished data set.
std::vector<std::filesystem::path> dataset_files(const std::filesystem::path& path);

}  // namespace molgen3d
