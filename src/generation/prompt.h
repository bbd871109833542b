// One input record on its way into the model.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "geometry/hard_set.h"
#include "molecule/make_template.h"
#include "molecule/molecule.h"

namespace molgen3d {

/// A record that was read: either ready to generate, or refused with a cause.
struct Prompt {
  uint64_t index = 0;  ///< place in the input, from 0
  std::string source;  ///< for messages: `drugs.smi:12`, `argument 1`
  std::string title;
  std::string input;                 ///< the SMILES as it was read; empty for mol blocks
  std::optional<Molecule> molecule;  ///< atoms in the order of the input
  Template text_template;            ///< prompt text and known text of the answer
  /// What its coordinates must satisfy; null: nothing is asked for.
  std::shared_ptr<const geometry::HardSet> hard_set;
  /// How many equal prompts stand before it, where the input is a part of a longer one; nothing:
  /// they are counted.
  std::optional<uint64_t> repeat;
  std::vector<std::string> notes;  ///< what the input says and is not carried or not judged
  std::string refusal;             ///< why this record cannot be generated; empty when it can

  bool ok() const { return refusal.empty(); }
};

/// Of the text of a prompt.
uint64_t prompt_hash(const std::string& prompt_smiles);

/// Names prompts in the sampling noise by their text, not by their place: the same molecule gives
/// the same conformers alone, in a shuffled file or in one of many shards. Repeats of a prompt
/// within one input are told apart by counting them.
class PromptKeys {
 public:
  uint64_t key(const Prompt& prompt);
  /// Of a prompt with this text in an input that is no part of a longer one.
  uint64_t key(const std::string& prompt_smiles);

 private:
  std::unordered_map<uint64_t, uint64_t> seen_;
};

}  // namespace molgen3d
