// One finished sample as a journal line, and back.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "generation/generator.h"

namespace molgen3d {

std::string journal_line(const Sample& sample);

/// The finished samples of an earlier run. Damaged lines are ignored: their samples are done again.
class FinishedSamples {
 public:
  FinishedSamples() = default;
  explicit FinishedSamples(const std::vector<std::string>& lines);

  /// Nothing when this sample is not there, or belongs to another molecule (the input changed).
  std::optional<Completion> find(const Prompt& prompt, uint32_t sample) const;
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string smiles;
    Completion completion;
  };
  std::map<std::pair<uint64_t, uint32_t>, Entry> entries_;
};

}  // namespace molgen3d
