#include "study/block_statistics.h"

#include <algorithm>

#include "text/enriched_text.h"
#include "text/junk.h"

namespace molgen3d {

namespace {

constexpr size_t kLongIntegerDigits = 4;

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

std::vector<std::string_view> fields_of(std::string_view block) {
  std::vector<std::string_view> fields;
  for (size_t begin = 0; begin <= block.size();) {
    const size_t end = std::min(block.find(',', begin), block.size());
    fields.push_back(block.substr(begin, end - begin));
    begin = end + 1;
  }
  return fields;
}

size_t integer_digits(std::string_view field) {
  if (field.starts_with('-')) field.remove_prefix(1);
  return std::min(field.find('.'), field.size());
}

size_t decimals_of(std::string_view field) {
  const size_t dot = field.find('.');
  return dot == std::string_view::npos ? 0 : field.size() - dot - 1;
}

}  // namespace

const char* block_class_name(BlockClass cls) {
  static constexpr std::array<const char*, kBlockClasses> kNames = {"non-ASCII characters",
                                                                    "SMILES characters",
                                                                    "letters",
                                                                    "other symbols",
                                                                    "trailing comma",
                                                                    "trailing dash",
                                                                    "doubled marks",
                                                                    "fourth value",
                                                                    "missing comma",
                                                                    "dot for comma",
                                                                    "too few values",
                                                                    "over-long integer",
                                                                    "bare dot (0. or .5)",
                                                                    "plain"};
  return kNames[static_cast<size_t>(cls)];
}

BlockClass block_class(std::string_view block) {
  const auto has_any = [&](std::string_view set) {
    return block.find_first_of(set) != std::string_view::npos;
  };
  if (std::any_of(block.begin(), block.end(), [](char c) { return (c & 0x80) != 0; }))
    return BlockClass::kNonAscii;
  if (has_any("[]()@=#+/\\")) return BlockClass::kSmiles;
  if (std::any_of(block.begin(), block.end(), is_letter)) return BlockClass::kLetters;
  if (block.find_first_not_of("0123456789.,-") != std::string_view::npos)
    return BlockClass::kSymbols;
  if (block.ends_with(',')) return BlockClass::kTrailingComma;
  if (block.ends_with('-')) return BlockClass::kTrailingDash;
  for (std::string_view pair : {"..", ",,", "--", ".,,", ",.,", ".-", "-,", "-.,"}) {
    if (block.find(pair) != std::string_view::npos) return BlockClass::kDoubledMark;
  }
  const auto fields = fields_of(block);
  if (fields.size() > 3) return BlockClass::kExtraNumber;
  for (const std::string_view field : fields) {
    if (field.find('-', 1) != std::string_view::npos) return BlockClass::kMissingComma;
  }
  for (const std::string_view field : fields) {
    if (std::count(field.begin(), field.end(), '.') > 1) return BlockClass::kDotForComma;
  }
  if (fields.size() < 3) return BlockClass::kTooFew;
  for (const std::string_view field : fields) {
    // A number without a digit (`.`, `-.`, nothing) is no number either.
    if (std::none_of(field.begin(), field.end(), is_digit)) return BlockClass::kTooFew;
  }
  for (const std::string_view field : fields) {
    if (integer_digits(field) > kLongIntegerDigits) return BlockClass::kLongInteger;
  }
  for (const std::string_view field : fields) {
    if (field.ends_with('.') || integer_digits(field) == 0) return BlockClass::kBareDot;
  }
  return BlockClass::kPlain;
}

void BlockStatistics::add(std::string_view conformer) {
  for_each_block(conformer, [&](std::string_view block) {
    ++blocks;
    characters.add(static_cast<int>(block.size()));
    const BlockJunk junk = classify_block(block);
    letters += junk.letters;
    non_numeric += junk.non_numeric;
    const auto cls = static_cast<size_t>(block_class(block));
    ++classes[cls];
    if (cls != static_cast<size_t>(BlockClass::kPlain) && examples[cls].size() < kMaxExamples) {
      examples[cls].emplace_back(block);
    }
    if (junk.non_numeric) return;
    const auto fields = fields_of(block);
    std::array<size_t, 3> lengths{};
    for (size_t axis = 0; axis < 3; ++axis) {
      lengths[axis] = decimals_of(fields[axis]);
      ++decimals[axis][std::min(lengths[axis], kDecimals - 1)];
    }
    short_last += lengths[2] < lengths[0] && lengths[2] < lengths[1];
  });
}

double BlockStatistics::mean_decimals(size_t axis) const {
  double sum = 0;
  for (size_t n = 0; n < kDecimals; ++n)
    sum += static_cast<double>(n) * static_cast<double>(decimals[axis][n]);
  return numeric() == 0 ? 0 : sum / static_cast<double>(numeric());
}

}  // namespace molgen3d
