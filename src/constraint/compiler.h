// From a molecule's known text to a constraint.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "constraint/constraint.h"
#include "constraint/end_of_sequence.h"
#include "text/number_format.h"
#include "tokenizer/tokenizer.h"

namespace molgen3d {

/// Rules by their command-line names.
enum class ConstraintRule : uint8_t { kNone, kExact, kGeneric, kQwen, kQwenV40, kAllowlist };
/// "none", "exact", "generic", "qwen", "qwen-v4.0", "allowlist"; throws Error for another name.
ConstraintRule constraint_rule(const std::string& name);
const char* constraint_rule_name(ConstraintRule rule);

/// Compiles exact constraints for one tokenizer, number format and set of end-of-sequence ids. Safe
/// to share between threads; hole automata are built once and shared by all programs.
class TemplateCompiler {
 public:
  TemplateCompiler(std::shared_ptr<const Tokenizer> tokenizer, NumberFormat format,
                   EndOfSequence end_of_sequence);
  ~TemplateCompiler();

  /// `literals`: the known text around the holes, n_atoms + 1 pieces; a hole `x,y,z` stands between
  /// neighbours. The first begins with `[CONFORMER]` and ends with `<`; the last starts with `>`.
  std::shared_ptr<const Constraint> compile(std::span<const std::string> literals) const;

  /// Empty when canonical tokens are proved for this tokenizer; else why not: compile() then gives
  /// the byte-level automaton (valid text, tokens not provably canonical). Callers show this
  /// warning.
  const std::string& fallback_reason() const;
  /// One line for users: the reason, and what it means for their answers. Empty without a reason.
  std::string fallback_warning() const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

/// The study's position rules (kept for comparison; docs/constraint.md). `literals` as in
/// compile(), but with the study's descriptors: the caller decides which.
class PositionRuleCompiler {
 public:
  PositionRuleCompiler(std::shared_ptr<const Tokenizer> tokenizer, ConstraintRule rule,
                       EndOfSequence end_of_sequence, size_t vocabulary_rows);
  ~PositionRuleCompiler();
  std::shared_ptr<const Constraint> compile(std::span<const std::string> literals) const;

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace molgen3d
