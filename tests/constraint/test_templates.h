// Literals, coordinates and walks for the constraint's tests and benchmark.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "constraint/constraint.h"
#include "text/number_format.h"

namespace molgen3d {

/// Small deterministic generator (SplitMix64).
class TestRandom {
 public:
  explicit TestRandom(uint64_t seed) : state_(seed) {}
  uint64_t next();
  size_t below(size_t bound) { return static_cast<size_t>(next() % bound); }

 private:
  uint64_t state_;
};

/// Literals over the format's alphabet: isotopes, charges, H counts, chirality, bonds, branches,
/// ring digits and %dd, for `atoms` holes.
std::vector<std::string> random_literals(TestRandom& random, size_t atoms);

/// A number of the grammar, every shape about equally likely.
std::string random_number(TestRandom& random, const NumberFormat& format);

/// Literals with random triples between them.
std::string random_answer(TestRandom& random, std::span<const std::string> literals,
                          const NumberFormat& format);

/// True when `text` is the literals around triples of the grammar.
bool is_valid_answer(std::string_view text, std::span<const std::string> literals,
                     const NumberFormat& format);

/// True when `token` is among the choices (never for kAny).
bool allows(const Choices& choices, TokenId token);

/// True when the tokens, then end-of-sequence, are a whole legal way.
bool accepts(const Constraint& constraint, std::span<const TokenId> tokens, TokenId end);

/// Random legal tokens to the end, end-of-sequence left out; empty when it does not end in time.
std::vector<TokenId> random_walk(TestRandom& random, const Constraint& constraint);

extern const std::vector<std::string> kMolecules;  ///< varied SMILES strings

}  // namespace molgen3d
