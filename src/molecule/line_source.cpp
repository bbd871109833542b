#include "molecule/line_source.h"

#include <algorithm>

namespace molgen3d {

namespace {
constexpr size_t kBufferSize = size_t{1} << 18;
}

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

LineSource::Status LineSource::next(std::string& line, size_t limit) {
  line.clear();
  bool too_long = false;
  bool anything = false;
  while (!pending_.empty() || fill()) {
    anything = true;
    const size_t feed = pending_.find('\n');
    const std::string_view part = pending_.substr(0, feed);
    const size_t kept = std::min(part.size(), limit - line.size());
    line += part.substr(0, kept);
    too_long |= kept < part.size();
    pending_.remove_prefix(std::min(part.size() + 1, pending_.size()));
    if (feed != std::string_view::npos) break;
  }
  if (!anything) {
    if (error_.empty() || error_reported_) return Status::kEnd;
    error_reported_ = true;
    return Status::kBroken;
  }
  ++line_number_;
  if (line_number_ == 1 && line.starts_with("\xEF\xBB\xBF")) line.erase(0, 3);
  if (!too_long && line.ends_with('\r')) line.pop_back();
  return too_long ? Status::kTooLong : Status::kLine;
}

}  // namespace molgen3d
