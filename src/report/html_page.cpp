#include <fmt/format.h>

#include "report/comparison.h"

namespace molgen3d {

std::string comparison_html(const Comparison& comparison, const std::string& title) {
  std::string out =
      fmt::format("<!doctype html><meta charset=\"utf-8\"><title>{}</title>", html_escaped(title));
  for (const Table& table : comparison.tables) out += table_html(table);
  return out;
}

}  // namespace molgen3d
