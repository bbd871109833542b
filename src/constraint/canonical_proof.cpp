#include "constraint/canonical_proof.h"

#include "base/error.h"
#include "text/tags.h"

namespace molgen3d {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

bool is_hole_byte(char c) {
  return is_digit(c) || c == ',' || c == '.' || c == '-';
}

bool mixes_digits(std::string_view text) {
  size_t digits = 0;
  for (char c : text) digits += is_digit(c);
  return digits != 0 && digits != text.size();
}

/// First token that mixes digits with other bytes, or an empty view. Wider than what merging can
/// produce: with `ignore_merges` any entry of the vocabulary may stand for a whole piece.
std::string_view mixed_digit_token(const Tokenizer& tokenizer) {
  for (size_t id = 0; id < tokenizer.vocabulary_size(); ++id) {
    const auto token = static_cast<TokenId>(id);
    if (tokenizer.is_added(token)) continue;
    const std::string_view bytes = tokenizer.token_bytes(token);
    if (mixes_digits(bytes)) return bytes;
  }
  return {};
}

bool writes(const Tokenizer& tokenizer, std::string_view text) {
  return tokenizer.decode(tokenizer.encode(text)) == text;
}

}  // namespace

bool can_overlap_hole(std::string_view content) {
  // A match that overlaps a triple holds a run of its bytes, bounded by the content's ends or by
  // the brackets: anything else around the run could not stand there.
  for (size_t i = 0; i < content.size();) {
    if (!is_hole_byte(content[i])) {
      ++i;
      continue;
    }
    size_t end = i;
    while (end < content.size() && is_hole_byte(content[end])) ++end;
    const bool left = i == 0 || content[i - 1] == '<';
    const bool right = end == content.size() || content[end] == '>';
    if (left && right) return true;
    i = end;
  }
  return false;
}

std::string literal_obstacle(std::string_view text) {
  for (char c : text) {
    if (c <= ' ' || c == '\'' || static_cast<unsigned char>(c) >= 0x7F) {
      return fmt::format("holds {}, which enriched text never does",
                         c == ' ' ? "a space" : in_quotes(std::string_view(&c, 1)));
    }
  }
  return {};
}

std::string canonical_obstacle(const Tokenizer& tokenizer) {
  if (tokenizer.changes_ascii()) return "its normalizer changes ASCII text";
  switch (tokenizer.digit_cut()) {
    case DigitCut::kApart:
      break;
    case DigitCut::kNothing:
    case DigitCut::kLocal:
      if (const std::string_view token = mixed_digit_token(tokenizer); !token.empty()) {
        return fmt::format("its token {} joins digits with other characters", in_quotes(token));
      }
      break;
    case DigitCut::kUnknown:
      return "its pre-tokenizer is of no known family: it may cut digits by what stands beside "
             "them";
  }
  for (const Tokenizer::AddedToken& added : tokenizer.added_tokens()) {
    if (mixes_digits(added.content) && can_overlap_hole(added.content)) {
      return fmt::format(
          "its added token {} joins the digits of a coordinate with other characters",
          in_quotes(added.content));
    }
  }
  for (std::string_view tag : {kConformerTag, kConformerEndTag}) {
    const std::vector<TokenId> ids = tokenizer.encode(tag);
    if (ids.size() != 1 || !tokenizer.is_added(ids[0])) {
      return fmt::format("{} is no added token of it", in_quotes(tag));
    }
  }
  for (std::string_view text : {"0123456789", "0", ".", ",", ",-", "-"}) {
    if (!writes(tokenizer, text)) return fmt::format("it cannot write {}", in_quotes(text));
  }
  if (tokenizer.encode("0").size() != 1) return "it has no token for a single digit";
  return {};
}

}  // namespace molgen3d
