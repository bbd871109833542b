// Reads tokenizer.json (the serialization of Hugging Face `tokenizers`, version 1.0).
#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "tokenizer/added_vocabulary.h"
#include "tokenizer/bpe_model.h"
#include "tokenizer/piece_cutter.h"

namespace molgen3d {

/// What the file says, checked.
struct TokenizerParts {
  std::shared_ptr<const BpeModel> model;
  std::shared_ptr<const PieceCutter> cutter;
  bool nfc = false;
  std::vector<AddedTokenRule> added;
  std::vector<TokenId> prefix;  ///< special tokens that the post-processor puts before a text
  uint64_t rules_fingerprint = 0;
};

/// Throws Error (`name`, place in the file, cause) for malformed input and for everything that
/// would change the tokens and is not supported.
TokenizerParts parse_tokenizer_json(std::string_view text, const std::string& name);

/// Throws Error when `rules` disagree with the model or among each other.
void check_added_tokens(const BpeModel& model, const std::vector<AddedTokenRule>& rules,
                        const std::string& name);

}  // namespace molgen3d
