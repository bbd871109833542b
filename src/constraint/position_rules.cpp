// The study's logit processors, from the table in docs/constraint.md.
#include <algorithm>
#include <array>

#include "base/error.h"
#include "constraint/compiler.h"
#include "constraint/template_program.h"
#include "constraint/token_budget.h"
#include "text/tags.h"

namespace molgen3d {

namespace {

struct RuleName {
  ConstraintRule rule;
  const char* name;
};
constexpr RuleName kRuleNames[] = {
    {ConstraintRule::kNone, "none"},         {ConstraintRule::kExact, "exact"},
    {ConstraintRule::kGeneric, "generic"},   {ConstraintRule::kQwen, "qwen"},
    {ConstraintRule::kQwenV40, "qwen-v4.0"}, {ConstraintRule::kAllowlist, "allowlist"}};

/// One row of the study's table.
struct PositionRule {
  std::string_view placeholder;
  std::string_view blocked_characters;  ///< unused by an allowlist
  bool block_bad_pairs;
  bool allowlist;
  size_t
      look_ahead;  ///< positions before a COPY token with `>` where commas and dashes are blocked
};

PositionRule rule_of(ConstraintRule rule) {
  switch (rule) {
    case ConstraintRule::kGeneric:
      return {kPlaceholder4, "<>", false, false, 1};
    case ConstraintRule::kQwen:
      return {kPlaceholder4, "<>()[]", true, false, 4};
    case ConstraintRule::kQwenV40:
      return {kPlaceholder3, "<>[]@+", true, false, 2};
    case ConstraintRule::kAllowlist:
      return {kPlaceholder3, "", true, true, 2};
    default:
      throw Error::format("{} is no position rule", constraint_rule_name(rule));
  }
}

bool is_numeric(std::string_view token) {
  return !token.empty() && token.find_first_not_of("0123456789.,-") == std::string_view::npos;
}

bool is_badly_paired(std::string_view token) {
  if (!is_numeric(token)) return false;
  for (std::string_view pair : {"..", ",,", "--", ".,", ",.", ".-", "-,"}) {
    if (token.find(pair) != std::string_view::npos) return true;
  }
  return false;
}

bool is_comma_or_dash(std::string_view token) {
  if (token == ".," || token == ",.") return true;
  return !token.empty() && token.find_first_not_of(",-") == std::string_view::npos;
}

/// Masks of a rule, by (first position of a block, near its end).
constexpr size_t kFirst = 1, kNearEnd = 2;
/// The mask after those four: end-of-sequence, where several ids stand for it.
constexpr uint8_t kEnding = 4;

}  // namespace

ConstraintRule constraint_rule(const std::string& name) {
  for (const RuleName& entry : kRuleNames) {
    if (name == entry.name) return entry.rule;
  }
  throw Error::format(
      "{} is no constraint; known: none, exact, generic, qwen, qwen-v4.0, allowlist",
      in_quotes(name));
}

const char* constraint_rule_name(ConstraintRule rule) {
  for (const RuleName& entry : kRuleNames) {
    if (rule == entry.rule) return entry.name;
  }
  return "?";
}

struct PositionRuleCompiler::Impl {
  Impl(std::shared_ptr<const Tokenizer> t, PositionRule r, EndOfSequence ends)
      : tokenizer(std::move(t)), rule(r), end_of_sequence(std::move(ends)) {}

  std::shared_ptr<const Tokenizer> tokenizer;
  PositionRule rule;
  EndOfSequence end_of_sequence;
  std::vector<std::shared_ptr<const TokenMask>> masks;
  std::vector<TokenId> allowed;  ///< of the allowlist's widest mask, and several ends

  /// Tags and the tokens that begin, end and pad a text: blocked by id, whatever their text.
  bool is_structural(TokenId id) const {
    if (end_of_sequence.contains(id)) return true;
    for (TokenId prefix : tokenizer->prefix_tokens()) {
      if (id == prefix) return true;
    }
    const std::string_view text = tokenizer->token_bytes(id);
    return std::find(kTags.begin(), kTags.end(), text) != kTags.end();
  }

  bool blocked(TokenId id, std::string_view text, size_t variant) const {
    // Rows that stand for no text (unused ids, padding of the matrix): the study's lists did not
    // name them, but only an untrained model would draw one, and nothing can be written for it.
    if (text.empty() || is_structural(id)) return true;
    if (rule.allowlist) {
      if (!is_numeric(text)) return true;
      if ((variant & kFirst) != 0 && text.find(',') != std::string_view::npos) return true;
    } else if (text.find_first_of(rule.blocked_characters) != std::string_view::npos) {
      return true;
    }
    if (rule.block_bad_pairs && is_badly_paired(text)) return true;
    return (variant & kNearEnd) != 0 && is_comma_or_dash(text);
  }

  void make_masks(size_t rows) {
    for (size_t variant = 0; variant < 4; ++variant) {
      auto mask = std::make_shared<TokenMask>(rows);
      for (size_t row = 0; row < rows; ++row) {
        const auto id = static_cast<TokenId>(row);
        const bool known = row < tokenizer->vocabulary_size();
        const bool block =
            blocked(id, known ? tokenizer->token_bytes(id) : std::string_view(), variant);
        if (block != rule.allowlist) mask->insert(id);
        if (rule.allowlist && variant == 0 && !block) allowed.push_back(id);
      }
      masks.push_back(std::move(mask));
    }
    if (end_of_sequence.single()) return;
    auto ends = std::make_shared<TokenMask>(rows);
    for (size_t row = 0; row < rows; ++row) {
      const auto id = static_cast<TokenId>(row);
      if (end_of_sequence.contains(id) == rule.allowlist) ends->insert(id);
    }
    masks.push_back(std::move(ends));
    if (!rule.allowlist) return;
    allowed.insert(allowed.end(), end_of_sequence.ids().begin(), end_of_sequence.ids().end());
    std::sort(allowed.begin(), allowed.end());
  }

  /// What follows the text: the one id, or any of several.
  PositionProgram::Position ending() const {
    if (end_of_sequence.single()) return {end_of_sequence.ids().front(), 0};
    return {-1, kEnding};
  }
};

PositionRuleCompiler::PositionRuleCompiler(std::shared_ptr<const Tokenizer> tokenizer,
                                           ConstraintRule rule, EndOfSequence end_of_sequence,
                                           size_t vocabulary_rows)
    : impl_(
          std::make_unique<Impl>(std::move(tokenizer), rule_of(rule), std::move(end_of_sequence))) {
  impl_->make_masks(vocabulary_rows);
}

PositionRuleCompiler::~PositionRuleCompiler() = default;

std::shared_ptr<const Constraint> PositionRuleCompiler::compile(
    std::span<const std::string> literals) const {
  const PositionRule& rule = impl_->rule;
  std::string filled;
  for (size_t i = 0; i < literals.size(); ++i) {
    if (i > 0) filled += rule.placeholder;
    filled += literals[i];
  }
  const std::vector<TokenUse> tokens = list_tokens(*impl_->tokenizer, filled);
  const auto closes = [&](size_t i) {
    const std::string_view text = impl_->tokenizer->token_bytes(tokens[i].id);
    return !tokens[i].free && text.find('>') != std::string_view::npos;
  };

  auto program = std::make_shared<PositionProgram>();
  program->masks = impl_->masks;
  program->masks_allow = rule.allowlist;
  program->reachable_ids = impl_->allowed;
  for (size_t i = 0; i < tokens.size(); ++i) {
    if (!tokens[i].free) {
      program->positions.push_back({tokens[i].id, 0});
      continue;
    }
    size_t variant = i == 0 || !tokens[i - 1].free ? kFirst : 0;
    for (size_t k = i + 1; k < tokens.size() && k <= i + rule.look_ahead; ++k) {
      if (closes(k)) variant |= kNearEnd;
    }
    program->positions.push_back({-1, static_cast<uint8_t>(variant)});
  }
  const bool ended = !tokens.empty() && impl_->end_of_sequence.contains(tokens.back().id);
  if (!ended) program->positions.push_back(impl_->ending());
  return program;
}

}  // namespace molgen3d
