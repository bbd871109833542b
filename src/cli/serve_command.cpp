// molgen3d serve: HTTP around one model.
#include <fmt/format.h>

#include <atomic>
#include <csignal>
#include <cstdio>
#include <thread>

#include "base/error.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/messages.h"
#include "cli/run_options.h"
#include "server/server.h"

namespace molgen3d {

namespace {

struct ServeOptions {
  ServerSettings server;
  RunOptions run;
  std::string token_file;
  double drain_seconds = 60;
  bool quiet = false;
};

/// SIGINT and SIGTERM as values: blocked in every thread from here on, and waited for.
class Signals {
 public:
  Signals() {
    sigemptyset(&set_);
    sigaddset(&set_, SIGINT);
    sigaddset(&set_, SIGTERM);
    pthread_sigmask(SIG_BLOCK, &set_, nullptr);
  }

  /// True when one came within `seconds`.
  bool wait(double seconds) const {
    const auto whole = static_cast<time_t>(seconds);
    const timespec patience{whole, static_cast<long>((seconds - static_cast<double>(whole)) * 1e9)};
    return sigtimedwait(&set_, nullptr, &patience) > 0;
  }

 private:
  sigset_t set_{};
};

/// Drains at the first signal; stops at the second, or when the time for draining is over.
void obey(const Signals& signals, Server& server, const ServeOptions& options,
          const std::atomic<bool>& ended) {
  constexpr double kLook = 0.05;
  while (!ended && !signals.wait(kLook)) {
  }
  if (ended) return;
  if (!options.quiet)
    say("ending: accepted requests are finished; a second signal breaks them off");
  server.drain();
  for (double waited = 0; !ended; waited += kLook) {
    if (!signals.wait(kLook) && waited < options.drain_seconds) continue;
    if (!options.quiet && !ended) say("ending now: unfinished requests are broken off");
    server.stop();
    return;
  }
}

int run_serve(ServeOptions& options) {
  if (!options.token_file.empty()) options.server.token = read_token_file(options.token_file);
  const Signals signals;
  Server server(options.server);  // before minutes of loading: the port may be taken
  server.start(load_model(find_model(options.run.model_name())), options.run);
  if (!options.quiet) {
    for (const std::string& note : server.notes()) say(note);
    say(fmt::format("{} on {}; listening on {}", options.run.model_name(), server.description(),
                    server.url()));
  }
  std::atomic<bool> ended{false};
  std::thread watcher([&] { obey(signals, server, options, ended); });
  std::exception_ptr failure;
  try {
    server.run();
  } catch (...) {
    failure = std::current_exception();
  }
  ended = true;
  watcher.join();
  if (failure) std::rethrow_exception(failure);
  return kExitDone;
}

void add_limit_options(CLI::App& command, ServerLimits& limits) {
  command.add_option("--max-requests", limits.requests, "Requests accepted at once; beyond: 429")
      ->capture_default_str()
      ->check(CLI::Range(1U, 1000000U));
  command.add_option("--max-body", limits.body_bytes, "Bytes of a request's body")
      ->capture_default_str();
  command.add_option("--max-molecules", limits.molecules, "Molecules of a request")
      ->capture_default_str();
  command.add_option("--max-samples", limits.samples, "Samples of a molecule")
      ->capture_default_str()
      ->check(CLI::Range(1U, 1000000U));
  command.add_option("--max-atoms", limits.atoms, "Heavy atoms of a molecule")
      ->capture_default_str();
  command.add_option("--max-connections", limits.connections, "Connections; beyond: closed")
      ->capture_default_str();
  command.add_option("--max-seconds", limits.request_seconds, "Time for a request")
      ->capture_default_str();
  command
      .add_option("--max-idle", limits.idle_seconds,
                  "Seconds for a connection to send its next request")
      ->capture_default_str();
}

}  // namespace

void add_serve_command(CLI::App& app, int& exit_code) {
  auto options = std::make_shared<ServeOptions>();
  CLI::App* command = app.add_subcommand(
      "serve",
      "Serve one model over HTTP: a page to draw molecules on, /v1/conformers, /v1/completions.\n"
      "Example: molgen3d serve --port 8000");
  command
      ->add_option("--address", options->server.address,
                   "Where to listen; another than loopback needs --token-file")
      ->capture_default_str();
  command->add_option("--port", options->server.port, "0: any free one")->capture_default_str();
  command->add_option("--token-file", options->token_file,
                      "File whose first line every request for work must bring");
  command->add_option("--workers", options->server.workers,
                      "Threads that read molecules and write records [default: all cores]");
  command
      ->add_option("--drain-seconds", options->drain_seconds,
                   "After SIGTERM: time for accepted requests")
      ->capture_default_str();
  command->add_flag("-q,--quiet", options->quiet, "Only errors on standard error");
  add_limit_options(*command, options->server.limits);
  add_model_option(*command, options->run);
  add_device_options(*command, options->run);
  command->callback([options, &exit_code] { exit_code = run_serve(*options); });
}

}  // namespace molgen3d
