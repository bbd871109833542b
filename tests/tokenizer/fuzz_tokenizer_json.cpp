// Any bytes as tokenizer.json: either an Error of one line, or a tokenizer that encodes and
// decodes. Start corpus: tests/tokenizer/golden.
#include <cstdlib>
#include <string_view>

#include "base/error.h"
#include "tokenizer/tokenizer.h"

extern "C" int LLVMFuzzerTestOneInput(const unsigned char* data, size_t size) {
  using namespace molgen3d;
  const std::string_view json(reinterpret_cast<const char*>(data), size);
  std::shared_ptr<const Tokenizer> tokenizer;
  try {
    tokenizer = Tokenizer::from_json(json, "fuzz");
  } catch (const Error& error) {
    if (std::string_view(error.what()).find('\n') != std::string_view::npos) std::abort();
    return 0;
  }
  tokenizer->has_mixed_digit_tokens();
  // The file itself is as good a text as any, invalid UTF-8 included.
  for (const std::string_view text :
       {json.substr(0, 300), std::string_view("[SMILES]C<1.203,-0.5>\xCC\x81 \xFFx  987\n")}) {
    try {
      const Encoding encoding = tokenizer->encode_with_offsets(text);
      if (encoding.ids != tokenizer->encode(text)) std::abort();
      if (encoding.ids.size() != encoding.offsets.size()) std::abort();
      for (const ByteSpan& span : encoding.offsets)
        if (span.begin > span.end || span.end > text.size()) std::abort();
      for (const TokenId id : encoding.ids)
        if (id < 0 || static_cast<size_t>(id) >= tokenizer->vocabulary_size()) std::abort();
      tokenizer->decode(encoding.ids);
    } catch (const Error&) {  // a pattern that exceeds the matcher's limits
    }
  }
  return 0;
}
