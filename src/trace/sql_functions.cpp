// extract_arg() and regexp().
#include <regex.h>

#include <memory>
#include <string>
#include <string_view>

#include "trace/args_store.h"
#include "trace/sql_tables.h"

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

// X REGEXP Y is regexp(Y, X); POSIX extended expressions. The last one stays compiled.
struct Pattern {
  std::string text;
  regex_t compiled;
  bool valid = false;
  ~Pattern() {
    if (valid) regfree(&compiled);
  }
};

void regexp(sqlite3_context* out, int, sqlite3_value** argv) {
  auto& last = *static_cast<Pattern*>(sqlite3_user_data(out));
  const auto* pattern = reinterpret_cast<const char*>(sqlite3_value_text(argv[0]));
  const auto* text = reinterpret_cast<const char*>(sqlite3_value_text(argv[1]));
  if (pattern == nullptr || text == nullptr) return;
  if (!last.valid || last.text != pattern) {
    if (last.valid) regfree(&last.compiled);
    const int code = regcomp(&last.compiled, pattern, REG_EXTENDED | REG_NOSUB);
    last.valid = code == 0;
    last.text = pattern;
    if (code != 0) {
      char message[128];
      regerror(code, &last.compiled, message, sizeof message);
      sqlite3_result_error(out, message, -1);
      return;
    }
  }
  sqlite3_result_int(out, regexec(&last.compiled, text, 0, nullptr, 0) == 0);
}

}  // namespace

void register_functions(sqlite3* db, SqlContext* context) {
  constexpr int kPure = SQLITE_UTF8 | SQLITE_DETERMINISTIC | SQLITE_INNOCUOUS;
  sqlite3_create_function(db, "extract_arg", 2, kPure, context, extract_arg, nullptr, nullptr);
  sqlite3_create_function_v2(db, "regexp", 2, kPure, new Pattern, regexp, nullptr, nullptr,
                             [](void* pattern) { delete static_cast<Pattern*>(pattern); });
}

}  // namespace molgen3d::trace
