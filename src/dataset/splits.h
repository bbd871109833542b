// Which part of a data set a molecule belongs to.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace molgen3d {

/// Decided by the molecule alone: text_hash() of its canonical SMILES without stereo, as a fraction
/// of 2^64, falls into one of the parts laid end to end. So a molecule and its stereoisomers are in
/// the same part, in every data set made with the same shares, whatever else the input holds.
/// Whether `text` can be the name of a part: letters, digits, `-` and `_`, so that it is a file's.
bool is_part_name(std::string_view text);

class Splits {
 public:
  /// One part, "all".
  Splits();
  /// `train=0.98,valid=0.01,test=0.01`: names of letters, digits, `-` and `_`; shares above 0 that
  /// add up to 1. Throws Error.
  static Splits parse(const std::string& text);

  const std::vector<std::string>& names() const { return names_; }
  size_t part_of(std::string_view graph_key) const;
  /// As parse() takes it.
  const std::string& text() const { return text_; }

 private:
  std::string text_;
  std::vector<std::string> names_;
  std::vector<double> ends_;  ///< upper ends of the parts, last 1
};

}  // namespace molgen3d
