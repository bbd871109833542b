#include <gtest/gtest.h>

#include <set>

#include "base/seeded_hash.h"

namespace molgen3d {
namespace {

// Longest run of keys in one of 4096 slots chosen by the low or by the high bits.
size_t fullest_slot(const std::vector<std::string>& keys, int shift) {
  std::vector<size_t> slots(4096);
  size_t most = 0;
  for (const std::string& key : keys) {
    most = std::max(most, ++slots[(seeded_hash(key) >> shift) & 4095]);
  }
  return most;
}

TEST(SeededHash, ShortAndStructuredKeysSpreadOverLowAndHighBits) {
  std::vector<std::string> numbered, blanks, wide;
  for (int i = 0; i < 4096; ++i) {
    numbered.push_back(std::string("t").append(std::to_string(i)));
    blanks.push_back(std::string(static_cast<size_t>(i), ' '));  // differ in length only
    std::string key(16, '\0');
    key[5] = static_cast<char>(i);
    key[15] = static_cast<char>(i >> 8);
    wide.push_back(key);
  }
  for (const auto& keys : {numbered, blanks, wide}) {
    // 4096 keys drawn at random fill the fullest of 4096 slots with about 7; 20 never happens.
    EXPECT_LT(fullest_slot(keys, 0), 20u);
    EXPECT_LT(fullest_slot(keys, 52), 20u);
  }
}

TEST(SeededHash, EveryByteCounts) {
  const HashKey key = HashKey::from_seed(5);
  for (size_t size = 1; size < 70; ++size) {
    std::set<uint64_t> seen = {seeded_hash(std::string(size, 'a'), key)};
    for (size_t at = 0; at < size; ++at) {
      std::string text(size, 'a');
      text[at] = 'b';
      EXPECT_TRUE(seen.insert(seeded_hash(text, key)).second) << size << " " << at;
    }
  }
}

TEST(SeededHash, KeysDecide) {
  EXPECT_EQ(seeded_hash("name", HashKey::from_seed(1)), seeded_hash("name", HashKey::from_seed(1)));
  EXPECT_NE(seeded_hash("name", HashKey::from_seed(1)), seeded_hash("name", HashKey::from_seed(2)));
  EXPECT_EQ(seeded_hash("name"), seeded_hash("name"));
  EXPECT_NE(seeded_hash("name"), seeded_hash("name", HashKey::from_seed(1)));
}

}  // namespace
}  // namespace molgen3d
