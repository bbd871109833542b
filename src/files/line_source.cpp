#include "files/line_source.h"

#include <algorithm>

namespace molgen3d {

namespace {

constexpr size_t kBufferSize = size_t{1} << 18;

bool is_break(char c) {
  return c == '\n' || c == '\r';
}

}  // namespace

LineSource LineSource::file(const std::string& path) {
  LineSource source;
  source.file_ = open_byte_source(path);
  source.buffer_.resize(kBufferSize);
  return source;
}

LineSource LineSource::memory(std::string text) {
  LineSource source;
  source.buffer_.assign(text.begin(), text.end());
  source.pending_ = {source.buffer_.data(), source.buffer_.size()};
  return source;
}

bool LineSource::fill() {
  if (!file_) return false;
  const size_t count = file_->read(buffer_.data(), buffer_.size());
  error_ = file_->error();
  pending_ = {buffer_.data(), count};
  return count > 0;
}

std::string_view LineSource::begin() {
  if (pending_.empty() && line_number_ == 0) fill();
  return pending_;
}

void LineSource::take_break() {
  size_t returns = 0;
  while ((!pending_.empty() || fill()) && pending_.front() == '\r') {
    ++returns;
    pending_.remove_prefix(1);
  }
  if (!pending_.empty() && pending_.front() == '\n') {
    pending_.remove_prefix(1);
  } else {
    empty_lines_ = returns - 1;
  }
}

LineSource::Status LineSource::next(std::string& line, size_t limit) {
  line.clear();
  if (empty_lines_ > 0) {
    --empty_lines_;
    ++line_number_;
    return Status::kLine;
  }
  bool too_long = false;
  bool anything = false;
  bool ended = false;
  while (!ended && (!pending_.empty() || fill())) {
    anything = true;
    const auto place = std::find_if(pending_.begin(), pending_.end(), is_break);
    const auto part = pending_.substr(0, static_cast<size_t>(place - pending_.begin()));
    const size_t kept = std::min(part.size(), limit - line.size());
    line += part.substr(0, kept);
    too_long |= kept < part.size();
    ended = part.size() < pending_.size();
    pending_.remove_prefix(part.size());
    if (ended) take_break();
  }
  if (!ended && !error_.empty()) {
    if (error_reported_) return Status::kEnd;
    error_reported_ = true;
    ++line_number_;
    return Status::kBroken;
  }
  if (!anything) return Status::kEnd;
  ++line_number_;
  if (line_number_ == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
  return too_long ? Status::kTooLong : Status::kLine;
}

}  // namespace molgen3d
