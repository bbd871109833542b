// A trace in memory: columns, dictionaries and what the reader noticed. Filled by read_trace().
#pragma once

#include <array>
#include <cstdint>
#include <limits>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "trace/store/column.h"
#include "trace/store/input_stream.h"
#include "trace/store/string_pool.h"

namespace molgen3d::trace {

inline constexpr uint32_t kNoRow = UINT32_MAX;
inline constexpr int64_t kNoCorrelation = std::numeric_limits<int64_t>::min();
inline constexpr int64_t kOpen = -1;  ///< dur of a slice that was never closed

/// Where a slice came from.
enum class SliceKind : uint8_t { kComplete, kBeginEnd, kInstant, kAsync, kUnclosed };

/// Place of an event's args text in the decompressed file: offset in the high 36 bits (64 GB), then
/// 28 bits of length. 0 = no args.
using ArgsRef = uint64_t;
constexpr ArgsRef make_args_ref(uint64_t offset, uint64_t length) {
  return offset < (uint64_t{1} << 36) && length < (uint64_t{1} << 28) ? (offset << 28) | length : 0;
}
constexpr uint64_t args_offset(ArgsRef ref) {
  return ref >> 28;
}
constexpr uint64_t args_length(ArgsRef ref) {
  return ref & ((uint64_t{1} << 28) - 1);
}

/// One row per slice, in file order; slices made of two events follow, in the order of their
/// begins.
struct SliceColumns {
  Column<int64_t> ts;           ///< ns
  Column<int64_t> dur;          ///< ns, 0 for instants, kOpen
  Column<StringId> name;        ///<
  Column<StringId> category;    ///<
  Column<uint32_t> track;       ///< index into Trace::tracks
  Column<uint32_t> parent;      ///< row or kNoRow
  Column<uint16_t> depth;       ///<
  Column<int64_t> correlation;  ///< args.correlation or kNoCorrelation
  Column<ArgsRef> args;         ///<
  Column<SliceKind> kind;       ///<
  Column<uint32_t> by_time;     ///< permutation: (ts, longer first, file order)

  Column<uint32_t> by_correlation;  ///< rows that have one: (correlation, row)
  Column<uint32_t> gpu_rows;        ///< kernels, copies, fills in time order
  Column<uint32_t> runtime_rows;    ///< calls of the CUDA runtime or driver, in the order of rows

  size_t size() const { return ts.size(); }
  /// Part of by_correlation with this correlation.
  std::pair<const uint32_t*, const uint32_t*> with_correlation(int64_t value) const;
  /// End of a row; an open slice never ends.
  int64_t end(size_t row) const {
    return dur[row] == kOpen ? std::numeric_limits<int64_t>::max() : ts[row] + dur[row];
  }
};

enum class TrackKind : uint8_t { kThread, kProcess, kGlobal, kAsync };

/// One row of the picture. Overlaps move to further lanes of the same place.
struct Track {
  TrackKind kind = TrackKind::kThread;
  uint32_t utid = kNoRow;  ///< kThread
  uint32_t upid = kNoRow;  ///< kThread, kProcess, kAsync
  StringId name = 0;       ///< kAsync
  uint32_t lane = 0;       ///< 0: everything that nests
  uint32_t base = 0;       ///< the lane-0 track of the same place
};

/// The pid or tid of an event: a number, or a text ("Spans", "GPU 0") as a string id.
struct OsId {
  int64_t number = 0;
  StringId text = 0;
  bool operator==(const OsId&) const = default;
  auto operator<=>(const OsId&) const = default;
};

struct Process {
  OsId pid;
  StringId name = 0;
  StringId labels = 0;
  int64_t sort_index = 0;
};
struct Thread {
  OsId tid;
  uint32_t upid = 0;
  StringId name = 0;
  int64_t sort_index = 0;
};

struct CounterTrack {
  StringId name = 0;
  uint32_t upid = kNoRow;
};
struct CounterSample {
  int64_t ts = 0;
  double value = 0;
  uint32_t track = 0;
};

/// An arrow end as it stands in the file. Bound to slices on demand (flows.h).
struct FlowPoint {
  int64_t ts = 0;
  uint64_t id = 0;  ///< the number, or a text's string id with the top bit set
  StringId name = 0;
  StringId category = 0;
  uint32_t track = 0;      ///< lane-0 track of the thread
  uint32_t row = kNoRow;   ///< version 2: the slice that carries bind_id
  char phase = 0;          ///< s t f, or v2: 'o' out, 'i' in
  bool enclosing = false;  ///< "bp":"e"
};

/// bytes of a copy or fill, apart because few slices have them.
struct SliceBytes {
  uint32_t row = 0;
  int64_t bytes = 0;
};

/// An event or a stretch of the file that could not be used.
struct Issue {
  uint64_t offset = 0;  ///< in the decompressed text
  std::string what;
  std::string excerpt;  ///< the text there, shortened, escaped
};

/// Totals per name over the whole trace, made once when the file is read.
struct NameStats {
  StringId name = 0;
  int64_t count = 0;
  int64_t total = 0;  ///< ns; like all times here without open slices
  int64_t self = 0;   ///< ns without direct children
  int64_t min = 0;
  int64_t max = 0;
  int64_t median = 0;  ///< lower of the two middle ones for even counts
  double sum_squares = 0;
};

struct Trace {
  std::string path;
  FileStamp stamp;  ///< of the file before the first byte was read
  uint64_t file_bytes = 0;
  uint64_t json_bytes = 0;
  InputNotes input;
  bool bare_array = false;
  bool closed = true;        ///< the array and the object around it end properly
  uint64_t rest_offset = 0;  ///< where text stands behind the end of the document, and how much
  uint64_t rest_bytes = 0;   ///< of it was ignored; blanks around it do not count
  bool stopped_by_limit = false;
  bool from_cache = false;

  StringPool strings;
  SliceColumns slices;
  std::vector<Track> tracks;
  std::vector<Thread> threads;
  std::vector<Process> processes;
  std::vector<SliceBytes> bytes;  ///< ascending row
  std::vector<CounterTrack> counter_tracks;
  Column<CounterSample> counters;
  Column<FlowPoint> flows;
  /// Top-level keys but traceEvents: name and JSON text (values over 64 KB are left out).
  std::vector<std::pair<std::string, std::string>> metadata;

  uint64_t events = 0;                      ///< JSON objects in traceEvents
  std::array<uint64_t, 256> phase_count{};  ///< by "ph"
  uint64_t overlaps = 0;                    ///< slices of threads and streams moved to another lane
  std::map<std::string, uint64_t> issue_counts;  ///< by kind
  std::vector<Issue> issues;                     ///< the first ones

  std::vector<NameStats> stats;  ///< most total time first

  /// Source of args; null when the trace came from nothing on disk.
  mutable std::shared_ptr<InputStream> source;
  mutable bool source_scanned = false;  ///< `source` can jump (plain file, or read once)

  std::shared_ptr<void> mapping;  ///< the cache file that columns may point into

  int64_t min_ts() const { return slices.size() ? slices.ts[slices.by_time[0]] : 0; }
  /// Name of a process or thread for people: its name, else its number or text.
  std::string process_label(uint32_t upid) const;
  std::string thread_label(uint32_t utid) const;
  std::string track_label(uint32_t track) const;
};

}  // namespace molgen3d::trace
