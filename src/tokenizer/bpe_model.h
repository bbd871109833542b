// Byte-pair encoding of one piece: Sennrich et al. 2016, with merge ranks as in Hugging Face
// `tokenizers` (models/bpe).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace molgen3d {

/// What tokenizer.json says about the model, still in the file's spelling.
struct BpeSource {
  std::vector<std::pair<std::string, TokenId>> vocabulary;
  std::vector<std::pair<std::string, std::string>> merges;  ///< in order of rank
  bool ignore_merges = false;
  bool byte_level = false;  ///< tokens are spelled with the byte table, else as plain UTF-8
};

/// Immutable, safe to share between threads.
class BpeModel {
 public:
  /// `where` names the file in errors. Throws Error for duplicate ids, merges of unknown tokens.
  BpeModel(const BpeSource& source, const std::string& where);

  /// Appends the tokens of a piece (valid UTF-8) to `ids`; `spans`, when given, gets their ranges
  /// in the piece. Bytes or characters without a token are left out, as the reference does without
  /// unk.
  void encode(std::string_view piece, std::vector<TokenId>& ids,
              std::vector<ByteSpan>* spans) const;

  size_t size() const { return begin_.empty() ? 0 : begin_.size() - 1; }  ///< largest id + 1
  bool contains(TokenId id) const;
  std::string_view bytes(TokenId id) const;
  std::optional<TokenId> find(std::string_view bytes) const;
  /// All 256 single bytes have a token, so that nothing is ever left out.
  bool covers_all_bytes() const;
  /// See Tokenizer::has_mixed_digit_tokens.
  bool has_mixed_digit_tokens(PreTokenizer family) const;
  uint64_t fingerprint() const { return fingerprint_; }

 private:
  struct Symbol {
    TokenId id;
    uint32_t rank;  ///< of the pair that begins here
    ByteSpan span;
    TokenId merged;  ///< what that pair becomes
  };
  struct Merge {
    uint64_t pair = kNoPair;
    uint32_t rank = 0;
    TokenId merged = -1;
  };
  static constexpr uint64_t kNoPair = ~uint64_t{0};

  static uint64_t pair_of(TokenId left, TokenId right) {
    return uint64_t{static_cast<uint32_t>(left)} << 32 | static_cast<uint32_t>(right);
  }
  size_t slot_of(uint64_t pair) const {
    return static_cast<size_t>(pair * 0x9E3779B97F4A7C15u >> merge_shift_);
  }
  const Merge* find_merge(TokenId left, TokenId right) const;
  void store_tokens(const BpeSource& source, const std::string& where);
  void store_merges(const BpeSource& source, const std::string& where);
  void rank_pair(Symbol& left, const Symbol& right) const;
  void merge_short(std::vector<Symbol>& symbols) const;
  void merge_long(std::vector<Symbol>& symbols) const;

  std::string arena_;            // bytes of all tokens, in order of id
  std::vector<uint32_t> begin_;  // token id: arena_[begin_[id], begin_[id + 1])
  std::vector<bool> used_;
  std::vector<bool> findable_;  // false: a spelling outside the byte table, which no text can give
  std::vector<TokenId> table_;  // open addressing on the bytes
  std::vector<Merge> merges_;   // open addressing on the pair
  int merge_shift_ = 64;
  std::array<TokenId, 256> single_{};  // token of one byte, -1 without
  bool byte_level_ = false;
  bool ignore_merges_ = false;
  std::vector<bool> derivable_;  // single symbols and what merging can make of them
  uint64_t fingerprint_ = 0;
};

}  // namespace molgen3d
