#include "files/journal.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "files/content_hash.h"
#include "files/file_lock.h"

namespace molgen3d {

namespace {

using Json = nlohmann::ordered_json;

constexpr std::chrono::seconds kSyncInterval{1};
constexpr int kVersion = 2;  // 1 had no checksums
constexpr std::string_view kBeginning = R"({"journal":"molgen3d","version":)";
constexpr std::string_view kCheckMember = R"(,"check":")";
constexpr size_t kCheckSize = kCheckMember.size() + 16 + 2;

/// The JSON object `line` with its checksum as last member.
std::string with_check(const std::string& line, uint64_t seed) {
  return line.substr(0, line.size() - 1) + std::string(kCheckMember) +
         hash_text(content_hash(line, seed)) + "\"}";
}

/// The other way; false when the checksum is missing or another.
bool checked(const std::string& text, uint64_t seed, std::string& line) {
  if (text.size() <= kCheckSize) return false;
  line = text.substr(0, text.size() - kCheckSize) + "}";
  return text == with_check(line, seed);
}

std::string header_line(const RunIdentity& identity) {
  Json header = {{"journal", "molgen3d"}, {"version", kVersion}, {"settings", Json::object()}};
  for (const auto& [name, value] : identity) header["settings"][name] = value;
  return header.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// What is left of a header whose writing was cut off: nothing, its beginning, or the zeros that
/// some file systems leave after a power failure.
bool is_torn_header(std::string_view text) {
  const size_t common = std::min(text.size(), kBeginning.size());
  return text.find('\n') == std::string_view::npos &&
         (text.substr(0, common) == kBeginning.substr(0, common) ||
          text.find_first_not_of('\0') == std::string_view::npos);
}

RunIdentity identity_of_header(const std::string& text, const std::string& place) {
  constexpr const char* kHint = "; --overwrite forgets it and starts anew";
  const Json header = Json::parse(text, nullptr, false);
  if (!header.is_object() || header.value("journal", Json()) != "molgen3d")
    throw Error::format("{}: not a molgen3d journal{}", place, kHint);
  if (const Json version = header.value("version", Json()); version != kVersion) {
    throw Error::format("{}: a journal of version {}, this program writes version {}{}", place,
                        version.dump(), kVersion, kHint);
  }
  std::string line;
  const Json settings = header.value("settings", Json());
  if (!checked(text, 0, line) || !settings.is_object())
    throw Error::format("{}: the journal's header is damaged{}", place, kHint);
  RunIdentity identity;
  for (const auto& [name, value] : settings.items())
    identity.emplace_back(name, value.is_string() ? value.get<std::string>() : value.dump());
  return identity;
}

std::string read_all(int descriptor, const std::filesystem::path& path) {
  std::string text;
  char buffer[1 << 16];
  for (;;) {
    const ssize_t count =
        ::pread(descriptor, buffer, sizeof buffer, static_cast<off_t>(text.size()));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) throw Error::format("{}: cannot read: {}", path.string(), std::strerror(errno));
    if (count == 0) return text;
    text.append(buffer, static_cast<size_t>(count));
  }
}

}  // namespace

void require_same_identity(const RunIdentity& was, const RunIdentity& is,
                           const std::string& place) {
  const auto value_in = [](const RunIdentity& list, const std::string& name) {
    for (const auto& [key, value] : list) {
      if (key == name) return value;
    }
    return std::string("(absent)");
  };
  const auto compare = [&](const std::string& name) {
    const std::string before = value_in(was, name);
    const std::string now = value_in(is, name);
    if (before == now) return;
    throw Error::format("{}: cannot resume: {} was {}, now {}", place, name, in_quotes(before),
                        in_quotes(now));
  };
  for (const auto& [name, value] : is) compare(name);
  for (const auto& [name, value] : was) compare(name);
}

Journal::Journal(std::filesystem::path path, int descriptor)
    : path_(std::move(path)),
      descriptor_(descriptor),
      last_sync_(std::chrono::steady_clock::now()) {}

Journal::Journal(Journal&& other) noexcept
    : path_(std::move(other.path_)),
      descriptor_(std::exchange(other.descriptor_, -1)),
      size_(other.size_),
      seed_(other.seed_),
      has_lines_(other.has_lines_),
      lines_(std::move(other.lines_)),
      damaged_(other.damaged_),
      last_sync_(other.last_sync_) {}

Journal::~Journal() {
  if (descriptor_ < 0) return;
  if (!has_lines_) unlink_own();
  ::fsync(descriptor_);
  ::close(descriptor_);
}

Journal Journal::open(const std::filesystem::path& path, Start start, const RunIdentity& identity) {
  Journal journal(path, open_locked(path, O_RDWR | O_APPEND));
  // Until it is known to be ours it is not removed.
  journal.has_lines_ = true;
  const std::string text = read_all(journal.descriptor_, path);
  if (start == Start::kOverwrite || is_torn_header(text)) {
    journal.begin(identity);
    return journal;
  }
  const size_t end = text.find('\n');
  const std::string header = text.substr(0, end);
  const RunIdentity found = identity_of_header(header, path.string());
  const bool any_work = end != std::string::npos && text.find('\n', end + 1) != std::string::npos;
  if (!any_work) {
    journal.begin(identity);
    return journal;
  }
  if (start == Start::kNew) {
    throw Error::format(
        "{}: an unfinished run left this journal; add --resume to complete it, or --overwrite to "
        "start anew",
        path.string());
  }
  require_same_identity(found, identity, path.string());
  journal.seed_ = content_hash(header);
  journal.take(text);
  return journal;
}

void Journal::begin(const RunIdentity& identity) {
  if (::ftruncate(descriptor_, 0) != 0)
    throw Error::format("{}: cannot write: {}", path_.string(), std::strerror(errno));
  size_ = 0;
  has_lines_ = false;
  const std::string header = with_check(header_line(identity), 0);
  seed_ = content_hash(header);
  write(header + "\n");
  sync();
}

// A line without its newline was being written when the run died: its work is done again.
void Journal::take(const std::string& text) {
  size_t begin = text.find('\n') + 1;
  for (size_t end; (end = text.find('\n', begin)) != std::string::npos; begin = end + 1) {
    std::string line;
    if (checked(text.substr(begin, end - begin), seed_, line)) {
      lines_.push_back(std::move(line));
    } else {
      ++damaged_;
    }
  }
  size_ = begin;
  if (::ftruncate(descriptor_, static_cast<off_t>(size_)) != 0) {
    throw Error::format("{}: cannot cut the torn last line: {}", path_.string(),
                        std::strerror(errno));
  }
}

void Journal::write(const std::string& text) {
  size_t done = 0;
  while (done < text.size()) {
    const ssize_t n = ::write(descriptor_, text.data() + done, text.size() - done);
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      const int cause = errno;
      // The beginning of a line would spoil the next one.
      (void)!::ftruncate(descriptor_, static_cast<off_t>(size_));
      throw Error::format("{}: cannot write: {}", path_.string(), std::strerror(cause));
    }
    done += static_cast<size_t>(n);
  }
  size_ += text.size();
}

void Journal::append(const std::string& line) {
  write(with_check(line, seed_) + "\n");
  has_lines_ = true;
  if (std::chrono::steady_clock::now() - last_sync_ >= kSyncInterval) sync();
}

void Journal::sync() {
  if (!sync_to_disk(descriptor_))
    throw Error::format("{}: cannot sync: {}", path_.string(), std::strerror(errno));
  last_sync_ = std::chrono::steady_clock::now();
}

void Journal::unlink_own() const {
  if (names_file(path_, descriptor_)) ::unlink(path_.c_str());
}

void Journal::remove() {
  unlink_own();
  ::close(descriptor_);
  descriptor_ = -1;
}

}  // namespace molgen3d
