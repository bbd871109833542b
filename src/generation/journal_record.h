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

/// What the samples of one run can be; anything else in a journal is damage.
struct SampleBounds {
  uint32_t samples = 1;  ///< per prompt
  TokenId vocabulary = 0;
  bool audit = false;  ///< whether every token is audited
};
SampleBounds sample_bounds(const Model& model, uint32_t samples, bool audit);

/// The finished samples of an earlier run. Lines that hold no such sample are ignored: what they
/// stood for is done again.
class FinishedSamples {
 public:
  FinishedSamples() = default;
  /// `place`: the journal, for messages.
  FinishedSamples(const std::vector<std::string>& lines, const SampleBounds& bounds,
                  std::string place);

  /// Nothing when this sample is not there. Throws Error when it belongs to another molecule: the
  /// input is another one, which for standard input shows only here.
  std::optional<Completion> find(const Prompt& prompt, uint32_t sample) const;
  /// Throws Error when there are samples of more than `records` records: the input is shorter now.
  void require_within(uint64_t records) const;
  size_t size() const { return entries_.size(); }

 private:
  struct Entry {
    std::string smiles;
    Completion completion;
  };
  std::map<std::pair<uint64_t, uint32_t>, Entry> entries_;
  std::string place_;
};

}  // namespace molgen3d
