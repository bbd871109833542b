#include "trace/read/window_source.h"

#include <condition_variable>
#include <cstring>
#include <exception>
#include <mutex>
#include <thread>
#include <vector>

namespace molgen3d::trace {

namespace {
constexpr size_t kWindows = 8;
}

struct WindowSource::Impl {
  InputStream& input;
  size_t window_bytes;
  bool threaded;
  std::vector<Window> windows;
  IndexState state;
  bool ended = false;

  std::mutex mutex;
  std::condition_variable changed;
  uint64_t made = 0;   // windows filled so far
  uint64_t given = 0;  // handed to the caller; the newest of them is in use
  bool stop = false;
  std::exception_ptr error;
  std::thread thread;

  Impl(InputStream& in, size_t bytes, bool thr)
      : input(in),
        window_bytes((bytes + 63) / 64 * 64),
        threaded(thr),
        windows(thr ? kWindows : 2) {
    for (Window& w : windows) {
      w.buffer = std::make_unique<char[]>(kHeadRoom + window_bytes + 64);
      w.index.resize(kHeadRoom + window_bytes + 64);
    }
  }

  void fill(Window& w) {
    w.offset = input.offset();
    w.size = input.read(w.buffer.get() + kHeadRoom, window_bytes);
    w.last = w.size < window_bytes;
    std::memset(w.buffer.get() + kHeadRoom + w.size, 0, 64);
    w.before = state;
    w.index.suspicious.clear();
    index_structure(w.buffer.get(), kHeadRoom, kHeadRoom + w.size, state, w.index);
    w.after = state;
  }

  void work() {
    try {
      for (bool last = false; !last;) {
        {
          std::unique_lock lock(mutex);
          changed.wait(lock, [&] { return stop || made - given < windows.size() - 2; });
          if (stop) return;
        }
        Window& w = windows[made % windows.size()];
        fill(w);
        last = w.last;
        std::lock_guard lock(mutex);
        ++made;
        if (last) ended = true;
        changed.notify_all();
      }
    } catch (...) {
      std::lock_guard lock(mutex);
      error = std::current_exception();
      ended = true;
      changed.notify_all();
    }
  }
};

WindowSource::WindowSource(InputStream& input, size_t window_bytes, bool threaded)
    : impl_(std::make_unique<Impl>(input, window_bytes, threaded)) {
  if (threaded) {
    impl_->thread = std::thread([m = impl_.get()] { m->work(); });
  }
}

WindowSource::~WindowSource() {
  if (!impl_->threaded) return;
  {
    std::lock_guard lock(impl_->mutex);
    impl_->stop = true;
  }
  impl_->changed.notify_all();
  impl_->thread.join();
}

Window* WindowSource::next() {
  Impl& m = *impl_;
  if (!m.threaded) {
    if (m.ended) return nullptr;
    Window& w = m.windows[m.made++ % m.windows.size()];
    m.fill(w);
    m.ended = w.last;
    return &w;
  }
  std::unique_lock lock(m.mutex);
  m.changed.wait(lock, [&] { return m.made > m.given || m.ended; });
  if (m.made > m.given) {
    Window* w = &m.windows[m.given % m.windows.size()];
    ++m.given;
    m.changed.notify_all();
    return w;
  }
  if (m.error) std::rethrow_exception(m.error);
  return nullptr;
}

}  // namespace molgen3d::trace
