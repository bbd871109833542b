#include "text/tags.h"

namespace molgen3d {

namespace {

std::string between(std::string_view open, std::string_view text, std::string_view close) {
  return std::string(open).append(text).append(close);
}

}  // namespace

std::string prompt_text(std::string_view smiles) {
  return between(kSmilesTag, smiles, kSmilesEndTag);
}

std::string conformer_text(std::string_view enriched) {
  return between(kConformerTag, enriched, kConformerEndTag);
}

std::optional<std::string_view> extract_block(std::string_view text, std::string_view open,
                                              std::string_view close) {
  const size_t begin = text.find(open);
  if (begin == std::string_view::npos) return std::nullopt;
  const size_t end = text.find(close, begin + open.size());
  if (end == std::string_view::npos) return std::nullopt;
  return text.substr(begin + open.size(), end - begin - open.size());
}

std::optional<std::string_view> conformer_of(std::string_view text) {
  return extract_block(text, kConformerTag, kConformerEndTag);
}

std::string_view after_prompt(std::string_view text) {
  const size_t tag = text.find(kSmilesEndTag);
  return tag == std::string_view::npos ? text : text.substr(tag + kSmilesEndTag.size());
}

bool is_one_conformer(std::string_view answer) {
  return answer.starts_with(kConformerTag) && answer.ends_with(kConformerEndTag) &&
         answer.find(kConformerEndTag) == answer.size() - kConformerEndTag.size();
}

}  // namespace molgen3d
