// A hash of text for tables whose keys somebody else wrote: names of a trace, tokens of a
// vocabulary, SMILES of a file. Its key is drawn anew in every process, so nobody can write a file
// whose names all fall into one slot; every byte reaches every bit, so short names spread as well
// as long ones.
//
// Values differ from run to run: nothing that leaves the process may depend on them (text_hash() is
// for that), and nothing may depend on the order in which such a table is walked.
#pragma once

#include <cstdint>
#include <cstring>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>

namespace molgen3d {

/// The secret words of a seeded hash.
struct HashKey {
  uint64_t words[3] = {};
  /// The key of this process, drawn from the system's random source at the first call.
  static const HashKey& of_process();
  /// A key that is the same for the same `seed`: for checksums that are kept.
  static HashKey from_seed(uint64_t seed);
};

/// Hash of `bytes`: two words per multiplication, whose halves are folded (the family of wyhash).
inline uint64_t seeded_hash(std::string_view bytes, const HashKey& key) {
  using Wide = unsigned __int128;
  const auto fold = [](uint64_t a, uint64_t b) {
    const Wide product = static_cast<Wide>(a) * b;
    return static_cast<uint64_t>(product) ^ static_cast<uint64_t>(product >> 64);
  };
  const auto word = [](const char* p) {
    uint64_t v;
    std::memcpy(&v, p, 8);
    return v;
  };
  const auto half = [](const char* p) {
    uint32_t v;
    std::memcpy(&v, p, 4);
    return uint64_t{v};
  };
  const size_t size = bytes.size();
  const char* p = bytes.data();
  uint64_t state = key.words[0];
  uint64_t a = 0;
  uint64_t b = 0;
  if (size > 16) {
    const char* last = p + size - 16;
    for (; p < last; p += 16) state = fold(word(p) ^ key.words[1], word(p + 8) ^ state);
    a = word(last);  // what stands there already is taken once more: no tail to copy
    b = word(last + 8);
  } else if (size >= 8) {
    a = word(p);
    b = word(p + size - 8);
  } else if (size >= 4) {
    a = half(p);
    b = half(p + size - 4);
  } else if (size > 0) {
    const auto byte = [p](size_t i) { return uint64_t{static_cast<unsigned char>(p[i])}; };
    a = byte(0) << 16 | byte(size / 2) << 8 | byte(size - 1);
  }
  // Two rounds: after one, the low bits would know the low bits of the operands only.
  const Wide product = static_cast<Wide>(a ^ key.words[1]) * (b ^ state);
  return fold(static_cast<uint64_t>(product) ^ key.words[2] ^ size,
              static_cast<uint64_t>(product >> 64) ^ key.words[1]);
}

inline uint64_t seeded_hash(std::string_view bytes) {
  return seeded_hash(bytes, HashKey::of_process());
}

/// For containers of the standard library; looks up std::string keys by std::string_view too.
struct SeededTextHash {
  using is_transparent = void;
  size_t operator()(std::string_view text) const { return seeded_hash(text); }
};

/// Hash of a plain value without padding (numbers, structs of numbers of one size).
template <typename Value>
struct SeededValueHash {
  static_assert(std::has_unique_object_representations_v<Value>);
  size_t operator()(const Value& value) const {
    return seeded_hash({reinterpret_cast<const char*>(&value), sizeof value});
  }
};

template <typename Value>
using TextMap = std::unordered_map<std::string, Value, SeededTextHash, std::equal_to<>>;
template <typename Value>
using TextViewMap = std::unordered_map<std::string_view, Value, SeededTextHash>;
using TextSet = std::unordered_set<std::string, SeededTextHash, std::equal_to<>>;

}  // namespace molgen3d
