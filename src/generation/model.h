// A model ready to generate: checkpoint, tokenizer, and the compilers that belong to them.
#pragma once

#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "checkpoint/checkpoint.h"
#include "constraint/compiler.h"
#include "tokenizer/tokenizer.h"

namespace molgen3d {

namespace geometry {
struct TokenTexts;
}

/// Everything that a checkpoint directory brings; immutable, shared by all requests.
struct Model {
  std::string name;  ///< last component of the directory
  std::shared_ptr<const Checkpoint> checkpoint;
  std::shared_ptr<const Tokenizer> tokenizer;
  std::vector<TokenId> end_of_sequence;  ///< at least one; any of them ends an answer
  std::vector<TokenId> prompt_prefix;    ///< BOS for Llama, nothing for Qwen
  /// Compiles exact constraints for this tokenizer, number format and end of sequence.
  std::shared_ptr<const TemplateCompiler> templates;
  /// What this tokenizer's tokens say of coordinates.
  std::shared_ptr<const geometry::TokenTexts> texts;
  std::string warning;  ///< one line worth showing, or empty
  double load_seconds = 0;

  /// Ids of `[SMILES]smiles[/SMILES]` with the tokenizer's prefix in front.
  std::vector<TokenId> prompt_tokens(const std::string& smiles) const;
};

/// Makes what belongs to a model's tokenizer, number format and end of sequence: `templates` and
/// `texts`. Throws Error when the tokenizer cannot write coordinates.
void make_templates(Model& model);

/// Loads and cross-checks a directory: tokenizer against vocabulary, the four tags, whether the
/// tokenizer can write coordinates.
/// Throws Error naming the file and the cause.
std::shared_ptr<const Model> load_model(const std::filesystem::path& directory);

/// `name` as a directory, or as the name of a checkpoint that ships with molgen3d (searched in
/// $MOLGEN3D_MODELS, beside the installed program, and in the source tree). Throws Error listing
/// where it looked.
std::filesystem::path find_model(const std::string& name);

/// The model with another tokenizer: a tokenizer.json, a directory that holds one, or a shipped
/// name; empty: its own. Throws Error when it does not fit.
std::shared_ptr<const Model> with_tokenizer(const std::shared_ptr<const Model>& model,
                                            const std::string& tokenizer);

/// The checkpoint used when none is named.
inline constexpr const char* kDefaultModel = "qwen3-conformer";

}  // namespace molgen3d
