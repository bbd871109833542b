// One running sequence of the host backend: its tokens, where its constraint stands, its result.
#pragma once

#include <memory>
#include <vector>

#include "engine/backend.h"
#include "engine/sampler.h"

namespace molgen3d {

class HostSearch;
namespace geometry {
struct SearchState;
struct Mark;
enum class Action : int32_t;
}  // namespace geometry

class HostSequence {
 public:
  /// Takes the forced tokens that open the answer at once.
  HostSequence(const SequenceStart& start, const BackendOptions& options, int vocabulary);
  HostSequence(HostSequence&&) noexcept;
  ~HostSequence();

  /// Known tokens whose rows are still to be computed; the last token of an answer needs none.
  uint32_t pending() const {
    return static_cast<uint32_t>(tokens_.size()) - (ended_ ? 1 : 0) - cached_;
  }
  bool in_prompt() const { return cached_ < prompt_length_; }
  /// All tokens are known (or the sequence failed).
  bool ended() const { return ended_; }
  /// Nothing is left to compute: ended and, in audit mode, judged to the end.
  bool complete() const { return ended_ && (!audit_ || failed() || audited_ == generated()); }
  bool failed() const { return result_.reason == FinishReason::kFailed; }
  uint32_t generated() const { return static_cast<uint32_t>(tokens_.size()) - prompt_length_; }

  /// The legal tokens at generated position `index`, which must be the last known one + 1, or, in
  /// audit mode, a known one.
  Choices choices(uint32_t index) const;
  const std::shared_ptr<const Constraint>& constraint() const { return constraint_; }
  ConstraintState state() const { return state_; }
  std::span<const TokenId> reachable() const {
    return constraint_ ? constraint_->reachable() : std::span<const TokenId>();
  }

  /// The answer so far; empty where a search may go back on it.
  std::span<const TokenId> written() const {
    if (search_ != nullptr) return {};
    return std::span(tokens_).subspan(prompt_length_);
  }

  /// Where the search stands; null without one.
  const geometry::SearchState* search_state() const;

  /// Draws the next token from `row`, then appends it and the forced run that follows.
  void sample(Sampler& sampler, const LogitRow& row);
  /// Audit mode: judges the known token at generated position `index`.
  void audit(std::span<const float> logits, uint32_t index);
  /// Moves the result out; the reason is set.
  Completion take_result();

  std::vector<TokenId> tokens_;  ///< prompt, then answer
  uint32_t prompt_length_ = 0;
  uint32_t cached_ = 0;    ///< tokens whose keys and values stand in the pages
  uint32_t audited_ = 0;   ///< generated tokens already judged
  uint32_t reported_ = 0;  ///< generated tokens already counted as progress
  std::vector<uint32_t> pages_;
  Completion result_;

 private:
  void append(TokenId token, bool sampled);
  void append_forced_run();
  geometry::Mark here() const;
  /// Does what the search decided.
  void follow(geometry::Action action);
  void go_back();
  void reflect();
  /// Audit mode: forgets what was judged from generated token `generated` on.
  void drop_audit(uint32_t generated);
  void fail(const std::string& cause);

  std::shared_ptr<const Constraint> constraint_;
  ConstraintState state_;
  std::unique_ptr<HostSearch> search_;    ///< null: coordinates are not checked
  std::vector<ConstraintState> history_;  ///< audit mode: the state before each generated token
  SamplingParams sampling_;
  uint64_t key_ = 0;
  uint32_t max_new_tokens_ = 0;
  int vocabulary_ = 0;
  bool audit_ = false;
  SpanSink* spans_ = nullptr;
  bool ended_ = false;
  std::vector<TokenId> end_of_sequence_;
};

}  // namespace molgen3d
