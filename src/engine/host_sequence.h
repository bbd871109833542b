// One running sequence of the host backend: its tokens, where its constraint stands, its result.
#pragma once

#include <memory>
#include <vector>

#include "engine/backend.h"
#include "engine/bond_law.h"
#include "engine/sampler.h"

namespace molgen3d {

class DraftBook;
class HostSearch;
class TemplateProgram;
struct DraftGate;
namespace geometry {
struct SearchState;
struct Mark;
enum class Action : int32_t;
}  // namespace geometry

class HostSequence {
 public:
  /// Takes the forced tokens that open the answer at once.
  /// `book`: what drafts are made with; null: none are. It must outlive the sequence.
  HostSequence(const SequenceStart& start, const BackendOptions& options, int vocabulary,
               DraftBook* book = nullptr);
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

  /// Where the reader of numbers stands.
  const geometry::ReaderState& reader() const;
  /// The answer so far; empty where a search may go back on it.
  std::span<const TokenId> written() const {
    if (search_ != nullptr) return {};
    return std::span(tokens_).subspan(prompt_length_);
  }

  /// Where the search stands; null without one.
  const geometry::SearchState* search_state() const;

  /// Makes drafts of the tokens after the last known one. Those of an earlier pass are gone.
  void draft(const DraftGate& gate);
  /// Drafts whose rows a pass may compute after those of the known tokens.
  std::span<const TokenId> drafts() const { return drafts_; }
  /// A pass computes the rows of all known tokens, and of the first `rows` drafts.
  void keep_drafts(uint32_t rows);
  /// Whether logits after draft `index` choose a token: another one is not forced there.
  bool draft_wants_logits(size_t index) const {
    return index + 1 == drafts_.size() || !draft_forced_[index + 1];
  }
  /// The next token to draw is that of generated position `index`, and what a pass computed before
  /// it, drafts perhaps, is what stands.
  bool awaits(uint32_t index) const { return index == generated() && !ended_ && agrees_; }
  /// Draws the next token from `row`, then appends it and the forced run that follows.
  void sample(Sampler& sampler, const LogitRow& row);
  /// After a pass and its draws: the rows of drafts that agreed are cached, too.
  void settle_drafts(DraftCounts& counts);
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
  /// The number of the hole state that the sequence stands at, if a draft can be made there.
  bool draft_state(const Choices& legal, uint32_t& state) const;
  /// Follows the numbers where no search does.
  void read(TokenId token);
  /// Where the atom of hole `segment` may be, if the one it is bonded to stands.
  BondLaw bond_of(uint32_t segment) const;
  /// The noise of the tokens drawn now.
  uint64_t draw_key() const;
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
  DraftBook* book_ = nullptr;
  std::vector<TokenId> drafts_;        ///< of the positions from draft_begin_ on
  std::vector<uint8_t> draft_forced_;  ///< one legal token only
  TokenId shadow_ = -1;                ///< the draft after them, which no row meets; -1: none
  std::shared_ptr<const TemplateProgram> program_;  ///< with a book
  geometry::ReaderState reader_;
  geometry::Position closed_draft_;     ///< of the last block that drafts closed
  std::vector<geometry::Position> at_;  ///< by hole
  size_t draft_begin_ = 0;
  bool agrees_ = true;      ///< all tokens appended since drafts were made are those of the drafts
  bool rewritten_ = false;  ///< tokens were thrown away or exchanged since
  uint32_t disagreement_ = 0;  ///< the first token that is not its draft
  std::vector<float> shares_;
  const geometry::TokenTexts* texts_ = nullptr;  ///< the options'; null: no bond law
  SpanSink* spans_ = nullptr;
  bool ended_ = false;
  std::vector<TokenId> end_of_sequence_;
};

}  // namespace molgen3d
