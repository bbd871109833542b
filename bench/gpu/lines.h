// The molecules that a benchmark runs: one SMILES a line.
#pragma once

#include <fstream>
#include <string>
#include <vector>

namespace molgen3d::bench {

/// The lines of a file that are not empty.
inline std::vector<std::string> read_lines(const std::string& path) {
  std::ifstream in(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

}  // namespace molgen3d::bench
