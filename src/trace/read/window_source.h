// The text of a trace in windows, each with its structural index, made one step ahead of the
// reader.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>

#include "trace/read/structural_index.h"
#include "trace/store/input_stream.h"

namespace molgen3d::trace {

/// Room in front of a window's data for the unfinished event of the window before.
inline constexpr size_t kHeadRoom = 1 << 16;

struct Window {
  std::unique_ptr<char[]> buffer;  ///< kHeadRoom bytes, then the data, then 64 zero bytes
  size_t size = 0;                 ///< bytes of data
  uint64_t offset = 0;             ///< of data[0] in the text
  bool last = false;
  IndexState before;      ///< what `index` assumed at the start of the data
  IndexState after;       ///< and where it ended
  StructuralIndex index;  ///< in buffer coordinates; valid for the data only
};

/// Reads, inflates and indexes windows; with `threaded` on a thread of its own, which works at most
/// a few windows ahead, so memory does not grow with the file.
class WindowSource {
 public:
  WindowSource(InputStream& input, size_t window_bytes, bool threaded);
  ~WindowSource();
  WindowSource(const WindowSource&) = delete;
  WindowSource& operator=(const WindowSource&) = delete;

  /// The next window, null after the last. Rethrows what the reading thread met. A window
  /// stays valid until the call after the next, so that its end can be carried over.
  Window* next();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace molgen3d::trace
