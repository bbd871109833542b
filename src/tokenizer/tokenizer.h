// Byte-level BPE as Hugging Face `tokenizers` does it, from a tokenizer.json.
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace molgen3d {

using TokenId = int32_t;

/// Half-open byte range in the text that was encoded.
struct ByteSpan {
  uint32_t begin = 0;
  uint32_t end = 0;
  bool operator==(const ByteSpan&) const = default;
};

struct Encoding {
  std::vector<TokenId> ids;
  std::vector<ByteSpan> offsets;  ///< offsets[i]: the bytes of the input that ids[i] stands for
};

/// Pre-tokenizer families whose cuts at digits are known (docs/tokenizer.md), else kOther.
enum class PreTokenizer : uint8_t {
  kNone,          ///< the whole text is one piece
  kDigitSingles,  ///< Qwen2/Qwen3: `\p{N}`
  kDigitTriples,  ///< Llama-3, cl100k: `\p{N}{1,3}`
  kDigitRuns,     ///< GPT-2: ` ?\p{N}+`
  kOther,
};

/// What a pre-tokenizer does to runs of digits in texts of printable ASCII without white space and
/// apostrophes.
enum class DigitCut : uint8_t {
  kNothing,  ///< cuts nowhere
  kLocal,  ///< how a run, or what stands between two runs, is cut depends on nothing outside of it
  kApart,  ///< so, and no piece holds a digit and another character
  kUnknown,  ///< none of these can be shown
};

/// One tokenizer; immutable, safe to share between threads.
/// Supports the byte-level BPE families of Qwen2/3, Llama-3 and GPT-2 and merge-free
/// (character-level) vocabularies. Loading throws Error that names what is unsupported.
class Tokenizer {
 public:
  /// Reads `tokenizer.json`. Throws Error (file, cause).
  static std::shared_ptr<const Tokenizer> from_file(const std::filesystem::path& path);
  /// `name` stands for the file in errors.
  static std::shared_ptr<const Tokenizer> from_json(std::string_view json, const std::string& name);
  ~Tokenizer();

  /// Canonical tokens of `text` (UTF-8; invalid bytes are replaced as the reference does). Added
  /// tokens in the text become their ids. No BOS or other post-processing tokens.
  std::vector<TokenId> encode(std::string_view text) const;
  Encoding encode_with_offsets(std::string_view text) const;

  /// Bytes of the tokens joined. With `skip_special`, special added tokens are left out.
  std::string decode(std::span<const TokenId> ids, bool skip_special = false) const;

  /// The bytes one token stands for (an added token: its content). Empty for unused ids.
  std::string_view token_bytes(TokenId id) const;
  /// Id of the token with exactly these bytes (added tokens by content).
  std::optional<TokenId> token_id(std::string_view bytes) const;

  /// One more than the largest id in use (added tokens included).
  size_t vocabulary_size() const;
  bool is_added(TokenId id) const;
  bool is_special(TokenId id) const;
  struct AddedToken {
    TokenId id;
    std::string content;
    bool special;
  };
  /// In order of id.
  std::span<const AddedToken> added_tokens() const;
  /// This tokenizer with more added tokens, matched in the raw text. Throws Error when an id or a
  /// content is taken. Vocabulary and merges are shared.
  std::shared_ptr<const Tokenizer> with_added_tokens(std::span<const AddedToken> extra) const;

  /// Tokens that the post-processor puts before every text (Llama: BOS); often empty.
  std::span<const TokenId> prefix_tokens() const;

  PreTokenizer pre_tokenizer() const;
  /// Read off the rules themselves, whatever their family is called.
  DigitCut digit_cut() const;
  /// True when some token that a text can give (by merging, or as a whole piece with ignore_merges)
  /// holds both an ASCII digit and another byte. Never false when there is one; for families other
  /// than the digit ones it may be true of a token that the cuts keep from ever appearing.
  bool has_mixed_digit_tokens() const;
  /// True when ASCII text is changed before it is cut (add_prefix_space: the only such rule that is
  /// accepted); a text is then not safe to tokenize in parts.
  bool changes_ascii() const;

  /// Stable identity of vocabulary + merges + rules, for caches and reports.
  uint64_t fingerprint() const;
  const std::string& name() const;

 private:
  struct Impl;
  explicit Tokenizer(std::unique_ptr<const Impl> impl);
  std::unique_ptr<const Impl> impl_;
};

}  // namespace molgen3d
