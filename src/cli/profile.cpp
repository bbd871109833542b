#include "cli/profile.h"

#include <fmt/format.h>
#include <CLI/CLI.hpp>

#include <algorithm>

#include "base/cpu_time.h"
#include "cli/interrupt.h"

namespace molgen3d {

namespace {

/// What a span costs the thread that records it (bench/trace/README.md).
constexpr double kSpanSeconds = 60e-9;

// The one that a second interrupt closes.
TraceRecorder* open_recorder = nullptr;

KernelDetail kernel_detail(const std::string& name) {
  return name == "none"   ? KernelDetail::kNone
         : name == "node" ? KernelDetail::kNode
                          : KernelDetail::kGraph;
}

}  // namespace

void add_profile_options(CLI::App& command, ProfileOptions& options, bool with_path) {
  if (with_path) {
    command.add_option("--profile", options.path,
                       "Record where the time goes in this Chrome trace, .gz to compress");
  }
  command
      .add_option("--profile-kernels", options.kernels,
                  "Device work in the profile: none, graph (one span a graph launch), or node "
                  "(every kernel in it; slower)")
      ->capture_default_str()
      ->check(CLI::IsMember({"none", "graph", "node"}));
}

Profile::Profile(const ProfileOptions& options, const std::string& device, Metadata metadata)
    : path_(options.path) {
  if (path_.empty()) return;
  metadata.insert(metadata.begin(), {"molgen3d version", MOLGEN3D_VERSION});
  recorder_ = std::make_unique<TraceRecorder>(
      TraceRecorderOptions{.path = path_, .metadata = std::move(metadata)});
  cpu_before_ = cpu_seconds();
  run_.emplace(recorder_.get(), RunPhase::kRun);
  // Starting threads and finding the device's recorder take milliseconds of the run.
  const ScopedSpan loading(recorder_.get(), RunPhase::kLoad);
  open_recorder = recorder_.get();
  set_last_words([] { open_recorder->close_from_signal(); });
  catch_interrupts();
  const KernelDetail detail = kernel_detail(options.kernels);
  if (device.starts_with("cpu") || detail == KernelDetail::kNone) return;
  device_ = DeviceRecorder::start(*recorder_, detail, &remark_);
}

Profile::~Profile() {
  set_last_words(nullptr);
}

std::string Profile::finish(const std::string& device) {
  if (!recorder_) return "";
  run_.reset();
  DeviceRecorderCounts records;
  if (device_) {
    device_->stop();
    records = device_->counts();
  }
  set_last_words(nullptr);
  recorder_->close();
  const TraceRecorderCounts counts = recorder_->counts();
  std::string line = fmt::format("profile of {} spans written to {}", counts.written, path_);
  if (counts.dropped + records.dropped > 0)
    line += fmt::format(", {} dropped", counts.dropped + records.dropped);
  if (counts.rejected_device > 0)
    line += fmt::format(", {} device records without a valid time", counts.rejected_device);
  const double spent =
      counts.cpu_seconds +
      kSpanSeconds *
          static_cast<double>(counts.written - std::min(counts.written, records.records));
  line +=
      fmt::format("; recording took {:.2f} % of the CPU time, and the times of this run include it",
                  100 * spent / (cpu_seconds() - cpu_before_));
  // Without a device there was nothing to record, and is nothing to remark on.
  if (!remark_.empty() && !device.starts_with("cpu")) line += "; no device work: " + remark_;
  return line;
}

}  // namespace molgen3d
