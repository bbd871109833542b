// The fallback where canonical tokens cannot be proved: any tokens whose bytes spell a valid text.
#pragma once

#include <memory>
#include <span>
#include <string>

#include "constraint/constraint.h"
#include "constraint/end_of_sequence.h"
#include "text/number_format.h"

namespace molgen3d {

/// Product of a template's byte automaton with the vocabulary's trie. Guarantees valid text and no
/// dead end: every byte of a template must have a token of its own, so that any position can be
/// completed. Not the tokenizer's own tokens: that is what `,-` and its like make of byte masks
/// (docs/constraint.md). Added tokens in literals are taken whole.
///
/// Rows are made when first asked for: unlike the exact automaton, `choices` and `advance` allocate
/// on the first visit of a state, and are safe from several threads. At most one row per state is
/// kept; rows that stay inside a hole are shared by all holes of all templates.
class ByteLevelCompiler {
 public:
  ByteLevelCompiler(std::shared_ptr<const Tokenizer> tokenizer, const NumberFormat& format,
                    EndOfSequence end_of_sequence);
  ~ByteLevelCompiler();

  /// `literals` as in TemplateCompiler::compile. min_tokens() is a lower bound, reachable() may
  /// list ids that no state offers. Throws Error when a literal holds a byte that no token spells
  /// alone.
  std::shared_ptr<const Constraint> compile(std::span<const std::string> literals) const;

  struct Shared;

 private:
  std::shared_ptr<const Shared> shared_;
};

}  // namespace molgen3d
