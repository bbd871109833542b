#include <sys/mman.h>
#include <sys/stat.h>

#include <cerrno>
#include <cstring>

#include "trace/store/column_cache_file.h"

namespace molgen3d::trace::cache {
namespace {

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
bool get_number(std::string_view& in, uint64_t& number) {
  if (in.size() < sizeof number) return false;
  std::memcpy(&number, in.data(), sizeof number);
  in.remove_prefix(sizeof number);
  return true;
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

/// Whether the byte of a bool, or of an enumeration whose last value is `last`, is one of its
/// values.
template <typename T>
bool is_value(const T& stored, T last) {
  static_assert(sizeof(T) == 1);
  unsigned char byte = 0;
  std::memcpy(&byte, &stored, 1);  // not as a T: it may be none
  return byte <= static_cast<unsigned char>(last);
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
      !below(s.gpu_rows, rows, false) || !below(s.runtime_rows, rows, false)) {
    return false;
  }
  for (const SliceKind& kind : s.kind) {
    if (!is_value(kind, SliceKind::kUnclosed)) return false;
  }
  const auto place = [](uint32_t index, size_t size) { return index == kNoRow || index < size; };
  for (const Track& x : t.tracks) {
    if (!is_value(x.kind, TrackKind::kAsync) || !place(x.utid, t.threads.size()) ||
        !place(x.upid, t.processes.size()) || x.name >= strings || x.base >= t.tracks.size()) {
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
    if (!is_value(x.enclosing, true) || x.track >= t.tracks.size() || !place(x.row, rows) ||
        x.name >= strings || x.category >= strings) {
      return false;
    }
  }
  for (const NameStats& x : t.stats) {
    if (x.name >= strings) return false;
  }
  return true;
}

}  // namespace

std::optional<Source> identify(const std::string& path, uint64_t seed) {
  const File file(path.c_str(), O_RDONLY);
  struct stat info {};
  if (file.fd() < 0 || ::fstat(file.fd(), &info) != 0 || !S_ISREG(info.st_mode)) {
    return std::nullopt;
  }
  const HashKey key = HashKey::from_seed(seed);
  Source source;
  std::string buffer(size_t{1} << 20, '\0');
  for (size_t used = buffer.size(); used == buffer.size(); source.size += used) {
    used = 0;
    while (used < buffer.size()) {
      const ssize_t n = ::read(file.fd(), buffer.data() + used, buffer.size() - used);
      if (n < 0 && errno == EINTR) continue;
      if (n < 0) return std::nullopt;
      if (n == 0) break;
      used += static_cast<size_t>(n);
    }
    source.hash = mix64(source.hash ^ seeded_hash({buffer.data(), used}, key));
  }
  return source;
}

namespace {

// Version, sizes and checksum: are these the bytes that save() wrote?
bool is_whole(const Header& h, const char* base, size_t size) {
  if (std::memcmp(h.magic, kMagic, sizeof kMagic) != 0 || h.version != kVersion ||
      h.layout != kLayout || h.file_size != size) {
    return false;
  }
  Checksum sum(h);
  size_t at = sizeof(Header);
  for (size_t i = 0; i < kSections; ++i) {
    if (h.offset[i] % 64 != 0 || h.offset[i] < at || h.offset[i] > size ||
        h.bytes[i] > size - h.offset[i]) {
      return false;
    }
    for (; at < h.offset[i]; ++at) {
      if (base[at] != 0) return false;
    }
    sum.add(base + h.offset[i], h.bytes[i]);
    at = h.offset[i] + h.bytes[i];
  }
  for (; at < size; ++at) {
    if (base[at] != 0) return false;
  }
  return sum.value() == h.checksum;
}

}  // namespace

std::optional<Trace> load(const std::string& cache, const std::string& trace_path) {
  const File file(cache.c_str(), O_RDONLY);
  struct stat info {};
  if (file.fd() < 0 || ::fstat(file.fd(), &info) != 0 || !S_ISREG(info.st_mode) ||
      info.st_uid != ::geteuid() || info.st_size <= 0) {
    return std::nullopt;
  }
  const auto size = static_cast<size_t>(info.st_size);
  void* mapped = ::mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file.fd(), 0);
  if (mapped == MAP_FAILED) return std::nullopt;
  const std::shared_ptr<void> mapping(mapped, [size](void* p) { ::munmap(p, size); });
  return unpack(mapping, size, trace_path);
}

std::optional<Trace> unpack(const std::shared_ptr<void>& bytes, size_t size,
                            const std::string& trace_path) {
  const auto* base = static_cast<const char*>(bytes.get());
  Header h;
  if (size < sizeof h) return std::nullopt;
  std::memcpy(&h, base, sizeof h);
  if (!is_whole(h, base, size)) return std::nullopt;
  const std::optional<Source> source = identify(trace_path, h.seed);
  if (!source || !(*source == h.source)) return std::nullopt;
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
  t.file_bytes = source->size;
  t.json_bytes = h.json_bytes;
  t.rest_offset = h.rest_offset;
  t.rest_bytes = h.rest_bytes;
  t.events = h.events;
  t.overlaps = h.overlaps;
  t.phase_count = h.phase_count;
  t.input = {h.gzip != 0, h.members, h.truncated != 0, h.corrupt != 0, h.trailing_garbage != 0};
  t.bare_array = h.bare_array != 0;
  t.closed = h.closed != 0;
  t.from_cache = true;
  t.mapping = bytes;
  t.source = std::make_shared<InputStream>(trace_path);
  t.stamp = t.source->stamp();
  t.source_scanned = !t.input.gzip;
  return t;
}

}  // namespace molgen3d::trace::cache
