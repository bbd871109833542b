#include "cli/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace molgen3d {

namespace {

constexpr std::chrono::milliseconds kTerminalInterval{200};
constexpr std::chrono::seconds kLineInterval{10};
constexpr size_t kBarWidth = 24;

std::string clock_text(double seconds) {
  const auto total = static_cast<long>(seconds + 0.5);
  return total >= 3600 ? fmt::format("{}:{:02}:{:02}", total / 3600, total / 60 % 60, total % 60)
                       : fmt::format("{}:{:02}", total / 60, total % 60);
}

}  // namespace

Progress::Progress(size_t total, std::string unit, bool quiet)
    : total_(total),
      unit_(std::move(unit)),
      quiet_(quiet),
      terminal_(isatty(STDERR_FILENO) != 0),
      begin_(std::chrono::steady_clock::now()),
      last_(begin_) {}

Progress::~Progress() {
  clear();
}

void Progress::update(size_t done, const std::string& detail) {
  if (quiet_) return;
  const auto now = std::chrono::steady_clock::now();
  if (now - last_ < (terminal_ ? std::chrono::nanoseconds(kTerminalInterval)
                               : std::chrono::nanoseconds(kLineInterval))) {
    return;
  }
  last_ = now;
  const double elapsed = std::chrono::duration<double>(now - begin_).count();
  const double rate = elapsed > 0 ? static_cast<double>(done) / elapsed : 0;
  std::string line;
  if (terminal_ && total_ > 0) {
    const size_t filled = std::min(kBarWidth, kBarWidth * done / total_);
    line = fmt::format("[{:#<{}}{:.<{}}] ", "", filled, "", kBarWidth - filled);
  }
  line +=
      total_ > 0 ? fmt::format("{}/{} {}", done, total_, unit_) : fmt::format("{} {}", done, unit_);
  line += fmt::format(", {:.3g} {}/s", rate, unit_);
  if (total_ > done && rate > 0) {
    line += fmt::format(", {} left", clock_text(static_cast<double>(total_ - done) / rate));
  }
  if (!detail.empty()) line += ", " + detail;
  if (terminal_) {
    std::fprintf(stderr, "\r\033[K%s", line.c_str());
    drawn_ = true;
  } else {
    std::fprintf(stderr, "%s\n", line.c_str());
  }
  std::fflush(stderr);
}

void Progress::clear() {
  if (!drawn_) return;
  std::fputs("\r\033[K", stderr);
  std::fflush(stderr);
  drawn_ = false;
}

}  // namespace molgen3d
