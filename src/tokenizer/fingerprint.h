// FNV-1a, 64 bits (Fowler, Noll, Vo): identity of data across runs and machines, no protection
// against intent.
#pragma once

#include <cstdint>
#include <string_view>

namespace molgen3d {

class Fingerprint {
 public:
  explicit Fingerprint(uint64_t seed = 0xCBF29CE484222325u) : value_(seed) {}

  Fingerprint& add(uint64_t number) {
    for (int shift = 0; shift < 64; shift += 8) byte(static_cast<unsigned char>(number >> shift));
    return *this;
  }
  /// The length goes in too, so that neighbours cannot trade bytes.
  Fingerprint& add(std::string_view text) {
    add(uint64_t{text.size()});
    for (const char c : text) byte(static_cast<unsigned char>(c));
    return *this;
  }
  uint64_t value() const { return value_; }

 private:
  void byte(unsigned char b) { value_ = (value_ ^ b) * 0x100000001B3u; }
  uint64_t value_;
};

}  // namespace molgen3d
