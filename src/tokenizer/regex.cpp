#include "tokenizer/regex.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include "base/error.h"

namespace molgen3d {
namespace {

constexpr uint32_t kMatchLimit = 1'000'000;  // backtracking steps of one match
constexpr size_t kJitStackStart = 32 * 1024;
constexpr size_t kJitStackLimit = 8 * 1024 * 1024;

// Scratch memory of the calling thread: a match needs one offset pair and, rarely, a deep stack.
struct Scratch {
  pcre2_match_data* data = pcre2_match_data_create(1, nullptr);
  pcre2_match_context* context = pcre2_match_context_create(nullptr);
  pcre2_jit_stack* stack = pcre2_jit_stack_create(kJitStackStart, kJitStackLimit, nullptr);

  Scratch() {
    if (!data || !context || !stack) throw std::bad_alloc();
    pcre2_set_match_limit(context, kMatchLimit);
    pcre2_jit_stack_assign(context, nullptr, stack);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;
  ~Scratch() {
    pcre2_jit_stack_free(stack);
    pcre2_match_context_free(context);
    pcre2_match_data_free(data);
  }
};

Scratch& scratch() {
  thread_local Scratch instance;
  return instance;
}

std::string message_of(int code) {
  PCRE2_UCHAR buffer[256];
  pcre2_get_error_message(code, buffer, sizeof buffer);
  return reinterpret_cast<const char*>(buffer);
}

// Oniguruma's \s is Unicode White_Space; PCRE2's also takes U+180E, so the property is named.
std::string with_exact_whitespace(const std::string& pattern, const std::string& where) {
  std::string out;
  for (size_t i = 0; i < pattern.size(); ++i) {
    if (pattern.compare(i, 2, "&&") == 0)
      throw Error::format("{}: pattern {} uses a class intersection, which is not supported", where,
                          in_quotes(pattern));
    if (pattern[i] != '\\' || i + 1 == pattern.size()) {
      out += pattern[i];
      continue;
    }
    const char escape = pattern[++i];
    if (escape == 'h' || escape == 'H' || escape == 'R' || escape == 'X' || escape == 'O')
      throw Error::format("{}: pattern {} uses \\{}, which is not supported", where,
                          in_quotes(pattern), escape);
    if (escape == 's')
      out += "\\p{wspace}";
    else if (escape == 'S')
      out += "\\P{wspace}";
    else
      (out += '\\') += escape;
  }
  return out;
}

}  // namespace

void Regex::Free::operator()(pcre2_real_code_8* code) const {
  pcre2_code_free(code);
}

Regex::Regex(const std::string& pattern, const std::string& where)
    : pattern_(pattern), where_(where) {
  const std::string exact = with_exact_whitespace(pattern, where);
  int error = 0;
  PCRE2_SIZE offset = 0;
  code_.reset(pcre2_compile(reinterpret_cast<PCRE2_SPTR>(exact.data()), exact.size(),
                            PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C, &error, &offset,
                            nullptr));
  if (!code_)
    throw Error::format("{}: pattern {}: {}", where, in_quotes(pattern), message_of(error));
  // Without JIT (an unsupported processor) matching is slower and otherwise the same.
  pcre2_jit_compile(code_.get(), PCRE2_JIT_COMPLETE);
}

std::optional<Regex::Match> Regex::find(std::string_view text, size_t from) const {
  Scratch& own = scratch();
  const int count = pcre2_match(code_.get(), reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                                from, PCRE2_NO_UTF_CHECK, own.data, own.context);
  if (count == PCRE2_ERROR_NOMATCH) return std::nullopt;
  if (count < 0)
    throw Error::format("{}: the pattern failed on {}: {}", where_,
                        in_quotes(text.substr(from), 40), message_of(count));
  const PCRE2_SIZE* range = pcre2_get_ovector_pointer(own.data);
  // \K inside a lookaround can put the begin behind the end.
  if (range[0] > range[1] || range[0] < from)
    throw Error::format("{}: the pattern gives a match that ends before it begins", where_);
  return Match{range[0], range[1]};
}

}  // namespace molgen3d
