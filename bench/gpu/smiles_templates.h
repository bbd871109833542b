// Literals between coordinates from a canonical SMILES string, for measurements without RDKit: each
// atom becomes `[descriptor]<...>`; the molecule room does this with checks.
#pragma once

#include <fstream>
#include <string>
#include <vector>

namespace molgen3d::bench {

inline std::vector<std::string> literals_of(const std::string& smiles) {
  std::vector<std::string> literals = {"[CONFORMER]"};
  for (size_t i = 0; i < smiles.size();) {
    const char c = smiles[i];
    size_t length = 1;
    bool atom = false;
    if (c == '[') {
      length = smiles.find(']', i) - i + 1;
      atom = true;
    } else if (smiles.compare(i, 2, "Cl") == 0 || smiles.compare(i, 2, "Br") == 0) {
      length = 2;
      atom = true;
    } else {
      atom = std::string("BCNOPSFIbcnops").find(c) != std::string::npos;
    }
    const std::string text = smiles.substr(i, length);
    if (!atom) {
      literals.back() += text;
    } else {
      literals.back() += (c == '[' ? text : "[" + text + "]") + "<";
      literals.emplace_back(">");
    }
    i += length;
  }
  literals.back() += "[/CONFORMER]";
  return literals;
}

inline std::vector<std::string> read_lines(const std::string& path) {
  std::ifstream in(path);
  std::vector<std::string> lines;
  for (std::string line; std::getline(in, line);) {
    if (!line.empty()) lines.push_back(line);
  }
  return lines;
}

}  // namespace molgen3d::bench
