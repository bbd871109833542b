#include "tokenizer/tokenizer.h"

#include "base/error.h"
#include "base/regular_file.h"
#include "tokenizer/digit_separation.h"
#include "tokenizer/fingerprint.h"
#include "tokenizer/tokenizer_json.h"
#include "tokenizer/unicode_text.h"

namespace molgen3d {

struct Tokenizer::Impl {
  std::string name;
  TokenizerParts parts;
  AddedVocabulary added;
  std::vector<AddedToken> added_list;  // in order of id
  size_t vocabulary_size = 0;
  uint64_t fingerprint = 0;

  Impl(std::string given_name, TokenizerParts given_parts)
      : name(std::move(given_name)), parts(std::move(given_parts)) {
    added = AddedVocabulary(parts.added, [&](std::string_view text) {
      return parts.nfc ? to_nfc(text, nullptr) : std::string(text);
    });
    vocabulary_size = parts.model->size();
    Fingerprint hash(parts.model->fingerprint());
    hash.add(parts.rules_fingerprint);
    for (const AddedTokenRule& rule : added.rules()) {
      added_list.push_back({rule.id, rule.content, rule.special});
      vocabulary_size = std::max(vocabulary_size, static_cast<size_t>(rule.id) + 1);
      hash.add(static_cast<uint64_t>(rule.id)).add(std::string_view(rule.content));
      hash.add(rule.special).add(rule.normalized).add(rule.single_word);
      hash.add(rule.lstrip).add(rule.rstrip);
    }
    fingerprint = hash.value();
  }

  void encode(std::string_view text, std::vector<TokenId>& ids,
              std::vector<ByteSpan>* offsets) const;
  void encode_raw(std::string_view text, const SourceMap& source, std::vector<TokenId>& ids,
                  std::vector<ByteSpan>* offsets) const;
  void encode_normalized(std::string_view text, const SourceMap& source, std::vector<TokenId>& ids,
                         std::vector<ByteSpan>* offsets) const;
  void encode_plain(std::string_view text, const SourceMap& source, std::vector<TokenId>& ids,
                    std::vector<ByteSpan>* offsets) const;
};

namespace {

std::string_view part_of(std::string_view text, ByteSpan range) {
  return text.substr(range.begin, range.end - range.begin);
}

}  // namespace

void Tokenizer::Impl::encode(std::string_view text, std::vector<TokenId>& ids,
                             std::vector<ByteSpan>* offsets) const {
  if (text.size() > UINT32_MAX / 4) throw Error::format("{}: the text is too long", name);
  if (is_valid_utf8(text)) {
    encode_raw(text, SourceMap(0), ids, offsets);
    return;
  }
  std::vector<ByteSpan> spans;
  const std::string valid = replace_invalid_utf8(text, offsets ? &spans : nullptr);
  encode_raw(valid, offsets ? SourceMap(std::move(spans)) : SourceMap(0), ids, offsets);
}

void Tokenizer::Impl::encode_raw(std::string_view text, const SourceMap& source,
                                 std::vector<TokenId>& ids, std::vector<ByteSpan>* offsets) const {
  std::vector<TextSection> sections;
  added.split(text, false, sections);
  for (const TextSection& section : sections) {
    if (section.id >= 0) {
      ids.push_back(section.id);
      if (offsets) offsets->push_back(source.range(section.range.begin, section.range.end));
      continue;
    }
    const std::string_view part = part_of(text, section.range);
    if (!parts.nfc || is_ascii(part)) {
      encode_normalized(part, source.from(section.range.begin, part.size()), ids, offsets);
      continue;
    }
    std::vector<ByteSpan> spans;
    const std::string normalized = to_nfc(part, offsets ? &spans : nullptr);
    for (ByteSpan& span : spans)
      span = source.range(section.range.begin + span.begin, section.range.begin + span.end);
    encode_normalized(normalized, offsets ? SourceMap(std::move(spans)) : SourceMap(0), ids,
                      offsets);
  }
}

void Tokenizer::Impl::encode_normalized(std::string_view text, const SourceMap& source,
                                        std::vector<TokenId>& ids,
                                        std::vector<ByteSpan>* offsets) const {
  std::vector<TextSection> sections;
  added.split(text, true, sections);
  for (const TextSection& section : sections) {
    if (section.id >= 0) {
      ids.push_back(section.id);
      if (offsets) offsets->push_back(source.range(section.range.begin, section.range.end));
      continue;
    }
    const std::string_view part = part_of(text, section.range);
    const SourceMap part_source = source.from(section.range.begin, part.size());
    if (!parts.cutter->add_prefix_space || part.starts_with(' ')) {
      encode_plain(part, part_source, ids, offsets);
      continue;
    }
    std::vector<ByteSpan> spans;
    if (offsets) {
      const uint32_t begin = part_source.range(0, 1).begin;
      spans.push_back({begin, begin});
      for (size_t i = 0; i < part.size(); ++i) spans.push_back(part_source.range(i, i + 1));
    }
    std::string spaced(1, ' ');
    spaced.append(part);
    encode_plain(spaced, offsets ? SourceMap(std::move(spans)) : SourceMap(0), ids, offsets);
  }
}

void Tokenizer::Impl::encode_plain(std::string_view text, const SourceMap& source,
                                   std::vector<TokenId>& ids,
                                   std::vector<ByteSpan>* offsets) const {
  thread_local std::vector<ByteSpan> pieces;
  thread_local std::vector<ByteSpan> spans;
  parts.cutter->cut(text, pieces);
  for (const ByteSpan& piece : pieces) {
    spans.clear();
    parts.model->encode(part_of(text, piece), ids, offsets ? &spans : nullptr);
    for (const ByteSpan& span : spans)
      offsets->push_back(source.range(piece.begin + span.begin, piece.begin + span.end));
  }
}

Tokenizer::Tokenizer(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::~Tokenizer() = default;

std::shared_ptr<const Tokenizer> Tokenizer::from_file(const std::filesystem::path& path) {
  return from_json(RegularFile(path).read(), path.string());
}

std::shared_ptr<const Tokenizer> Tokenizer::from_json(std::string_view json,
                                                      const std::string& name) {
  auto impl = std::make_unique<const Impl>(name, parse_tokenizer_json(json, name));
  return std::shared_ptr<const Tokenizer>(new Tokenizer(std::move(impl)));
}

std::shared_ptr<const Tokenizer> Tokenizer::with_added_tokens(
    std::span<const AddedToken> extra) const {
  TokenizerParts parts = impl_->parts;
  for (const AddedToken& token : extra) {
    if (token.id < 0 || static_cast<size_t>(token.id) > 4 * vocabulary_size() + 1'000'000)
      throw Error::format("{}: the id {} of the added token {} is out of range", name(), token.id,
                          in_quotes(token.content));
    if (token.content.empty() || !is_valid_utf8(token.content))
      throw Error::format("{}: the added token {} is empty or not UTF-8", name(),
                          in_quotes(token.content));
    AddedTokenRule rule;
    rule.id = token.id;
    rule.content = token.content;
    rule.special = token.special;
    parts.added.push_back(std::move(rule));
  }
  check_added_tokens(*parts.model, parts.added, name());
  return std::shared_ptr<const Tokenizer>(
      new Tokenizer(std::make_unique<const Impl>(name(), std::move(parts))));
}

std::vector<TokenId> Tokenizer::encode(std::string_view text) const {
  std::vector<TokenId> ids;
  ids.reserve(text.size() / 2 + 1);
  impl_->encode(text, ids, nullptr);
  return ids;
}

Encoding Tokenizer::encode_with_offsets(std::string_view text) const {
  Encoding encoding;
  encoding.ids.reserve(text.size() / 2 + 1);
  encoding.offsets.reserve(text.size() / 2 + 1);
  impl_->encode(text, encoding.ids, &encoding.offsets);
  return encoding;
}

std::string Tokenizer::decode(std::span<const TokenId> ids, bool skip_special) const {
  std::string text;
  for (const TokenId id : ids)
    if (!skip_special || !is_special(id)) text += token_bytes(id);
  return text;
}

std::string_view Tokenizer::token_bytes(TokenId id) const {
  if (const AddedTokenRule* rule = impl_->added.find(id)) return rule->content;
  return impl_->parts.model->bytes(id);
}

std::optional<TokenId> Tokenizer::token_id(std::string_view bytes) const {
  if (const AddedTokenRule* rule = impl_->added.find(bytes)) return rule->id;
  return impl_->parts.model->find(bytes);
}

size_t Tokenizer::vocabulary_size() const {
  return impl_->vocabulary_size;
}
bool Tokenizer::is_added(TokenId id) const {
  return impl_->added.find(id) != nullptr;
}

bool Tokenizer::is_special(TokenId id) const {
  const AddedTokenRule* rule = impl_->added.find(id);
  return rule && rule->special;
}

std::span<const Tokenizer::AddedToken> Tokenizer::added_tokens() const {
  return impl_->added_list;
}
std::span<const TokenId> Tokenizer::prefix_tokens() const {
  return impl_->parts.prefix;
}
PreTokenizer Tokenizer::pre_tokenizer() const {
  return impl_->parts.cutter->family;
}

DigitCut Tokenizer::digit_cut() const {
  const PreTokenizer family = pre_tokenizer();
  if (family != PreTokenizer::kNone && family != PreTokenizer::kOther) return DigitCut::kApart;
  return digit_cut_of(impl_->parts.cutter->steps);
}

bool Tokenizer::has_mixed_digit_tokens() const {
  return impl_->parts.model->has_mixed_digit_tokens(pre_tokenizer());
}

bool Tokenizer::changes_ascii() const {
  return impl_->parts.cutter->add_prefix_space;
}
uint64_t Tokenizer::fingerprint() const {
  return impl_->fingerprint;
}
const std::string& Tokenizer::name() const {
  return impl_->name;
}

}  // namespace molgen3d
