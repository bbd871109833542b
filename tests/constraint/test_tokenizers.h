// Tokenizers for the tests: small ones of every family made here, and real ones when present.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "tokenizer/tokenizer.h"

namespace molgen3d {

struct TestTokenizer {
  std::string name;
  std::shared_ptr<const Tokenizer> tokenizer;
  TokenId end_of_sequence = -1;
};

TestTokenizer qwen_like();         ///< single digits; `]<` before `<-`, `,-`
TestTokenizer llama_like();        ///< groups of three digits, ignore_merges
TestTokenizer gpt2_like();         ///< whole digit runs that merge
TestTokenizer character_level();   ///< no pre-tokenizer, no merges
TestTokenizer joined_sign_like();  ///< `<-` wins over `]<`: the junction before a hole branches
TestTokenizer smollm_like();       ///< Digits, then ByteLevel's pattern
TestTokenizer o200k_like();        ///< a pattern of no family's name; groups of three digits
TestTokenizer added_digits();      ///< every digit is an added token
TestTokenizer added_parts();       ///< added tokens of digits, signs and separators
TestTokenizer mixed_digits();      ///< merges across digits: outside the proof

/// Those inside the proof.
std::vector<TestTokenizer> small_tokenizers();

/// Real Qwen3 and Llama-3.1 with the four tags added, as scripts/fetch_test_tokenizers.sh leaves
/// them; `tokenizer` is null when absent. Read once.
const TestTokenizer& real_qwen3();
const TestTokenizer& real_llama31();

}  // namespace molgen3d
