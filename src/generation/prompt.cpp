#include "generation/prompt.h"

#include "engine/noise.h"

namespace molgen3d {

uint64_t prompt_hash(const std::string& prompt_smiles) {
  uint64_t hash = mix64(prompt_smiles.size());
  for (const char c : prompt_smiles) hash = mix64(hash ^ static_cast<unsigned char>(c));
  return hash;
}

uint64_t PromptKeys::key(const Prompt& prompt) {
  if (!prompt.repeat) return key(prompt.text_template.smiles);
  return mix64(prompt_hash(prompt.text_template.smiles) + *prompt.repeat);
}

uint64_t PromptKeys::key(const std::string& prompt_smiles) {
  const uint64_t hash = prompt_hash(prompt_smiles);
  return mix64(hash + seen_[hash]++);
}

}  // namespace molgen3d
