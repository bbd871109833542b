#include "constraint/compiler.h"

#include <algorithm>
#include <map>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <string_view>

#include "base/error.h"
#include "base/seeded_hash.h"
#include "constraint/byte_level.h"
#include "constraint/canonical_proof.h"
#include "constraint/hole_automaton.h"
#include "constraint/literal_cutter.h"
#include "constraint/template_program.h"
#include "text/tags.h"
#include "text/template.h"

namespace molgen3d {

namespace {

/// Cached tokens of one literal text.
struct LiteralEntry {
  uint32_t begin;  ///< into the arena
  uint32_t count;
  uint32_t tail;  ///< of the hole after it; unused for the last literal
  LiteralPlace place;
};

/// Descriptors and the texts between them that most molecules are made of: cut when the compiler is
/// made, so that the first molecule costs what the thousandth does.
constexpr std::string_view kCommonDescriptors[] = {
    "[C]", "[c]",  "[N]",  "[n]",  "[O]",  "[o]",   "[S]",    "[s]",  "[F]",  "[Cl]",
    "[P]", "[Br]", "[nH]", "[N+]", "[O-]", "[C@H]", "[C@@H]", "[C@]", "[C@@]"};
constexpr std::string_view kCommonJoints[] = {"",   "=",  "#", "(",  "(=", ")",  ")(",
                                              "1",  "2",  "3", "1(", "2(", "1)", "2)",
                                              "12", ")=", "/", "\\", "(/", "=1"};

LiteralPlace place_of(size_t index, size_t count) {
  if (index == 0) return LiteralPlace::kFirst;
  return index + 1 == count ? LiteralPlace::kLast : LiteralPlace::kMiddle;
}

}  // namespace

struct TemplateCompiler::Impl {
  Impl(std::shared_ptr<const Tokenizer> t, EndOfSequence ends)
      : tokenizer(std::move(t)), end_of_sequence(std::move(ends)) {}

  static constexpr size_t kMaxLiterals = 1 << 16;
  static constexpr size_t kMaxLiteralTokens = 1 << 20;
  static constexpr size_t kMaxReachableSets = 1 << 12;

  using Found = std::vector<const LiteralEntry*>;

  std::shared_ptr<const Tokenizer> tokenizer;
  EndOfSequence end_of_sequence;
  std::string reason;
  std::unique_ptr<ByteLevelCompiler> byte_level;  ///< set when `reason` is

  std::shared_mutex mutex;  ///< guards all below: shared to look up, exclusive to add
  std::optional<HoleAutomaton> holes;
  uint32_t end_state = 0;  ///< offers the end-of-sequence ids; used when there are several
  std::shared_ptr<const HoleTables> tables;
  TextMap<LiteralEntry> literals;
  std::vector<TokenId> arena;
  std::map<std::vector<const HoleContext*>, std::shared_ptr<const std::vector<TokenId>>> reachable;

  const LiteralEntry* add_literal(std::string_view text, LiteralPlace place) {
    const CutLiteral cut = cut_literal(*tokenizer, text, place);
    if (cut.common.empty()) {
      throw Error::format(
          "template literal {}: tokenizer {} joins all of it with the sign after it",
          in_quotes(text), tokenizer->name());
    }
    LiteralEntry entry{static_cast<uint32_t>(arena.size()),
                       static_cast<uint32_t>(cut.common.size()), 0, place};
    if (place != LiteralPlace::kLast) entry.tail = holes->tail(cut);
    arena.insert(arena.end(), cut.common.begin(), cut.common.end());
    return &literals.emplace(text, entry).first->second;
  }

  /// Null when `texts[index]` is not cached, or only for another place.
  const LiteralEntry* cached(std::span<const std::string> texts, size_t index) const {
    const auto it = literals.find(std::string_view(texts[index]));
    if (it == literals.end() || it->second.place != place_of(index, texts.size())) return nullptr;
    return &it->second;
  }

  TokenId first_token(const LiteralEntry& entry) const { return arena[entry.begin]; }

  void warm() {
    std::vector<TokenId> exits;
    const auto add = [&](const std::string& text, LiteralPlace place) {
      try {
        const LiteralEntry* entry = add_literal(text, place);
        if (place != LiteralPlace::kFirst) exits.push_back(first_token(*entry));
      } catch (const Error&) {
        // A small vocabulary may lack `#`: the molecule that needs it will say so.
      }
    };
    for (std::string_view descriptor : kCommonDescriptors) {
      add(fmt::format("{}{}<", kConformerTag, descriptor), LiteralPlace::kFirst);
      for (std::string_view joint : kCommonJoints) {
        add(fmt::format(">{}{}<", joint, descriptor), LiteralPlace::kMiddle);
      }
    }
    for (std::string_view joint : {"", "1", "2", "3", ")"}) {
      add(fmt::format(">{}{}", joint, kConformerEndTag), LiteralPlace::kLast);
    }
    for (uint32_t tail = 0; tail < holes->tail_count(); ++tail) {
      for (TokenId exit : exits) holes->context(tail, exit);
    }
    tables = holes->snapshot();
  }

  /// The last literal, and after it what ends the answer: a token of the literal when there is but
  /// one, else a choice like that of a hole, which leads to a segment of whichever was taken. A
  /// closing tag that is an end-of-sequence id itself ends the answer: nothing follows it.
  void finish(TemplateProgram& program, uint32_t begin, uint32_t count) const {
    if (end_of_sequence.contains(program.literal_tokens.back())) {
      --program.min_token_count;
      --program.max_token_count;
      program.segments.push_back({begin, count, 0});
      return;
    }
    program.literal_tokens.push_back(end_of_sequence.ids().front());
    if (end_of_sequence.single()) {
      program.segments.push_back({begin, count + 1, 0});
      return;
    }
    program.segments.push_back({begin, count, end_state});
    program.segments.push_back({begin + count, 1, 0});
  }

  /// Looks everything up; null when something is not known yet.
  std::shared_ptr<const TemplateProgram> build(std::span<const std::string> texts) const {
    Found found(texts.size());
    size_t tokens = 1;
    for (size_t i = 0; i < texts.size(); ++i) {
      found[i] = cached(texts, i);
      if (found[i] == nullptr) return nullptr;
      tokens += found[i]->count;
    }
    auto program = std::make_shared<TemplateProgram>();
    program->literal_tokens.reserve(tokens);
    program->segments.reserve(texts.size());
    program->min_token_count = program->max_token_count = tokens;
    std::vector<const HoleContext*> used;
    for (size_t i = 0; i < found.size(); ++i) {
      const LiteralEntry& entry = *found[i];
      const auto begin = static_cast<uint32_t>(program->literal_tokens.size());
      program->literal_tokens.insert(program->literal_tokens.end(), arena.begin() + entry.begin,
                                     arena.begin() + entry.begin + entry.count);
      if (i + 1 == found.size()) {
        finish(*program, begin, entry.count);
        break;
      }
      const HoleContext* context = holes->find(entry.tail, first_token(*found[i + 1]));
      if (context == nullptr) return nullptr;
      program->segments.push_back({begin, entry.count, context->entry_state});
      // The next literal's first token is counted with the literal.
      program->min_token_count += context->min_tokens - 1;
      program->max_token_count += context->max_tokens - 1;
      if (std::find(used.begin(), used.end(), context) == used.end()) used.push_back(context);
    }
    std::sort(used.begin(), used.end());
    const auto ids = reachable.find(used);
    if (ids == reachable.end()) return nullptr;
    program->reachable_ids = ids->second;
    program->holes = tables;
    program->bonded_before = bonded_before(texts);
    return program;
  }

  /// Adds what build() misses for `texts`.
  void learn(std::span<const std::string> texts) {
    if (literals.size() > kMaxLiterals || arena.size() > kMaxLiteralTokens) {
      literals.clear();
      arena.clear();
    }
    if (reachable.size() > kMaxReachableSets) reachable.clear();
    Found found;
    for (size_t i = 0; i < texts.size(); ++i) {
      const LiteralEntry* entry = cached(texts, i);
      found.push_back(entry != nullptr ? entry : add_literal(texts[i], place_of(i, texts.size())));
    }
    std::vector<const HoleContext*> used;
    for (size_t i = 0; i + 1 < found.size(); ++i) {
      used.push_back(&holes->context(found[i]->tail, first_token(*found[i + 1])));
    }
    tables = holes->snapshot();
    std::sort(used.begin(), used.end());
    used.erase(std::unique(used.begin(), used.end()), used.end());
    std::vector<TokenId> ids;
    if (!end_of_sequence.single()) ids = end_of_sequence.ids();
    for (const HoleContext* context : used) {
      if (std::includes(ids.begin(), ids.end(), context->reachable.begin(),
                        context->reachable.end())) {
        continue;
      }
      std::vector<TokenId> both;
      std::set_union(ids.begin(), ids.end(), context->reachable.begin(), context->reachable.end(),
                     std::back_inserter(both));
      ids = std::move(both);
    }
    reachable.emplace(std::move(used),
                      std::make_shared<const std::vector<TokenId>>(std::move(ids)));
  }
};

TemplateCompiler::TemplateCompiler(std::shared_ptr<const Tokenizer> tokenizer, NumberFormat format,
                                   EndOfSequence end_of_sequence)
    : impl_(std::make_unique<Impl>(std::move(tokenizer), std::move(end_of_sequence))) {
  impl_->reason = canonical_obstacle(*impl_->tokenizer);
  if (impl_->reason.empty()) {
    try {
      impl_->holes.emplace(*impl_->tokenizer, format);
      if (!impl_->end_of_sequence.single()) {
        impl_->end_state = impl_->holes->ending(impl_->end_of_sequence.ids());
      }
      impl_->warm();
      return;
    } catch (const Error& error) {
      impl_->reason = error.what();
    }
  }
  impl_->byte_level =
      std::make_unique<ByteLevelCompiler>(impl_->tokenizer, format, impl_->end_of_sequence);
}

TemplateCompiler::~TemplateCompiler() = default;

const std::string& TemplateCompiler::fallback_reason() const {
  return impl_->reason;
}

std::string TemplateCompiler::fallback_warning() const {
  if (impl_->reason.empty()) return {};
  return fmt::format(
      "tokenizer {}: {}; so the answers' text is exact as ever, but their tokens are not proved to "
      "be those that the model was trained to write: it may choose worse numbers than it could, "
      "and "
      "log-probabilities are of these tokens",
      impl_->tokenizer->name(), impl_->reason);
}

std::shared_ptr<const Constraint> TemplateCompiler::compile(
    std::span<const std::string> literals) const {
  if (literals.size() < 2) {
    throw Error::format("template has {} literals; one hole needs two", literals.size());
  }
  if (impl_->byte_level) return impl_->byte_level->compile(literals);
  {
    const std::shared_lock lock(impl_->mutex);
    if (auto program = impl_->build(literals)) return program;
  }
  const std::unique_lock lock(impl_->mutex);
  impl_->learn(literals);
  return impl_->build(literals);
}

}  // namespace molgen3d
