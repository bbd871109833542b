#include "engine/host_sequence.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "constraint/template_program.h"
#include "engine/draft_book.h"
#include "engine/host_search.h"
#include "engine/noise.h"
#include "geometry/token_text.h"

namespace molgen3d {

HostSequence::HostSequence(const SequenceStart& start, const BackendOptions& options,
                           int vocabulary, DraftBook* book)
    : tokens_(start.prompt.begin(), start.prompt.end()),
      prompt_length_(static_cast<uint32_t>(start.prompt.size())),
      cached_(start.cached_tokens),
      pages_(start.pages.begin(), start.pages.end()),
      constraint_(start.constraint),
      sampling_(start.sampling),
      key_(start.noise_key),
      max_new_tokens_(start.max_new_tokens),
      vocabulary_(vocabulary),
      audit_(options.audit),
      texts_(options.drafts != 0U ? options.texts.get() : nullptr),
      spans_(options.spans),
      end_of_sequence_(options.end_of_sequence) {
  tokens_.reserve(tokens_.size() + max_new_tokens_);
  if (audit_) {
    history_.reserve(max_new_tokens_);
    result_.audit.reserve(max_new_tokens_);
  } else {
    result_.raw_log_probability = std::numeric_limits<double>::quiet_NaN();
    result_.log_kept_mass = std::numeric_limits<double>::quiet_NaN();
  }
  if (book != nullptr) program_ = std::dynamic_pointer_cast<const TemplateProgram>(constraint_);
  if (program_ != nullptr && book->open(*program_)) book_ = book;
  if (book_ != nullptr) at_.resize(program_->segments.size());
  if (constraint_) state_ = constraint_->start();
  if (constraint_ && start.geometry) search_ = std::make_unique<HostSearch>(start.geometry, here());
  append_forced_run();
}

HostSequence::HostSequence(HostSequence&&) noexcept = default;
HostSequence::~HostSequence() = default;

Choices HostSequence::choices(uint32_t index) const {
  if (!constraint_) return {};
  return constraint_->choices(index < generated() ? history_[index] : state_);
}

void HostSequence::fail(const std::string& cause) {
  result_.reason = FinishReason::kFailed;
  result_.error = cause;
  ended_ = true;
}

void HostSequence::append(TokenId token, bool sampled) {
  if (token < 0 || token >= vocabulary_) {
    fail(fmt::format("generated token {}: the constraint forces id {}, but the model has {} ids",
                     generated(), token, vocabulary_));
    return;
  }
  if (audit_ && constraint_) history_.push_back(state_);
  if (agrees_ && tokens_.size() - draft_begin_ < drafts_.size() &&
      drafts_[tokens_.size() - draft_begin_] != token) {
    agrees_ = false;
    disagreement_ = static_cast<uint32_t>(tokens_.size());
  }
  tokens_.push_back(token);
  ++(sampled ? result_.sampled_tokens : result_.forced_tokens);
  bool end = false;
  if (constraint_) {
    state_ = constraint_->advance(state_, token);
    read(token);
    end = constraint_->finished(state_);
  } else {
    end = std::find(end_of_sequence_.begin(), end_of_sequence_.end(), token) !=
          end_of_sequence_.end();
  }
  if (end || generated() == max_new_tokens_) {
    result_.reason = end ? FinishReason::kEndOfSequence : FinishReason::kLength;
    ended_ = true;
  }
  if (search_) follow(search_->take(token, tokens_.size() - 1, here()));
}

void HostSequence::read(TokenId token) {
  if (texts_ == nullptr || search_ || static_cast<size_t>(token) >= texts_->of_token.size()) return;
  const geometry::ReadEvents events =
      geometry::read_token(reader_, texts_->of_token[static_cast<size_t>(token)], texts_->numbers);
  if (events.closed && state_.segment > 0 && state_.segment <= at_.size())
    at_[state_.segment - 1] = {reader_.value[0], reader_.value[1], reader_.value[2]};
}

const geometry::ReaderState& HostSequence::reader() const {
  return search_ ? search_->state().reader : reader_;
}

BondLaw HostSequence::bond_of(uint32_t segment) const {
  BondLaw bond;
  if (texts_ == nullptr || segment >= program_->bonded_before.size()) return bond;
  const int before = program_->bonded_before[segment];
  if (before < 0) return bond;
  const auto atom = static_cast<size_t>(before);
  bond.set(search_ ? search_->at(atom) : at_[atom]);
  return bond;
}

const geometry::SearchState* HostSequence::search_state() const {
  return search_ ? &search_->state() : nullptr;
}

geometry::Mark HostSequence::here() const {
  geometry::Mark mark;
  mark.known = static_cast<int32_t>(tokens_.size());
  mark.segment = state_.segment;
  mark.node = state_.node;
  mark.sampled = static_cast<int32_t>(result_.sampled_tokens);
  mark.forced = static_cast<int32_t>(result_.forced_tokens);
  mark.log_probability = result_.masked_log_probability;
  return mark;
}

void HostSequence::follow(geometry::Action action) {
  switch (action) {
    case geometry::Action::kKeep:
      break;
    case geometry::Action::kReflect:
      reflect();
      break;
    case geometry::Action::kReturn:
      go_back();
      break;
    case geometry::Action::kFail:
      fail(geometry::failure_text(search_->state()));
      break;
  }
}

void HostSequence::go_back() {
  rewritten_ = true;
  agrees_ = false;
  const geometry::Mark& mark = search_->mark();
  tokens_.resize(static_cast<size_t>(mark.known));
  state_ = {mark.segment, mark.node};
  result_.sampled_tokens = static_cast<uint32_t>(mark.sampled);
  result_.forced_tokens = static_cast<uint32_t>(mark.forced);
  result_.masked_log_probability = mark.log_probability;
  ended_ = false;
}

void HostSequence::reflect() {
  rewritten_ = true;
  agrees_ = false;
  const size_t first = search_->reflect(tokens_);
  cached_ = std::min(cached_, static_cast<uint32_t>(first));
  if (!audit_) return;
  // The states between the exchanged commas and the ends of their numbers differ.
  ConstraintState state = history_[first - prompt_length_];
  for (size_t i = first; i < tokens_.size(); ++i) {
    history_[i - prompt_length_] = state;
    state = constraint_->advance(state, tokens_[i]);
  }
}

void HostSequence::drop_audit(uint32_t generated) {
  if (!audit_) return;
  if (history_.size() > generated) history_.resize(generated);
  for (; audited_ > generated; --audited_) {
    const Completion::AuditedToken& last = result_.audit.back();
    result_.raw_log_probability -= static_cast<double>(last.raw_log_probability);
    result_.log_kept_mass -= std::log(static_cast<double>(last.kept_mass));
    result_.audit.pop_back();
  }
}

void HostSequence::append_forced_run() {
  ScopedSpan run(spans_, RunPhase::kForcedRun);
  const uint32_t before = generated();
  while (constraint_ && !ended_) {
    const Choices next = constraint_->choices(state_);
    if (next.kind != Choices::Kind::kForced) break;
    append(next.forced, false);
  }
  if (generated() == before) {
    run.drop();
  } else {
    run.set_args({.tokens = static_cast<int32_t>(generated() - before)});
  }
}

bool HostSequence::draft_state(const Choices& legal, uint32_t& state) const {
  if (book_ == nullptr || legal.kind != Choices::Kind::kListed ||
      legal.listed.size() > kDraftChoices)
    return false;
  state = state_.node - TemplateProgram::kInHole;
  return true;
}

uint64_t HostSequence::draw_key() const {
  return search_ ? attempt_key(key_, static_cast<uint32_t>(search_->state().attempt)) : key_;
}

void HostSequence::draft(const DraftGate& gate) {
  drafts_.clear();
  draft_forced_.clear();
  shadow_ = -1;
  draft_begin_ = tokens_.size();
  agrees_ = true;
  rewritten_ = false;
  if (book_ == nullptr || ended_) return;
  // The last token there is room for needs no row.
  const size_t most =
      std::min<size_t>(static_cast<size_t>(gate.window), max_new_tokens_ - generated() - 1);
  ConstraintState state = state_;
  DraftChain chain(gate, static_cast<int>(pending()));
  geometry::ReaderState reader = this->reader();
  uint32_t segment = state.segment;
  BondLaw bond = bond_of(segment);
  for (;;) {
    const Choices legal = constraint_->choices(state);
    const bool forced = legal.kind == Choices::Kind::kForced;
    TokenId token = legal.forced;
    if (forced) {
      if (drafts_.size() >= most) break;
      chain.add_forced();
    } else {
      const uint32_t hole_state = state.node - TemplateProgram::kInHole;
      const float chance = book_->chance(hole_state);
      if (chance == 0) break;
      token = book_->draw(hole_state, sampling_, draw_key(),
                          generated() + static_cast<uint32_t>(drafts_.size()), reader, bond);
      if (drafts_.size() >= most || !chain.add(chance)) {
        shadow_ = token;
        break;
      }
    }
    state = constraint_->advance(state, token);
    if (constraint_->finished(state)) break;
    drafts_.push_back(token);
    draft_forced_.push_back(forced ? 1 : 0);
    if (texts_ == nullptr) continue;
    const bool closed =
        geometry::read_token(reader, texts_->of_token[static_cast<size_t>(token)], texts_->numbers)
            .closed;
    if (closed) closed_draft_ = {reader.value[0], reader.value[1], reader.value[2]};
    if (state.segment == segment) continue;
    // An atom that is bonded to the one just drafted; those before it stand.
    bond = bond_of(state.segment);
    if (bond.known && program_->bonded_before[state.segment] == static_cast<int>(segment))
      bond.set(closed_draft_);
    segment = state.segment;
  }
}

void HostSequence::keep_drafts(uint32_t rows) {
  if (rows >= drafts_.size()) return;
  shadow_ = draft_forced_[rows] != 0 ? -1 : drafts_[rows];
  drafts_.resize(rows);
  draft_forced_.resize(rows);
}

void HostSequence::settle_drafts(DraftCounts& counts) {
  if (!drafts_.empty() && !rewritten_) {
    const uint32_t stands = agrees_ ? static_cast<uint32_t>(tokens_.size() - 1) : disagreement_;
    const auto computed = static_cast<uint32_t>(draft_begin_ + drafts_.size());
    cached_ = std::max(cached_, std::min(stands, computed));
  }
  // Counted as far as draws came: a draft after the first that differs meets no row of use.
  const size_t met = agrees_ || rewritten_ ? tokens_.size() : disagreement_ + 1;
  for (size_t i = 0; i < drafts_.size() && draft_begin_ + i < met; ++i) {
    if (draft_forced_[i] != 0) continue;
    ++counts.verified;
    if (agrees_ || draft_begin_ + i < disagreement_) ++counts.kept;
  }
  drafts_.clear();
  draft_forced_.clear();
  shadow_ = -1;
  agrees_ = true;
  rewritten_ = false;
}

void HostSequence::sample(Sampler& sampler, const LogitRow& row) {
  const Choices legal = choices(generated());
  std::span<const TokenId> allowed;
  const bool masked = search_ && search_->masked() && legal.kind == Choices::Kind::kListed;
  if (masked) allowed = search_->allowed(legal.listed);
  if (masked && allowed.empty()) {
    follow(search_->dead_end(here()));
  } else {
    uint32_t hole_state = 0;
    const bool learns = draft_state(legal, hole_state);
    shares_.resize(learns ? legal.listed.size() : 0);
    const Draw draw =
        sampler.draw(row, legal, sampling_, draw_key(), generated(), allowed, shares_);
    if (draw.error != nullptr) {
      fail(fmt::format("generated token {}: {}", generated(), draw.error));
      return;
    }
    result_.masked_log_probability += draw.log_probability;
    if (masked) search_->add_log_kept(draw.log_kept);
    if (learns) {
      const size_t at = tokens_.size() - draft_begin_;
      const TokenId draft = at < drafts_.size() ? drafts_[at] : at == drafts_.size() ? shadow_ : -1;
      book_->learn(hole_state, shares_, draft, draw.token);
    }
    append(draw.token, true);
  }
  append_forced_run();
  if (!search_ || ended_) return;
  // What was thrown away is not cached; the literals after a mark are the same again.
  const auto known = static_cast<uint32_t>(tokens_.size());
  cached_ = std::min(cached_, known - 1);
  reported_ = std::min(reported_, generated());
  drop_audit(generated());
}

void HostSequence::audit(std::span<const float> logits, uint32_t index) {
  if (index < audited_) return;  // computed again after a reflection
  const TokenId token = tokens_[prompt_length_ + index];
  const Sampler::Audit audit = Sampler::audit(logits, choices(index), sampling_, token);
  if (audit.error != nullptr) {
    fail(fmt::format("generated token {}: {}", index, audit.error));
    return;
  }
  result_.raw_log_probability += audit.raw_log_probability;
  result_.log_kept_mass += audit.log_kept_mass;
  result_.audit.push_back({static_cast<float>(audit.raw_log_probability),
                           static_cast<float>(std::exp(audit.log_kept_mass)), audit.favourite,
                           static_cast<float>(audit.favourite_log_probability)});
  ++audited_;
}

Completion HostSequence::take_result() {
  if (search_) result_.geometry = geometry::outcome_of(search_->state());
  if (audit_ && search_ && search_->complete())
    result_.log_kept_by_atom = geometry::log_kept_by_atom(search_->marks());
  result_.tokens.assign(tokens_.begin() + prompt_length_, tokens_.end());
  return std::move(result_);
}

}  // namespace molgen3d
