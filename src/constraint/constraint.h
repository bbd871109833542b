// What the engine asks a constraint, token by token.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace molgen3d {

/// Where one running sequence stands: all there is to save, restore or rewind.
struct ConstraintState {
  uint32_t segment = 0;
  uint32_t node = 0;
  bool operator==(const ConstraintState&) const = default;
};
static_assert(sizeof(ConstraintState) == 8);

/// Fixed set of token ids, one bit per vocabulary row.
class TokenMask {
 public:
  explicit TokenMask(size_t vocabulary_size)
      : words_((vocabulary_size + 31) / 32), size_(vocabulary_size) {}
  void insert(TokenId id) { words_[static_cast<size_t>(id) / 32] |= 1U << (id % 32); }
  bool contains(TokenId id) const {
    return static_cast<size_t>(id) < size_ &&
           (words_[static_cast<size_t>(id) / 32] >> (id % 32) & 1U);
  }
  size_t size() const { return size_; }
  std::span<const uint32_t> words() const { return words_; }

 private:
  std::vector<uint32_t> words_;
  size_t size_;
};

/// The legal next tokens in one state. Views stay valid as long as the constraint lives.
struct Choices {
  enum class Kind : uint8_t {
    kForced,   ///< exactly one: `forced`
    kListed,   ///< `listed`, sorted by id, at least two
    kBlocked,  ///< all but those in `mask`
    kAllowed,  ///< only those in `mask`
    kAny,      ///< the whole vocabulary (free decoding)
  };
  Kind kind = Kind::kAny;
  TokenId forced = -1;
  std::span<const TokenId> listed;
  const TokenMask* mask = nullptr;
};

/// A compiled constraint for one prompt; immutable, shared by all its samples and by threads.
/// `choices` and `advance` never throw, allocate or fail (but the byte-level fallback allocates a
/// row when a state is first visited); `advance` may be called only with a legal token. No state
/// other than the final one is a dead end.
class Constraint {
 public:
  virtual ~Constraint() = default;
  virtual ConstraintState start() const = 0;
  virtual Choices choices(ConstraintState state) const = 0;
  virtual ConstraintState advance(ConstraintState state, TokenId token) const = 0;
  /// True once the end-of-sequence token has been taken.
  virtual bool finished(ConstraintState state) const = 0;
  /// Bounds on the number of generated tokens, end-of-sequence included.
  virtual size_t min_tokens() const = 0;
  virtual size_t max_tokens() const = 0;
  /// Every id that can be *sampled* (chosen among two or more), sorted; empty when that is (nearly)
  /// the whole vocabulary. The engine gathers these rows of the output matrix.
  virtual std::span<const TokenId> reachable() const = 0;
};

}  // namespace molgen3d
