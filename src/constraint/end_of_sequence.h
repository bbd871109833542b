// The ids that may end an answer.
#pragma once

#include <algorithm>
#include <span>
#include <vector>

#include "base/error.h"
#include "tokenizer/tokenizer.h"

namespace molgen3d {

/// A model may have several (`eos_token_id` as a list): any of them ends an answer, and which one
/// it is, is the model's choice. Their order means nothing.
class EndOfSequence {
 public:
  EndOfSequence(TokenId id) : ids_{id} {}  // NOLINT: one id is the common case
  /// Throws Error when there is none.
  explicit EndOfSequence(std::span<const TokenId> ids) : ids_(ids.begin(), ids.end()) {
    if (ids_.empty()) throw Error("no end-of-sequence id is given");
    std::sort(ids_.begin(), ids_.end());
    ids_.erase(std::unique(ids_.begin(), ids_.end()), ids_.end());
  }

  /// Sorted, without repetition, at least one.
  const std::vector<TokenId>& ids() const { return ids_; }
  bool single() const { return ids_.size() == 1; }
  bool contains(TokenId id) const { return std::binary_search(ids_.begin(), ids_.end(), id); }

 private:
  std::vector<TokenId> ids_;
};

}  // namespace molgen3d
