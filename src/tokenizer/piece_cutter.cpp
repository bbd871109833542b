#include "tokenizer/piece_cutter.h"

#include <algorithm>

namespace molgen3d {
namespace {

struct Part {
  ByteSpan range;
  bool is_match;
};

std::optional<Regex::Match> find(const std::string& literal, std::string_view text, size_t from) {
  const size_t at = text.find(literal, from);
  if (at == std::string_view::npos) return std::nullopt;
  return Regex::Match{at, at + literal.size()};
}

std::optional<Regex::Match> find(const Regex& regex, std::string_view text, size_t from) {
  return regex.find(text, from);
}

size_t next_character(std::string_view text, size_t at) {
  ++at;
  while (at < text.size() && (static_cast<unsigned char>(text[at]) & 0xC0) == 0x80) ++at;
  return at;
}

// Matches and the gaps between them, in order.
template <typename Pattern>
void split_parts(const Pattern& pattern, std::string_view text, std::vector<Part>& parts) {
  parts.clear();
  size_t done = 0;  // everything before is in parts
  size_t from = 0;
  const auto push = [&](size_t begin, size_t end, bool is_match) {
    if (begin < end)
      parts.push_back({{static_cast<uint32_t>(begin), static_cast<uint32_t>(end)}, is_match});
  };
  while (from <= text.size()) {
    const auto match = find(pattern, text, from);
    if (!match) break;
    if (match->begin == match->end) {  // an empty match cuts nothing, but separates
      push(done, match->begin, false);
      done = match->begin;
      from = next_character(text, match->end);
      continue;
    }
    push(done, match->begin, false);
    push(match->begin, match->end, true);
    done = from = match->end;
  }
  push(done, text.size(), false);
}

// `backward`: merges with what follows, by walking from the end.
void merge_matches(std::vector<Part>& parts, bool backward) {
  if (backward) std::reverse(parts.begin(), parts.end());
  std::vector<Part> merged;
  bool previous_match = false;
  for (const Part& part : parts) {
    if (part.is_match && !previous_match && !merged.empty()) {
      ByteSpan& last = merged.back().range;
      last = {std::min(last.begin, part.range.begin), std::max(last.end, part.range.end)};
    } else {
      merged.push_back(part);
    }
    previous_match = part.is_match;
  }
  if (backward) std::reverse(merged.begin(), merged.end());
  parts = std::move(merged);
}

void apply_behavior(const CutStep& step, std::vector<Part>& parts) {
  if (step.invert)
    for (Part& part : parts) part.is_match = !part.is_match;
  switch (step.behavior) {
    case SplitBehavior::kIsolated:
      return;
    case SplitBehavior::kRemoved:
      std::erase_if(parts, [](const Part& part) { return part.is_match; });
      return;
    case SplitBehavior::kMergedWithPrevious:
      merge_matches(parts, false);
      return;
    case SplitBehavior::kMergedWithNext:
      merge_matches(parts, true);
      return;
    case SplitBehavior::kContiguous: {
      std::vector<Part> runs;
      for (const Part& part : parts) {
        if (!runs.empty() && runs.back().is_match == part.is_match)
          runs.back().range.end = part.range.end;
        else
          runs.push_back(part);
      }
      parts = std::move(runs);
      return;
    }
  }
}

}  // namespace

const char kGpt2Pattern[] =
    R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";

void PieceCutter::cut(std::string_view text, std::vector<ByteSpan>& pieces) const {
  pieces.clear();
  if (text.empty()) return;
  pieces.push_back({0, static_cast<uint32_t>(text.size())});
  thread_local std::vector<Part> parts;
  thread_local std::vector<ByteSpan> finer;
  for (const CutStep& step : steps) {
    finer.clear();
    for (const ByteSpan& piece : pieces) {
      const std::string_view part_text = text.substr(piece.begin, piece.end - piece.begin);
      std::visit([&](const auto& pattern) { split_parts(pattern, part_text, parts); },
                 step.pattern);
      apply_behavior(step, parts);
      for (const Part& part : parts)
        finer.push_back({piece.begin + part.range.begin, piece.begin + part.range.end});
    }
    pieces.swap(finer);
  }
}

PreTokenizer family_of_pattern(std::string_view pattern) {
  if (pattern ==
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)")
    return PreTokenizer::kDigitSingles;
  if (pattern ==
      R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)")
    return PreTokenizer::kDigitTriples;
  if (pattern == kGpt2Pattern) return PreTokenizer::kDigitRuns;
  return PreTokenizer::kOther;
}

}  // namespace molgen3d
