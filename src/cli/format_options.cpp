#include "cli/format_options.h"

#include <CLI/CLI.hpp>

namespace molgen3d {

void add_format_options(CLI::App& command, FormatOptions& options) {
  command
      .add_option("--numbers", options.zeros,
                  "Number dialect: strip (0.5), fixed (0.5000) or either")
      ->capture_default_str()
      ->check(CLI::IsMember({"strip", "fixed", "either"}));
  command.add_option("--integer-digits", options.integer_digits, "Digits before the dot, at most")
      ->capture_default_str()
      ->check(CLI::Range(1, kMaxIntegerDigits));
}

NumberFormat number_format_of(const FormatOptions& options) {
  NumberFormat format;
  format.zeros = zeros_of_name(options.zeros).value_or(NumberFormat::Zeros::kEither);
  format.max_integer_digits = options.integer_digits;
  return format;
}

}  // namespace molgen3d
