#include "cli/messages.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <cstdio>

#include "base/plain_text.h"

namespace molgen3d {

void say(std::string_view line) {
  std::fprintf(stderr, "molgen3d: %s\n", with_controls_escaped(line).c_str());
}

void add_failure_options(CLI::App& command, FailureLimits& limits) {
  command
      .add_option("--max-messages", limits.shown,
                  "Failures that get a line on standard error, the others are counted; 0: all")
      ->capture_default_str();
  command.add_option("--max-errors", limits.most,
                     "Stop after so many failures, with exit code 2 [default: never]");
}

void FailureLines::add(const std::string& line) {
  ++count_;
  if (limits_.shown == 0 || count_ <= limits_.shown) show_(line);
}

void FailureLines::finish() {
  if (finished_) return;
  finished_ = true;
  if (limits_.shown != 0 && count_ > limits_.shown)
    show_(fmt::format("... and {} more failures (--max-messages)", count_ - limits_.shown));
}

}  // namespace molgen3d
