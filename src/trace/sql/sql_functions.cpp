// extract_arg() and regexp().
#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>

#include <memory>
#include <string>
#include <string_view>

#include "trace/sql/sql_tables.h"
#include "trace/store/args_store.h"

namespace molgen3d::trace {
namespace {

void extract_arg(sqlite3_context* out, int, sqlite3_value** argv) {
  auto& c = *static_cast<SqlContext*>(sqlite3_user_data(out));
  const auto* key = reinterpret_cast<const char*>(sqlite3_value_text(argv[1]));
  const int64_t row = sqlite3_value_int64(argv[0]);
  if (sqlite3_value_type(argv[0]) == SQLITE_NULL || key == nullptr || row < 0 ||
      row >= static_cast<int64_t>(c.trace.slices.size())) {
    return;
  }
  const auto index = static_cast<uint32_t>(row);
  // The numbers that are columns need no look at the file.
  const std::string_view name(key);
  if (name == "args.correlation" && c.trace.slices.correlation[index] != kNoCorrelation) {
    sqlite3_result_int64(out, c.trace.slices.correlation[index]);
    return;
  }
  if (name == "args.bytes") {
    if (const int64_t bytes = c.bytes_of(index); bytes >= 0) {
      sqlite3_result_int64(out, bytes);
      return;
    }
  }
  const ArgLeaf* leaf = find_arg(c.args_of(index), name);
  if (leaf == nullptr) return;
  switch (leaf->type) {
    case ArgLeaf::kNull:
      break;
    case ArgLeaf::kBool:
    case ArgLeaf::kInteger:
      sqlite3_result_int64(out, leaf->integer);
      break;
    case ArgLeaf::kReal:
      sqlite3_result_double(out, leaf->real);
      break;
    case ArgLeaf::kString:
      sqlite3_result_text64(out, leaf->text.data(), leaf->text.size(), SQLITE_TRANSIENT,
                            SQLITE_UTF8);
      break;
  }
}

std::string pcre_message(int code) {
  PCRE2_UCHAR text[160];
  pcre2_get_error_message(code, text, sizeof text);
  return reinterpret_cast<const char*>(text);
}

// X REGEXP Y is regexp(Y, X); POSIX extended expressions, matched with bounded effort: a pattern
// that makes the matcher try too much is an error. The last one stays compiled.
class Pattern {
 public:
  Pattern() {
    pcre2_set_max_pattern_length(compile_, kLongestPattern);
    pcre2_set_match_limit(match_, kMostSteps);
    pcre2_set_heap_limit(match_, kMostKilobytes);
  }
  ~Pattern() {
    pcre2_code_free(code_);
    pcre2_match_data_free(data_);
    pcre2_match_context_free(match_);
    pcre2_compile_context_free(compile_);
  }
  Pattern(const Pattern&) = delete;
  Pattern& operator=(const Pattern&) = delete;

  /// Compiles `text` unless it is the last one. Returns a message, or "".
  std::string use(std::string_view text) {
    if (code_ != nullptr && text_ == text) return "";
    pcre2_code_free(code_);
    code_ = nullptr;
    if (text.size() > kLongestPattern) return "a pattern longer than 4096 bytes";
    PCRE2_UCHAR* converted = nullptr;
    PCRE2_SIZE size = 0;
    int code = pcre2_pattern_convert(reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(),
                                     PCRE2_CONVERT_POSIX_EXTENDED, &converted, &size, nullptr);
    if (code != 0) return pcre_message(code);
    PCRE2_SIZE at = 0;
    code_ =
        pcre2_compile(converted, size, PCRE2_DOTALL | PCRE2_DOLLAR_ENDONLY, &code, &at, compile_);
    pcre2_converted_pattern_free(converted);
    if (code_ == nullptr) return pcre_message(code);
    text_ = text;
    return "";
  }

  /// 1: found; 0: not; below 0: an error of PCRE2.
  int find(std::string_view text) const {
    const int code = pcre2_match(code_, reinterpret_cast<PCRE2_SPTR>(text.data()), text.size(), 0,
                                 0, data_, match_);
    return code == PCRE2_ERROR_NOMATCH ? 0 : code < 0 ? code : 1;
  }

 private:
  static constexpr size_t kLongestPattern = 4096;
  static constexpr uint32_t kMostSteps = 1'000'000;
  static constexpr uint32_t kMostKilobytes = 64 << 10;

  std::string text_;
  pcre2_code* code_ = nullptr;
  pcre2_match_data* data_ = pcre2_match_data_create(1, nullptr);
  pcre2_compile_context* compile_ = pcre2_compile_context_create(nullptr);
  pcre2_match_context* match_ = pcre2_match_context_create(nullptr);
};

std::string_view text_of(sqlite3_value* value) {
  const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(value));
  if (text == nullptr) return {};
  return {text, static_cast<size_t>(sqlite3_value_bytes(value))};
}

void regexp(sqlite3_context* out, int, sqlite3_value** argv) {
  auto& last = *static_cast<Pattern*>(sqlite3_user_data(out));
  const std::string_view pattern = text_of(argv[0]);
  const std::string_view text = text_of(argv[1]);
  if (pattern.data() == nullptr || text.data() == nullptr) return;
  const std::string problem = last.use(pattern);
  const int found = problem.empty() ? last.find(text) : 0;
  if (found >= 0 && problem.empty()) {
    sqlite3_result_int(out, found);
    return;
  }
  const std::string message = "REGEXP: " + (problem.empty() ? pcre_message(found) : problem);
  sqlite3_result_error(out, message.c_str(), -1);
}

}  // namespace

void register_functions(sqlite3* db, SqlContext* context) {
  constexpr int kPure = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
  sqlite3_create_function(db, "extract_arg", 2, kPure, context, extract_arg, nullptr, nullptr);
  sqlite3_create_function_v2(db, "regexp", 2, kPure, new Pattern, regexp, nullptr, nullptr,
                             [](void* pattern) { delete static_cast<Pattern*>(pattern); });
}

}  // namespace molgen3d::trace
