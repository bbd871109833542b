// A compiled pre-tokenizer pattern: PCRE2 with UTF, Unicode properties and JIT.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>

struct pcre2_real_code_8;

namespace molgen3d {

/// Immutable after construction; find() may run in many threads at once.
class Regex {
 public:
  struct Match {
    size_t begin;
    size_t end;
  };

  /// Throws Error (`where`, pattern, cause) when the pattern does not compile or uses syntax that
  /// Oniguruma, the reference's engine, reads differently.
  Regex(const std::string& pattern, const std::string& where);

  /// First match in valid UTF-8 `text` that begins at or after `from`. Throws Error when matching
  /// exceeds PCRE2's limits.
  std::optional<Match> find(std::string_view text, size_t from) const;
  const std::string& pattern() const { return pattern_; }

 private:
  struct Free {
    void operator()(pcre2_real_code_8* code) const;
  };
  std::unique_ptr<pcre2_real_code_8, Free> code_;
  std::string pattern_;
  std::string where_;
};

}  // namespace molgen3d
