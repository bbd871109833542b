#include "base/seeded_hash.h"

#include <random>

#include "base/text_hash.h"

namespace molgen3d {

HashKey HashKey::from_seed(uint64_t seed) {
  HashKey key;
  for (uint64_t& word : key.words) word = seed = mix64(seed);
  return key;
}

const HashKey& HashKey::of_process() {
  static const HashKey key = [] {
    std::random_device random;
    HashKey drawn;
    for (uint64_t& word : drawn.words) word = uint64_t{random()} << 32 | random();
    return drawn;
  }();
  return key;
}

}  // namespace molgen3d
