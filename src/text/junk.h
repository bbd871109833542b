// Junk: coordinate blocks of free text that leave the number grammar.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace molgen3d {

/// What is wrong with one coordinate block (the text between `<` and `>`).
struct BlockJunk {
  bool letters = false;      ///< any of [A-Za-z]
  bool non_numeric = false;  ///< not three decimal numbers (`1.` and `.5` are numbers here)
};
BlockJunk classify_block(std::string_view block);

/// Counts over the blocks of a conformer; the study mixed the two definitions.
struct JunkCount {
  size_t blocks = 0;
  size_t letters = 0;
  size_t non_numeric = 0;
  std::vector<std::string> examples;  ///< the first few junk blocks
};
JunkCount count_junk(std::string_view conformer, size_t max_examples = 8);

}  // namespace molgen3d
