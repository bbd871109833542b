#include "cli/interrupt.h"

#include <atomic>
#include <csignal>

namespace molgen3d {

namespace {

volatile std::sig_atomic_t interrupt_seen = 0;

std::atomic<void (*)()> last_words{nullptr};
static_assert(std::atomic<void (*)()>::is_always_lock_free, "read in a signal handler");

void on_second_interrupt(int signal) {
  if (void (*const speak)() = last_words.load()) speak();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

void on_interrupt(int signal) {
  interrupt_seen = 1;
  std::signal(signal, on_second_interrupt);
}

}  // namespace

void catch_interrupts() {
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
}

void set_last_words(void (*words)()) {
  last_words = words;
}

bool interrupted() {
  return interrupt_seen != 0;
}

}  // namespace molgen3d
