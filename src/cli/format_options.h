// Options of the commands that read or write enriched text without a checkpoint to ask.
#pragma once

#include <string>

#include "text/number_format.h"

namespace CLI {
class App;
}

namespace molgen3d {

struct FormatOptions {
  std::string zeros = "strip";
  int integer_digits = 3;
};

/// --numbers strip|fixed|either and --integer-digits.
void add_format_options(CLI::App& command, FormatOptions& options);
NumberFormat number_format_of(const FormatOptions& options);

}  // namespace molgen3d
