#include "trace/column_cache.h"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <filesystem>

namespace molgen3d::trace {
namespace {

// Layout: Header, then sections in the order of for_each_section(), each at a multiple of 64. The
// file is read on the machine that wrote it; another byte order or struct layout changes `layout`.
constexpr char kMagic[8] = {'M', '3', 'D', 'C', 'O', 'L', 'S', '\n'};
constexpr uint64_t kVersion = 1;
constexpr uint64_t kLayout = (uint64_t{sizeof(Track)} << 48) | (uint64_t{sizeof(Thread)} << 40) |
                             (uint64_t{sizeof(Process)} << 32) |
                             (uint64_t{sizeof(NameStats)} << 24) |
                             (uint64_t{sizeof(FlowPoint)} << 16) |
                             (uint64_t{sizeof(CounterSample)} << 8) | sizeof(SliceBytes);
constexpr size_t kSections = 24;
constexpr size_t kProbe = 64 << 10;

struct Source {
  uint64_t size = 0;
  int64_t mtime_ns = 0;
  uint64_t hash = 0;
  bool operator==(const Source&) const = default;
};

struct Header {
  char magic[8];
  uint64_t version = kVersion;
  uint64_t layout = kLayout;
  Source source;
  uint64_t file_size = 0;
  uint64_t rows = 0;
  uint64_t json_bytes = 0;
  uint64_t events = 0;
  uint64_t overlaps = 0;
  std::array<uint64_t, 256> phase_count{};
  int32_t members = 0;
  uint8_t gzip = 0, truncated = 0, corrupt = 0, trailing_garbage = 0;
  uint8_t bare_array = 0, closed = 0;
  uint8_t padding[2] = {0, 0};
  std::array<uint64_t, kSections> offset{};
  std::array<uint64_t, kSections> bytes{};
};

class File {
 public:
  File(const char* path, int flags) : fd_(::open(path, flags | O_CLOEXEC, 0666)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

std::optional<Source> identify(const std::string& path) {
  const File file(path.c_str(), O_RDONLY);
  struct stat info {};
  if (file.fd() < 0 || ::fstat(file.fd(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return std::nullopt;
  }
  Source s;
  s.size = static_cast<uint64_t>(info.st_size);
  s.mtime_ns = int64_t{info.st_mtim.tv_sec} * 1000000000 + info.st_mtim.tv_nsec;
  std::string probe(2 * kProbe, '\0');
  const off_t tail = std::max<off_t>(0, info.st_size - static_cast<off_t>(kProbe));
  if (::pread(file.fd(), probe.data(), kProbe, 0) < 0) return std::nullopt;
  if (::pread(file.fd(), probe.data() + kProbe, kProbe, tail) < 0) return std::nullopt;
  s.hash = StringPool::hash_bytes(probe);
  return s;
}

// Texts as one block: length, bytes, length, bytes, ...
void put_text(std::string& out, std::string_view text) {
  const uint64_t size = text.size();
  out.append(reinterpret_cast<const char*>(&size), sizeof size);
  out += text;
}
bool get_text(std::string_view& in, std::string_view& text) {
  uint64_t size = 0;
  if (in.size() < sizeof size) return false;
  std::memcpy(&size, in.data(), sizeof size);
  in.remove_prefix(sizeof size);
  if (in.size() < size) return false;
  text = in.substr(0, size);
  in.remove_prefix(size);
  return true;
}
void put_number(std::string& out, uint64_t number) {
  out.append(reinterpret_cast<const char*>(&number), sizeof number);
}
bool get_number(std::string_view& in, uint64_t& number) {
  if (in.size() < sizeof number) return false;
  std::memcpy(&number, in.data(), sizeof number);
  in.remove_prefix(sizeof number);
  return true;
}

// Calls visit(column or vector) for everything that is an array of plain values.
template <typename AnyTrace, typename Visit>
void for_each_array(AnyTrace& t, const Visit& visit) {
  visit(t.slices.ts);
  visit(t.slices.dur);
  visit(t.slices.name);
  visit(t.slices.category);
  visit(t.slices.track);
  visit(t.slices.parent);
  visit(t.slices.depth);
  visit(t.slices.correlation);
  visit(t.slices.args);
  visit(t.slices.kind);
  visit(t.slices.by_time);
  visit(t.slices.by_correlation);
  visit(t.slices.gpu_rows);
  visit(t.counters);
  visit(t.flows);
  visit(t.tracks);
  visit(t.threads);
  visit(t.processes);
  visit(t.bytes);
  visit(t.counter_tracks);
  visit(t.stats);
}

std::string texts_of(const Trace& t) {
  std::string out;
  put_number(out, t.strings.size());
  for (StringId id = 1; id < t.strings.size(); ++id) put_text(out, t.strings.view(id));
  put_number(out, t.metadata.size());
  for (const auto& [key, value] : t.metadata) {
    put_text(out, key);
    put_text(out, value);
  }
  put_number(out, t.issue_counts.size());
  for (const auto& [what, count] : t.issue_counts) {
    put_text(out, what);
    put_number(out, count);
  }
  put_number(out, t.issues.size());
  for (const Issue& i : t.issues) {
    put_number(out, i.offset);
    put_text(out, i.what);
    put_text(out, i.excerpt);
  }
  return out;
}

bool read_texts(std::string_view in, Trace& t) {
  uint64_t count = 0;
  std::string_view text;
  std::string_view second;
  if (!get_number(in, count)) return false;
  for (uint64_t id = 1; id < count; ++id) {
    // The same id as before, or the cache is not what it says.
    if (!get_text(in, text) || t.strings.intern(text) != id) return false;
  }
  if (!get_number(in, count)) return false;
  for (uint64_t i = 0; i < count; ++i) {
    if (!get_text(in, text) || !get_text(in, second)) return false;
    t.metadata.emplace_back(text, second);
  }
  if (!get_number(in, count)) return false;
  for (uint64_t i = 0; i < count; ++i) {
    uint64_t number = 0;
    if (!get_text(in, text) || !get_number(in, number)) return false;
    t.issue_counts[std::string(text)] = number;
  }
  if (!get_number(in, count)) return false;
  for (uint64_t i = 0; i < count; ++i) {
    Issue issue;
    if (!get_number(in, issue.offset) || !get_text(in, text) || !get_text(in, second)) return false;
    issue.what = text;
    issue.excerpt = second;
    t.issues.push_back(std::move(issue));
  }
  return in.empty();
}

template <typename T>
bool below(const Column<T>& column, uint64_t limit, bool none_allowed) {
  uint64_t worst = 0;
  for (const T value : column) {
    const uint64_t v = none_allowed && value == kNoRow ? 0 : uint64_t{value};
    worst = v > worst ? v : worst;
  }
  return column.empty() || worst < limit || (none_allowed && limit == 0 && worst == 0);
}

// A damaged or foreign cache must not lead outside the arrays.
bool indices_fit(const Trace& t, uint64_t rows) {
  const SliceColumns& s = t.slices;
  const uint64_t strings = t.strings.size();
  for (const size_t n : {s.ts.size(), s.dur.size(), s.name.size(), s.category.size(),
                         s.track.size(), s.parent.size(), s.depth.size(), s.correlation.size(),
                         s.args.size(), s.kind.size(), s.by_time.size()}) {
    if (n != rows) return false;
  }
  if (!below(s.name, strings, false) || !below(s.category, strings, false) ||
      !below(s.track, t.tracks.size(), false) || !below(s.parent, rows, true) ||
      !below(s.by_time, rows, false) || !below(s.by_correlation, rows, false) ||
      !below(s.gpu_rows, rows, false)) {
    return false;
  }
  const auto place = [](uint32_t index, size_t size) { return index == kNoRow || index < size; };
  for (const Track& x : t.tracks) {
    if (!place(x.utid, t.threads.size()) || !place(x.upid, t.processes.size()) ||
        x.name >= strings || x.base >= t.tracks.size()) {
      return false;
    }
    if (x.kind == TrackKind::kThread && (x.utid == kNoRow || x.upid == kNoRow)) return false;
  }
  for (const Thread& x : t.threads) {
    if (x.upid >= t.processes.size() || x.name >= strings || x.tid.text >= strings) return false;
  }
  for (const Process& x : t.processes) {
    if (x.name >= strings || x.labels >= strings || x.pid.text >= strings) return false;
  }
  for (const SliceBytes& x : t.bytes) {
    if (x.row >= rows) return false;
  }
  for (const CounterTrack& x : t.counter_tracks) {
    if (x.name >= strings || !place(x.upid, t.processes.size())) return false;
  }
  for (const CounterSample& x : t.counters) {
    if (x.track >= t.counter_tracks.size()) return false;
  }
  for (const FlowPoint& x : t.flows) {
    if (x.track >= t.tracks.size() || !place(x.row, rows) || x.name >= strings ||
        x.category >= strings) {
      return false;
    }
  }
  for (const NameStats& x : t.stats) {
    if (x.name >= strings) return false;
  }
  return true;
}

std::optional<Trace> load_from(const std::string& cache, const std::string& trace_path,
                               const Source& source) {
  const File file(cache.c_str(), O_RDONLY);
  struct stat info {};
  if (file.fd() < 0 || ::fstat(file.fd(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return std::nullopt;
  }
  const auto size = static_cast<size_t>(info.st_size);
  if (size < sizeof(Header)) return std::nullopt;
  void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd(), 0);
  if (mapped == MAP_FAILED) return std::nullopt;
  const std::shared_ptr<void> mapping(mapped, [size](void* p) { ::munmap(p, size); });
  const auto* base = static_cast<const char*>(mapped);
  Header h;
  std::memcpy(&h, base, sizeof h);
  if (std::memcmp(h.magic, kMagic, sizeof kMagic) != 0 || h.version != kVersion ||
      h.layout != kLayout || !(h.source == source) || h.file_size != size) {
    return std::nullopt;
  }
  for (size_t i = 0; i < kSections; ++i) {
    if (h.offset[i] % 64 != 0 || h.offset[i] > size || h.bytes[i] > size - h.offset[i]) {
      return std::nullopt;
    }
  }
  Trace t;
  size_t section = 0;
  bool whole = true;
  for_each_array(t, [&](auto& array) {
    using Value = std::remove_cvref_t<decltype(*array.begin())>;
    const size_t count = h.bytes[section] / sizeof(Value);
    whole &= count * sizeof(Value) == h.bytes[section];
    const auto* data = reinterpret_cast<const Value*>(base + h.offset[section]);
    if constexpr (requires { array.view(data, count); }) {
      array.view(data, count);
    } else {
      array.assign(data, data + count);
    }
    ++section;
  });
  if (!whole || !read_texts({base + h.offset[section], h.bytes[section]}, t) ||
      !indices_fit(t, h.rows)) {
    return std::nullopt;
  }
  t.path = trace_path;
  t.file_bytes = source.size;
  t.json_bytes = h.json_bytes;
  t.events = h.events;
  t.overlaps = h.overlaps;
  t.phase_count = h.phase_count;
  t.input = {h.gzip != 0, h.members, h.truncated != 0, h.corrupt != 0, h.trailing_garbage != 0};
  t.bare_array = h.bare_array != 0;
  t.closed = h.closed != 0;
  t.from_cache = true;
  t.mapping = mapping;
  t.source = std::make_shared<InputStream>(trace_path);
  t.source_scanned = !t.input.gzip;
  return t;
}

bool write_all(int fd, const void* data, size_t size) {
  const char* p = static_cast<const char*>(data);
  while (size > 0) {
    const ssize_t n = ::write(fd, p, std::min<size_t>(size, 1 << 30));
    if (n < 0 && errno == EINTR) continue;
    if (n <= 0) return false;
    p += n;
    size -= static_cast<size_t>(n);
  }
  return true;
}

bool save_to(const std::string& cache, const Trace& t, const Source& source, std::string& problem) {
  const std::string temporary = fmt::format("{}.tmp.{}", cache, getpid());
  const File file(temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL);
  if (file.fd() < 0) {
    problem = fmt::format("{}: {}", cache, std::strerror(errno));
    return false;
  }
  const std::string texts = texts_of(t);
  Header h;
  std::memcpy(h.magic, kMagic, sizeof kMagic);
  h.source = source;
  h.rows = t.slices.size();
  h.json_bytes = t.json_bytes;
  h.events = t.events;
  h.overlaps = t.overlaps;
  h.phase_count = t.phase_count;
  h.members = t.input.members;
  h.gzip = t.input.gzip;
  h.truncated = t.input.truncated;
  h.corrupt = t.input.corrupt;
  h.trailing_garbage = t.input.trailing_garbage;
  h.bare_array = t.bare_array;
  h.closed = t.closed;
  std::vector<std::pair<const void*, size_t>> sections;
  for_each_array(t, [&](const auto& array) {
    using Value = std::remove_cvref_t<decltype(*array.begin())>;
    sections.emplace_back(array.data(), array.size() * sizeof(Value));
  });
  sections.emplace_back(texts.data(), texts.size());
  uint64_t at = (sizeof(Header) + 63) / 64 * 64;
  for (size_t i = 0; i < sections.size(); ++i) {
    h.offset[i] = at;
    h.bytes[i] = sections[i].second;
    at += (sections[i].second + 63) / 64 * 64;
  }
  h.file_size = at;
  const char zeros[64] = {};
  bool good = write_all(file.fd(), &h, sizeof h) &&
              write_all(file.fd(), zeros, (64 - sizeof(Header) % 64) % 64);
  for (size_t i = 0; good && i < sections.size(); ++i) {
    good = write_all(file.fd(), sections[i].first, sections[i].second) &&
           write_all(file.fd(), zeros, (64 - sections[i].second % 64) % 64);
  }
  if (!good || ::rename(temporary.c_str(), cache.c_str()) != 0) {
    problem = fmt::format("{}: {}", cache, std::strerror(errno));
    ::unlink(temporary.c_str());
    return false;
  }
  return true;
}

}  // namespace

std::string cache_path_beside(const std::string& trace_path) {
  return trace_path + ".cols";
}

std::string cache_path_for_user(const std::string& trace_path) {
  namespace fs = std::filesystem;
  const char* xdg = std::getenv("XDG_CACHE_HOME");
  const char* home = std::getenv("HOME");
  fs::path directory;
  if (xdg != nullptr && *xdg != '\0') {
    directory = xdg;
  } else if (home != nullptr && *home != '\0') {
    directory = fs::path(home) / ".cache";
  } else {
    return "";
  }
  std::error_code error;
  const std::string absolute = fs::absolute(trace_path, error).string();
  return (directory / "molgen3d" / fmt::format("{:016x}.cols", StringPool::hash_bytes(absolute)))
      .string();
}

std::optional<Trace> load_column_cache(const std::string& trace_path) {
  const std::optional<Source> source = identify(trace_path);
  if (!source) return std::nullopt;
  for (const std::string& cache :
       {cache_path_beside(trace_path), cache_path_for_user(trace_path)}) {
    if (cache.empty()) continue;
    if (std::optional<Trace> trace = load_from(cache, trace_path, *source)) return trace;
  }
  return std::nullopt;
}

std::string save_column_cache(const Trace& trace, std::string& problem) {
  if (trace.stopped_by_limit || trace.from_cache) return "";
  const std::optional<Source> source = identify(trace.path);
  if (!source || source->size != trace.file_bytes) {
    problem = trace.path + ": changed while it was read";
    return "";
  }
  const std::string beside = cache_path_beside(trace.path);
  if (save_to(beside, trace, *source, problem)) return beside;
  const std::string mine = cache_path_for_user(trace.path);
  if (mine.empty()) return "";
  std::error_code error;
  std::filesystem::create_directories(std::filesystem::path(mine).parent_path(), error);
  if (save_to(mine, trace, *source, problem)) return mine;
  return "";
}

}  // namespace molgen3d::trace
