// Any bytes: the decoders and the verdict return, and what decodes strictly encodes again.
#include <cstdint>
#include <cstdlib>

#include "molecule/enriched.h"
#include "molecule/verdict.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace molgen3d;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const DecodeResult strict = decode_enriched(text, DecodeLevel::kStrict);
  const DecodeResult lenient = decode_enriched(text, DecodeLevel::kLenient);
  if (strict.molecule.has_value() != strict.error.empty()) std::abort();
  if (strict.molecule && !lenient.molecule) std::abort();
  judge(text, "CCO");
  judge("[SMILES]CCO[/SMILES][CONFORMER]" + std::string(text) + "[/CONFORMER]", "CCO");
  return 0;
}
