// The order in which a file writes the fields of its events.
//
// Millions of events of a trace differ in their values, hardly ever in the text between them:
// `, "pid": `. What stood before the i-th value of the last event of the same phase is expected
// again; when it is there, one comparison replaces the search for blanks, quotes and the key.
#pragma once

#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include <array>
#include <cstdint>
#include <cstring>
#include <string_view>

#include "trace/read/raw_event.h"

namespace molgen3d::trace {

/// Where the value of a key belongs.
struct FieldTarget {
  enum Kind : uint8_t { kIgnored, kPhase, kArgs, kPlain } kind = kIgnored;
  RawValue RawEvent::*member = nullptr;  ///< kPlain
};
FieldTarget target_of(std::string_view key);

inline void store(RawEvent& event, const FieldTarget& target, const RawValue& value) {
  switch (target.kind) {
    case FieldTarget::kPlain:
      event.*target.member = value;
      break;
    case FieldTarget::kPhase:
      event.phase = value.type == RawValue::kString && value.size == 1 ? value.text[0] : 0;
      break;
    case FieldTarget::kArgs:
      if (value.type == RawValue::kOther && value.text[0] == '{') event.args = value;
      break;
    case FieldTarget::kIgnored:
      break;
  }
}

class EventLayout {
 public:
  /// Bytes behind any position of the text that must be readable.
  static constexpr size_t kReadable = 32;

  struct Gap {
    size_t size = 0;  ///< 0: nothing learned
    FieldTarget target;
    char text[kReadable] = {};
  };

  /// The gap before the value number `field` of an event, if it stands at `p`; else null.
  const Gap* expected(char phase, size_t field, const char* p) const {
    if (field >= kFields) return nullptr;
    const Gap& gap = gaps_[static_cast<unsigned char>(phase) % kPhases][field];
    return gap.size != 0 && same(gap, p) ? &gap : nullptr;
  }

  void learn(char phase, size_t field, std::string_view text, const FieldTarget& target) {
    if (field >= kFields || text.size() > kReadable) return;
    Gap& gap = gaps_[static_cast<unsigned char>(phase) % kPhases][field];
    gap.size = text.size();
    gap.target = target;
    std::memcpy(gap.text, text.data(), text.size());
  }

 private:
  static constexpr size_t kPhases = 32;  // 'X', 's', 'f', ...: no two common ones meet
  static constexpr size_t kFields = 12;

  static bool same(const Gap& gap, const char* p) {
#ifdef __SSE2__
    const auto equal = [](const char* a, const char* b) {
      const __m128i x = _mm_loadu_si128(reinterpret_cast<const __m128i*>(a));
      const __m128i y = _mm_loadu_si128(reinterpret_cast<const __m128i*>(b));
      return static_cast<uint64_t>(_mm_movemask_epi8(_mm_cmpeq_epi8(x, y)));
    };
    const uint64_t wanted = (uint64_t{1} << gap.size) - 1;
    return ((equal(p, gap.text) | equal(p + 16, gap.text + 16) << 16) & wanted) == wanted;
#else
    return std::memcmp(p, gap.text, gap.size) == 0;
#endif
  }

  std::array<std::array<Gap, kFields>, kPhases> gaps_{};
};

}  // namespace molgen3d::trace
