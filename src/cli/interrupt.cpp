#include "cli/interrupt.h"

#include <sys/time.h>
#include <unistd.h>

#include <atomic>
#include <csignal>

#include "cli/command.h"

namespace molgen3d {

namespace {

constexpr int kPatienceMs = 900;

volatile std::sig_atomic_t interrupt_seen = 0;
volatile std::sig_atomic_t again_ends = 1;

std::atomic<void (*)()> last_words{nullptr};
static_assert(std::atomic<void (*)()>::is_always_lock_free, "read in a signal handler");

void on_second_interrupt(int signal) {
  if (void (*const speak)() = last_words.load()) speak();
  std::signal(signal, SIG_DFL);
  std::raise(signal);
}

// Nobody has asked for the flag for a while: a hard molecule. Everything finished is in the
// journal.
void on_unheard(int) {
  if (void (*const speak)() = last_words.load()) speak();
  constexpr char kLine[] = "molgen3d: interrupted in the middle of a molecule\n";
  (void)!::write(STDERR_FILENO, kLine, sizeof kLine - 1);
  ::_exit(kExitInterrupted);
}

void set_patience(int milliseconds) {
  itimerval timer{};
  timer.it_value.tv_usec = 1000 * milliseconds;
  ::setitimer(ITIMER_REAL, &timer, nullptr);
}

void on_interrupt(int signal) {
  interrupt_seen = 1;
  std::signal(signal, again_ends != 0 ? on_second_interrupt : SIG_IGN);
  set_patience(kPatienceMs);
}

}  // namespace

void catch_interrupts(bool again) {
  again_ends = again ? 1 : 0;
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
  std::signal(SIGALRM, on_unheard);
}

void set_last_words(void (*words)()) {
  last_words = words;
}

bool interrupted() {
  if (interrupt_seen == 0) return false;
  set_patience(0);
  return true;
}

}  // namespace molgen3d
