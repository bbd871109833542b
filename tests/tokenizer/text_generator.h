// Deterministic texts of every kind that a tokenizer meets: enriched SMILES, plain SMILES, prose,
// and Unicode in all its corners.
#pragma once

#include <cstdint>
#include <random>
#include <string>

namespace molgen3d::testing {

class TextGenerator {
 public:
  explicit TextGenerator(uint64_t seed) : random_(seed) {}

  /// A valid UTF-8 text of some 5 to 200 bytes; never empty.
  std::string next();
  /// A tagged enriched answer with `atoms` atoms.
  std::string enriched(size_t atoms);
  std::string smiles(size_t symbols);

 private:
  size_t below(size_t n) { return static_cast<size_t>(random_() % n); }
  std::string number();
  std::string prose();
  std::string unicode();
  std::string code_point();

  std::mt19937_64 random_;
};

}  // namespace molgen3d::testing
