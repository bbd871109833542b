#include "text/junk.h"

#include <algorithm>

#include "text/characters.h"
#include "text/enriched_text.h"

namespace molgen3d {

namespace {

/// `-1`, `0.5`, `.5`, `1.`: a sign, digits with at most one dot among them.
bool is_decimal(std::string_view field) {
  if (field.starts_with('-')) field.remove_prefix(1);
  const auto digits = std::count_if(field.begin(), field.end(), is_digit);
  const auto dots = std::count(field.begin(), field.end(), '.');
  return digits > 0 && dots <= 1 && static_cast<size_t>(digits + dots) == field.size();
}

}  // namespace

BlockJunk classify_block(std::string_view block) {
  BlockJunk junk;
  junk.letters = std::any_of(block.begin(), block.end(), is_letter);
  size_t fields = 0;
  bool numeric = true;
  for (size_t begin = 0; begin <= block.size();) {
    const size_t end = std::min(block.find(',', begin), block.size());
    numeric &= is_decimal(block.substr(begin, end - begin));
    ++fields;
    begin = end + 1;
  }
  junk.non_numeric = !numeric || fields != 3;
  return junk;
}

JunkCount count_junk(std::string_view conformer, size_t max_examples) {
  JunkCount count;
  for_each_block(conformer, [&](std::string_view block) {
    const BlockJunk junk = classify_block(block);
    ++count.blocks;
    count.letters += junk.letters;
    count.non_numeric += junk.non_numeric;
    if ((junk.letters || junk.non_numeric) && count.examples.size() < max_examples) {
      count.examples.emplace_back(block);
    }
  });
  return count;
}

}  // namespace molgen3d
