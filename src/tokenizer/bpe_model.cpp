#include "tokenizer/bpe_model.h"

#include <algorithm>
#include <bit>
#include <functional>
#include <queue>

#include "base/error.h"
#include "base/seeded_hash.h"
#include "tokenizer/byte_level.h"
#include "tokenizer/fingerprint.h"
#include "tokenizer/unicode_text.h"

namespace molgen3d {
namespace {

constexpr uint32_t kNoRank = ~uint32_t{0};
// Beyond this many symbols the quadratic loop loses to the heap.
constexpr size_t kLongPiece = 100;

size_t table_size(size_t entries) {
  return std::bit_ceil(entries * 2 + 2);
}

size_t hash_of(std::string_view bytes) {
  return seeded_hash(bytes);
}

}  // namespace

BpeModel::BpeModel(const BpeSource& source, const std::string& where)
    : byte_level_(source.byte_level), ignore_merges_(source.ignore_merges) {
  store_tokens(source, where);
  store_merges(source, where);
}

void BpeModel::store_tokens(const BpeSource& source, const std::string& where) {
  TokenId largest = -1;
  for (const auto& [spelling, id] : source.vocabulary) largest = std::max(largest, id);
  const auto count = static_cast<size_t>(largest + 1);
  used_.assign(count, false);
  findable_.assign(count, false);
  derivable_.assign(count, false);

  std::vector<const std::string*> by_id(count, nullptr);
  for (const auto& [spelling, id] : source.vocabulary) {
    const auto index = static_cast<size_t>(id);
    if (by_id[index])
      throw Error::format("{}: tokens {} and {} share the id {}", where, in_quotes(*by_id[index]),
                          in_quotes(spelling), id);
    by_id[index] = &spelling;
  }

  Fingerprint fingerprint;
  begin_.reserve(count + 1);
  begin_.push_back(0);
  for (size_t id = 0; id < count; ++id) {
    if (by_id[id]) {
      used_[id] = true;
      const auto bytes = byte_level_ ? bytes_of_spelling(*by_id[id]) : std::nullopt;
      findable_[id] = !byte_level_ || bytes.has_value();
      arena_ += bytes ? *bytes : *by_id[id];
    }
    if (arena_.size() > UINT32_MAX) throw Error::format("{}: the vocabulary is too large", where);
    begin_.push_back(static_cast<uint32_t>(arena_.size()));
    fingerprint.add(used_[id]).add(bytes(static_cast<TokenId>(id)));
  }
  fingerprint_ = fingerprint.add(byte_level_).add(ignore_merges_).value();

  table_.assign(table_size(count), -1);
  single_.fill(-1);
  const size_t mask = table_.size() - 1;
  for (size_t id = 0; id < count; ++id) {
    if (!used_[id] || !findable_[id]) continue;
    const auto token = static_cast<TokenId>(id);
    const std::string_view text = bytes(token);
    size_t slot = hash_of(text) & mask;
    while (table_[slot] >= 0) slot = (slot + 1) & mask;
    table_[slot] = token;
    if (text.size() == 1) single_[static_cast<unsigned char>(text[0])] = token;
    // Merging starts from single bytes, or from single characters without the byte table.
    size_t length = text.size();
    if (!byte_level_ && !text.empty()) code_point_at(text, 0, length);
    derivable_[id] = byte_level_ ? text.size() == 1 : !text.empty() && length == text.size();
  }
}

void BpeModel::store_merges(const BpeSource& source, const std::string& where) {
  TextViewMap<TokenId> ids;
  if (!source.merges.empty()) {
    ids.reserve(source.vocabulary.size());
    for (const auto& [spelling, id] : source.vocabulary) ids.emplace(spelling, id);
  }
  merges_.assign(table_size(source.merges.size()), Merge{});
  merge_shift_ = 64 - std::countr_zero(merges_.size());
  const size_t mask = merges_.size() - 1;
  struct Rule {
    TokenId left, right, merged;
  };
  std::vector<Rule> rules;
  rules.reserve(source.merges.size());
  Fingerprint fingerprint(fingerprint_);
  std::string joined;
  for (size_t rank = 0; rank < source.merges.size(); ++rank) {
    const std::string& left = source.merges[rank].first;
    const std::string& right = source.merges[rank].second;
    joined.assign(left).append(right);
    const auto id_of = [&](const std::string& text) {
      const auto found = ids.find(text);
      if (found == ids.end())
        throw Error::format("{}: merge {} ({} + {}): token {} is not in the vocabulary", where,
                            rank, in_quotes(left), in_quotes(right), in_quotes(text));
      return found->second;
    };
    const Rule rule{id_of(left), id_of(right), id_of(joined)};
    rules.push_back(rule);
    fingerprint.add(pair_of(rule.left, rule.right));
    const uint64_t pair = pair_of(rule.left, rule.right);
    size_t slot = slot_of(pair);
    while (merges_[slot].pair != kNoPair && merges_[slot].pair != pair) slot = (slot + 1) & mask;
    // A repeated pair takes its last rank, as in the reference.
    merges_[slot] = {pair, static_cast<uint32_t>(rank), rule.merged};
  }
  fingerprint_ = fingerprint.value();

  // Parts may stand after what is made of them, so go on until nothing changes.
  for (bool changed = true; changed;) {
    changed = false;
    for (const Rule& rule : rules) {
      if (derivable_[rule.merged] || !derivable_[rule.left] || !derivable_[rule.right]) continue;
      derivable_[rule.merged] = changed = true;
    }
  }
}

const BpeModel::Merge* BpeModel::find_merge(TokenId left, TokenId right) const {
  const uint64_t pair = pair_of(left, right);
  const size_t mask = merges_.size() - 1;
  for (size_t slot = slot_of(pair);; slot = (slot + 1) & mask) {
    if (merges_[slot].pair == pair) return &merges_[slot];
    if (merges_[slot].pair == kNoPair) return nullptr;
  }
}

void BpeModel::rank_pair(Symbol& left, const Symbol& right) const {
  const Merge* merge = find_merge(left.id, right.id);
  left.rank = merge ? merge->rank : kNoRank;
  left.merged = merge ? merge->merged : -1;
}

void BpeModel::encode(std::string_view piece, std::vector<TokenId>& ids,
                      std::vector<ByteSpan>* spans) const {
  const auto emit = [&](TokenId id, ByteSpan span) {
    ids.push_back(id);
    if (spans) spans->push_back(span);
  };
  const ByteSpan whole{0, static_cast<uint32_t>(piece.size())};
  if (byte_level_ && piece.size() == 1) {
    const TokenId id = single_[static_cast<unsigned char>(piece[0])];
    if (id >= 0) emit(id, whole);
    return;
  }
  if (ignore_merges_) {
    if (const auto id = find(piece)) {
      emit(*id, whole);
      return;
    }
  }
  thread_local std::vector<Symbol> symbols;
  symbols.clear();
  for (size_t at = 0; at < piece.size();) {
    size_t length = 1;
    if (!byte_level_) code_point_at(piece, at, length);
    const TokenId id = length == 1 ? single_[static_cast<unsigned char>(piece[at])]
                                   : find(piece.substr(at, length)).value_or(-1);
    if (id >= 0)
      symbols.push_back(
          {id, kNoRank, {static_cast<uint32_t>(at), static_cast<uint32_t>(at + length)}, -1});
    at += length;
  }
  for (size_t i = 0; i + 1 < symbols.size(); ++i) rank_pair(symbols[i], symbols[i + 1]);
  if (symbols.size() <= kLongPiece)
    merge_short(symbols);
  else
    merge_long(symbols);
  for (const Symbol& symbol : symbols) emit(symbol.id, symbol.span);
}

void BpeModel::merge_short(std::vector<Symbol>& symbols) const {
  while (symbols.size() > 1) {
    size_t best = 0;
    for (size_t i = 1; i + 1 < symbols.size(); ++i)
      if (symbols[i].rank < symbols[best].rank) best = i;
    Symbol& left = symbols[best];
    if (left.rank == kNoRank) return;
    left.id = left.merged;
    left.span.end = symbols[best + 1].span.end;
    left.rank = kNoRank;
    symbols.erase(symbols.begin() + static_cast<ptrdiff_t>(best) + 1);
    if (best + 1 < symbols.size()) rank_pair(symbols[best], symbols[best + 1]);
    if (best > 0) rank_pair(symbols[best - 1], symbols[best]);
  }
}

void BpeModel::merge_long(std::vector<Symbol>& symbols) const {
  constexpr uint32_t kEnd = ~uint32_t{0};
  const auto count = static_cast<uint32_t>(symbols.size());
  std::vector<uint32_t> next(count), previous(count);
  // rank, then position: the leftmost of equal rank goes first. Entries of pairs that have changed
  // since are recognized by their rank (a symbol that is gone has none).
  using Entry = std::pair<uint32_t, uint32_t>;
  std::priority_queue<Entry, std::vector<Entry>, std::greater<>> queue;
  for (uint32_t i = 0; i < count; ++i) {
    next[i] = i + 1 < count ? i + 1 : kEnd;
    previous[i] = i > 0 ? i - 1 : kEnd;
    if (symbols[i].rank != kNoRank) queue.emplace(symbols[i].rank, i);
  }
  const auto rerank = [&](uint32_t i) {
    symbols[i].rank = kNoRank;
    if (next[i] == kEnd) return;
    rank_pair(symbols[i], symbols[next[i]]);
    if (symbols[i].rank != kNoRank) queue.emplace(symbols[i].rank, i);
  };
  while (!queue.empty()) {
    const auto [rank, i] = queue.top();
    queue.pop();
    if (symbols[i].id < 0 || symbols[i].rank != rank) continue;
    const uint32_t gone = next[i];
    symbols[i].id = symbols[i].merged;
    symbols[i].span.end = symbols[gone].span.end;
    symbols[gone].id = -1;
    next[i] = next[gone];
    if (next[i] != kEnd) previous[next[i]] = i;
    rerank(i);
    if (previous[i] != kEnd) rerank(previous[i]);
  }
  std::erase_if(symbols, [](const Symbol& symbol) { return symbol.id < 0; });
}

bool BpeModel::contains(TokenId id) const {
  return id >= 0 && static_cast<size_t>(id) < used_.size() && used_[static_cast<size_t>(id)];
}

std::string_view BpeModel::bytes(TokenId id) const {
  if (id < 0 || static_cast<size_t>(id) >= size()) return {};
  const auto index = static_cast<size_t>(id);
  return std::string_view(arena_).substr(begin_[index], begin_[index + 1] - begin_[index]);
}

std::optional<TokenId> BpeModel::find(std::string_view text) const {
  const size_t mask = table_.size() - 1;
  for (size_t slot = hash_of(text) & mask; table_[slot] >= 0; slot = (slot + 1) & mask)
    if (bytes(table_[slot]) == text) return table_[slot];
  return std::nullopt;
}

bool BpeModel::covers_all_bytes() const {
  return byte_level_ &&
         std::none_of(single_.begin(), single_.end(), [](TokenId id) { return id < 0; });
}

bool BpeModel::has_mixed_digit_tokens(PreTokenizer family) const {
  // With \p{N} every digit is a piece of its own, whatever the vocabulary holds.
  if (family == PreTokenizer::kDigitSingles) return false;
  for (size_t id = 0; id < size(); ++id) {
    if (!used_[id] || !findable_[id] || !(derivable_[id] || ignore_merges_)) continue;
    const std::string_view text = bytes(static_cast<TokenId>(id));
    bool digit = false;
    bool other = false;
    bool possible = true;  // the family's digit pieces can hold this token
    for (size_t i = 0; i < text.size(); ++i) {
      const auto byte = static_cast<unsigned char>(text[i]);
      if (byte >= '0' && byte <= '9') {
        digit = true;
        continue;
      }
      other = true;
      const bool in_piece = byte >= 0x80 ||  // part of a digit of another script
                            (family == PreTokenizer::kDigitRuns && byte == ' ' && i == 0);
      if (family != PreTokenizer::kNone && family != PreTokenizer::kOther && !in_piece)
        possible = false;
    }
    if (digit && other && possible) return true;
  }
  return false;
}

}  // namespace molgen3d
