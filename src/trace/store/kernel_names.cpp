#include "trace/store/kernel_names.h"

#include <cxxabi.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdlib>
#include <memory>

namespace molgen3d::trace {
namespace {

constexpr std::string_view kAnonymous = "(anonymous namespace)";

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}
bool is_upper(char c) {
  return c >= 'A' && c <= 'Z';
}
bool is_lower(char c) {
  return c >= 'a' && c <= 'z';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

template <size_t N>
bool among(std::string_view word, const std::array<std::string_view, N>& words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Names that say nothing: what runs is in the template arguments or in the namespace.
bool says_nothing(std::string_view words) {
  static constexpr std::array<std::string_view, 11> kWords = {
      "_kernel_",       "_kernel_2_",      "_device_kernel_", "_global_kernel_",
      "_kernel_agent_", "_kentry_",        "_kentry_pt_",     "_run_",
      "_operator_",     "_static_kernel_", "_invoke_main_"};
  return words.size() < 3 || among(words, kWords);
}

// Names that say only how elements are visited.
bool is_generic(std::string_view words) {
  static constexpr std::array<std::string_view, 4> kParts = {
      "_elementwise_kernel_", "_reduce_kernel_", "_multi_tensor_apply_kernel_",
      "_cuda_kernel_pointwise_"};
  return std::any_of(kParts.begin(), kParts.end(), [&](std::string_view part) {
    return words.find(part) != std::string_view::npos;
  });
}

// The end of the bracket that opens at `at`, or the end of a text that was cut off.
size_t bracket_end(std::string_view text, size_t at) {
  size_t depth = 0;
  for (; at < text.size(); ++at) {
    const char c = text[at];
    if (c == '<' || c == '(' || c == '{' || c == '[') ++depth;
    // "->" closes nothing
    const bool closes =
        c == ')' || c == '}' || c == ']' || (c == '>' && (at == 0 || text[at - 1] != '-'));
    if (closes && --depth == 0) return at + 1;
  }
  return text.size();
}

// Every name inside template arguments that is followed by no "::": functions, functors, types.
// What stands in parentheses or braces are parameter types and lambdas: passed over.
void collect_names(std::string_view text, std::vector<std::string>& names) {
  constexpr size_t kMost = 64;
  for (size_t at = 0; at < text.size() && names.size() < kMost;) {
    if (text.substr(at).starts_with(kAnonymous)) {
      at += kAnonymous.size();
    } else if (text[at] == '(' || text[at] == '{') {
      at = bracket_end(text, at);
    } else if (is_word(text[at])) {
      size_t end = at;
      while (end < text.size() && is_word(text[end])) ++end;
      if (!is_digit(text[at]) && text.substr(end, 2) != "::") {
        names.push_back(words_of(text.substr(at, end - at)));
      }
      at = end;
    } else {
      ++at;
    }
  }
}

// The names that a mangled text spells, each with its length in front: for names cut too short to
// be demangled.
std::vector<std::string> mangled_names(std::string_view text) {
  std::vector<std::string> names;
  for (size_t at = 2; at < text.size();) {
    size_t end = at;
    size_t length = 0;
    while (end < text.size() && is_digit(text[end]) && length < text.size()) {
      length = length * 10 + static_cast<size_t>(text[end++] - '0');
    }
    if (end == at || length == 0 || is_digit(text[std::min(end, text.size() - 1)])) {
      at = std::max(end, at + 1);
      continue;
    }
    const size_t next = end + length;
    // A name with another one right behind it is a namespace.
    if (next >= text.size() || !is_digit(text[next])) {
      names.push_back(words_of(text.substr(end, length)));
    }
    at = next;
  }
  return names;
}

// Where the name of a signature begins and ends: behind the return type, before the parameters.
struct Span {
  size_t begin = 0;
  size_t end = 0;
};
Span name_span(std::string_view text) {
  size_t begin = 0;
  size_t at = 0;
  bool signature = text.starts_with("void ");
  while (at < text.size()) {
    const char c = text[at];
    if (text.substr(at).starts_with(kAnonymous)) {
      signature = true;
      at += kAnonymous.size();
    } else if (c == '<' && at > begin) {
      signature = true;
      at = bracket_end(text, at);
    } else if (c == '(' && at > begin && text[at - 1] != ' ') {
      return {begin, at};
    } else if (c == '(' || c == '[' || c == '{') {
      at = bracket_end(text, at);
    } else {
      signature |= text.substr(at, 2) == "::";
      if (c == ' ') begin = at + 1;
      ++at;
    }
  }
  if (!signature) return {0, text.size()};
  if (begin == text.size()) begin = 0;
  return {begin, text.size()};
}

}  // namespace

std::string words_of(std::string_view text) {
  std::string out = "_";
  const auto at = [&](size_t i) { return i < text.size() ? text[i] : '\0'; };
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (!std::isalnum(static_cast<unsigned char>(c))) {
      if (out.back() != '_') out += '_';
      continue;
    }
    const char before = i > 0 ? text[i - 1] : '\0';
    const bool border =
        (is_digit(c) != is_digit(before) && std::isalnum(static_cast<unsigned char>(before))) ||
        (is_upper(c) && (is_lower(before) || (is_upper(before) && is_lower(at(i + 1)))));
    if (border && out.back() != '_') out += '_';
    out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  }
  if (out.back() != '_') out += '_';
  return out;
}

KernelName kernel_name(std::string_view signature) {
  KernelName name;
  std::string demangled;
  if (signature.starts_with("_Z")) {
    int status = 0;
    const std::unique_ptr<char, void (*)(void*)> text(
        abi::__cxa_demangle(std::string(signature).c_str(), nullptr, nullptr, &status), std::free);
    if (status != 0 || text == nullptr) {
      name.own.assign(1, '_');
      name.operations = mangled_names(signature);
      return name;
    }
    demangled = text.get();
    signature = demangled;
  }
  const Span span = name_span(signature);
  std::string_view text = signature.substr(span.begin, span.end - span.begin);
  // Components between "::", each with its own template arguments.
  std::vector<std::string_view> path, arguments;
  size_t begin = 0;
  size_t name_end = std::string_view::npos;
  for (size_t at = 0; at <= text.size();) {
    if (at == text.size() || text.substr(at, 2) == "::") {
      const size_t end = std::min(name_end, at);
      path.push_back(text.substr(begin, end - begin));
      arguments.push_back(text.substr(end, at - end));
      begin = at = std::min(text.size() + 1, at + 2);
      name_end = std::string_view::npos;
    } else if (text[at] == '<') {
      name_end = std::min(name_end, at);
      at = bracket_end(text, at);
    } else {
      at = text[at] == '(' ? bracket_end(text, at) : at + 1;
    }
  }
  name.own = words_of(path.back());
  const bool nothing = says_nothing(name.own);
  if (!nothing && !is_generic(name.own)) return name;
  collect_names(arguments.back(), name.operations);
  for (size_t i = path.size() - 1; nothing && i-- > 0;) {
    if (path[i] != kAnonymous) name.operations.push_back(words_of(path[i]));
  }
  return name;
}

}  // namespace molgen3d::trace
