#include "trace/store/input_stream.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <list>

#include "base/error.h"
#include "trace/store/inflater.h"

namespace molgen3d::trace {
namespace {

constexpr size_t kInputBuffer = 1 << 18;
constexpr size_t kBlocksKept = 4;

}  // namespace

struct InputStream::Impl {
  // A position in the compressed stream from which decoding can go on.
  struct Cursor {
    std::unique_ptr<Inflater> inflater;
    uint64_t file_pos = 0;  // next byte to read from the file
    std::vector<uint8_t> buffer;
    size_t used = 0;  // consumed bytes of `buffer`
    bool ended = false;
  };
  struct Snapshot {
    uint64_t offset = 0;
    uint64_t file_pos = 0;
    std::unique_ptr<Inflater> inflater;
  };
  struct Block {
    size_t snapshot = 0;
    std::string bytes;
  };

  std::string path;
  int fd = -1;
  InputNotes notes;
  uint64_t offset = 0;
  Cursor cursor;
  std::vector<Snapshot> snapshots;
  std::list<Block> blocks;

  ~Impl() {
    if (fd >= 0) ::close(fd);
  }

  size_t read_file(uint64_t at, void* out, size_t size) const {
    size_t done = 0;
    while (done < size) {
      const ssize_t n =
          ::pread(fd, static_cast<char*>(out) + done, size - done, static_cast<off_t>(at + done));
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) throw Error::format("{}: cannot read: {}", path, std::strerror(errno));
      if (n == 0) break;
      done += static_cast<size_t>(n);
    }
    return done;
  }

  // Decodes into out; fewer than `size` bytes only at the end of what can be decoded.
  size_t inflate(Cursor& c, char* out, size_t size, InputNotes& said) const {
    char* next = out;
    size_t room = size;
    bool member_just_started = false;
    while (room > 0 && !c.ended) {
      if (c.used == c.buffer.size()) {
        c.buffer.resize(kInputBuffer);
        const size_t n = read_file(c.file_pos, c.buffer.data(), kInputBuffer);
        c.buffer.resize(n);
        c.used = 0;
        c.file_pos += n;
      }
      const bool at_end = c.buffer.empty();
      const uint8_t* in = c.buffer.data() + c.used;
      size_t in_size = c.buffer.size() - c.used;
      const size_t room_before = room;
      const size_t in_before = in_size;
      const Inflater::Status status = c.inflater->run(in, in_size, next, room);
      c.used = c.buffer.size() - in_size;
      if (status == Inflater::Status::kCorrupt) {
        // Bytes after a complete member that are no member themselves: padding, as tar leaves it.
        (member_just_started && room == room_before ? said.trailing_garbage : said.corrupt) = true;
        c.ended = true;
      } else if (status == Inflater::Status::kMemberEnd) {
        ++said.members;
        if (!more_input(c)) {
          c.ended = true;
        } else if (!next_is_gzip(c)) {
          said.trailing_garbage = true;
          c.ended = true;
        } else {
          c.inflater->start_member();
          member_just_started = true;
        }
      } else if (at_end && room == room_before && in_size == in_before) {
        said.truncated = true;
        c.ended = true;
      }
    }
    return size - room;
  }

  bool more_input(Cursor& c) const {
    if (c.used < c.buffer.size()) return true;
    uint8_t byte = 0;
    return read_file(c.file_pos, &byte, 1) == 1;
  }

  bool next_is_gzip(const Cursor& c) const {
    uint8_t magic[2] = {0, 0};
    const uint64_t at = c.file_pos - (c.buffer.size() - c.used);
    return read_file(at, magic, 2) == 2 && magic[0] == 0x1F && magic[1] == 0x8B;
  }

  void take_snapshot() {
    if (!snapshots.empty() && offset < snapshots.back().offset + kSnapshotEvery) return;
    snapshots.push_back(
        {offset, cursor.file_pos - (cursor.buffer.size() - cursor.used), cursor.inflater->clone()});
  }

  const std::string& block(size_t index) {
    for (auto it = blocks.begin(); it != blocks.end(); ++it) {
      if (it->snapshot != index) continue;
      blocks.splice(blocks.begin(), blocks, it);
      return blocks.front().bytes;
    }
    const Snapshot& from = snapshots[index];
    const uint64_t end = index + 1 < snapshots.size() ? snapshots[index + 1].offset : offset;
    Cursor c;
    c.inflater = from.inflater->clone();
    c.file_pos = from.file_pos;
    if (blocks.size() >= kBlocksKept) blocks.pop_back();
    blocks.push_front({index, std::string(end - from.offset, '\0')});
    std::string& bytes = blocks.front().bytes;
    InputNotes ignored;
    bytes.resize(inflate(c, bytes.data(), bytes.size(), ignored));
    return bytes;
  }
};

InputStream::InputStream(const std::string& path) : impl_(std::make_unique<Impl>()) {
  Impl& m = *impl_;
  m.path = path;
  m.fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (m.fd < 0) throw Error::format("{}: cannot open: {}", path, std::strerror(errno));
  struct stat info {};
  if (::fstat(m.fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    throw Error::format("{}: not a regular file", path);
  }
  uint8_t magic[2] = {0, 0};
  m.notes.gzip = m.read_file(0, magic, 2) == 2 && magic[0] == 0x1F && magic[1] == 0x8B;
  if (m.notes.gzip) m.cursor.inflater = std::make_unique<Inflater>();
}

InputStream::~InputStream() = default;
InputStream::InputStream(InputStream&&) noexcept = default;
InputStream& InputStream::operator=(InputStream&&) noexcept = default;

size_t InputStream::read(char* buffer, size_t size) {
  Impl& m = *impl_;
  size_t n = 0;
  if (!m.notes.gzip) {
    n = m.read_file(m.offset, buffer, size);
  } else {
    m.take_snapshot();
    n = m.inflate(m.cursor, buffer, size, m.notes);
  }
  m.offset += n;
  return n;
}

uint64_t InputStream::offset() const {
  return impl_->offset;
}
const InputNotes& InputStream::notes() const {
  return impl_->notes;
}

FileStamp InputStream::stamp() const {
  struct stat info {};
  if (::fstat(impl_->fd, &info) != 0) return {};
  const auto ns = [](const timespec& t) { return int64_t{t.tv_sec} * 1000000000 + t.tv_nsec; };
  return {static_cast<uint64_t>(info.st_dev), static_cast<uint64_t>(info.st_ino),
          static_cast<uint64_t>(info.st_size), ns(info.st_mtim), ns(info.st_ctim)};
}

std::string InputStream::read_at(uint64_t offset, size_t size) {
  Impl& m = *impl_;
  std::string out;
  if (!m.notes.gzip) {
    out.resize(size);
    out.resize(m.read_file(offset, out.data(), size));
    return out;
  }
  while (size > 0 && offset < m.offset) {
    const auto after =
        std::upper_bound(m.snapshots.begin(), m.snapshots.end(), offset,
                         [](uint64_t value, const Impl::Snapshot& s) { return value < s.offset; });
    if (after == m.snapshots.begin()) break;
    const size_t index = static_cast<size_t>(after - m.snapshots.begin()) - 1;
    const std::string& bytes = m.block(index);
    const uint64_t skip = offset - m.snapshots[index].offset;
    if (skip >= bytes.size()) break;
    const size_t part = std::min<size_t>(size, bytes.size() - skip);
    out.append(bytes, skip, part);
    offset += part;
    size -= part;
  }
  return out;
}

}  // namespace molgen3d::trace
