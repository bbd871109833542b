#include "generation/prompt.h"

#include "engine/noise.h"

namespace molgen3d {

uint64_t PromptKeys::key(const std::string& prompt_smiles) {
  uint64_t hash = mix64(prompt_smiles.size());
  for (const char c : prompt_smiles) hash = mix64(hash ^ static_cast<unsigned char>(c));
  return mix64(hash + seen_[hash]++);
}

}  // namespace molgen3d
