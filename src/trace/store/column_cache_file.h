// The file behind column_cache.h: what stands where.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <type_traits>

#include "base/seeded_hash.h"
#include "base/text_hash.h"
#include "trace/store/trace_data.h"

namespace molgen3d::trace::cache {

// Layout: Header, then the arrays in the order of for_each_array() and one section of texts, each
// at a multiple of 64, zeros between. The file is read on the machine that wrote it; another byte
// order or struct layout changes `layout`.
inline constexpr char kMagic[8] = {'M', '3', 'D', 'C', 'O', 'L', 'S', '\n'};
inline constexpr uint64_t kVersion = 3;
inline constexpr uint64_t kLayout =
    (uint64_t{sizeof(Track)} << 48) | (uint64_t{sizeof(Thread)} << 40) |
    (uint64_t{sizeof(Process)} << 32) | (uint64_t{sizeof(NameStats)} << 24) |
    (uint64_t{sizeof(FlowPoint)} << 16) | (uint64_t{sizeof(CounterSample)} << 8) |
    sizeof(SliceBytes);
inline constexpr size_t kSections = 23;

/// The content of the trace file that a cache was made of: all of it, hashed with the cache's seed.
struct Source {
  uint64_t size = 0;
  uint64_t hash = 0;
  bool operator==(const Source&) const = default;
};
/// Of the file at `path` as it is now; nothing when it cannot be read.
std::optional<Source> identify(const std::string& path, uint64_t seed);

struct Header {
  char magic[8];
  uint64_t version = kVersion;
  uint64_t layout = kLayout;
  uint64_t seed = 0;      ///< of both hashes, another one in every cache
  uint64_t checksum = 0;  ///< of the header (this field 0) and all sections
  Source source;
  uint64_t file_size = 0;
  uint64_t rows = 0;
  uint64_t json_bytes = 0;
  uint64_t rest_offset = 0;
  uint64_t rest_bytes = 0;
  uint64_t events = 0;
  uint64_t overlaps = 0;
  std::array<uint64_t, 256> phase_count{};
  int32_t members = 0;
  uint8_t gzip = 0, truncated = 0, corrupt = 0, trailing_garbage = 0;
  uint8_t bare_array = 0, closed = 0;
  uint8_t padding[6] = {};
  std::array<uint64_t, kSections> offset{};
  std::array<uint64_t, kSections> bytes{};
};
static_assert(std::has_unique_object_representations_v<Header>);  // its bytes are hashed

/// Running checksum: header, then section after section.
class Checksum {
 public:
  explicit Checksum(Header header) : key_(HashKey::from_seed(header.seed)) {
    header.checksum = 0;
    add(&header, sizeof header);
  }
  void add(const void* data, size_t size) {
    const std::string_view bytes(static_cast<const char*>(data), size);
    value_ = mix64(value_ ^ seeded_hash(bytes, key_));
  }
  uint64_t value() const { return value_; }

 private:
  HashKey key_;
  uint64_t value_ = 0;
};

class File {
 public:
  File(const char* path, int flags) : fd_(::open(path, flags | O_CLOEXEC | O_NONBLOCK, 0600)) {}
  ~File() {
    if (fd_ >= 0) ::close(fd_);
  }
  File(const File&) = delete;
  File& operator=(const File&) = delete;
  int fd() const { return fd_; }

 private:
  int fd_;
};

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
  visit(t.slices.runtime_rows);
  visit(t.counters);
  visit(t.flows);
  visit(t.tracks);
  visit(t.threads);
  visit(t.processes);
  visit(t.bytes);
  visit(t.counter_tracks);
  visit(t.stats);
}

/// The cache in file `cache`, if it belongs to this user, is whole, of this version and of the
/// content of `trace_path`. Nothing else that the file may hold leads outside the arrays.
std::optional<Trace> load(const std::string& cache, const std::string& trace_path);

/// What load() does with the bytes of a cache: `size` of them, mapped, at a multiple of 8.
std::optional<Trace> unpack(const std::shared_ptr<void>& bytes, size_t size,
                            const std::string& trace_path);

/// Writes `trace` to `cache` in one rename. False, with the cause, when that fails or when the
/// trace's file was written to since it was read.
bool save(const std::string& cache, const Trace& trace, std::string& problem);

}  // namespace molgen3d::trace::cache
