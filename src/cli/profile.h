// --profile: a command records its own run as a Chrome trace (docs/traces.md).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "trace/record/device_recorder.h"
#include "trace/record/span_writer.h"

namespace CLI {
class App;
}

namespace molgen3d {

struct ProfileOptions {
  std::string path;               ///< empty: nothing is recorded
  std::string kernels = "graph";  ///< what the device records: none, graph or node
};

/// --profile-kernels, and --profile FILE unless `with_path` is false.
void add_profile_options(CLI::App& command, ProfileOptions& options, bool with_path = true);

/// The recorder of one command, from construction to finish(). The whole time in between is one
/// "run" span; interrupts are caught, so that the file is always closed.
class Profile {
 public:
  using Metadata = std::vector<std::pair<std::string, std::string>>;

  /// With an empty path nothing happens and spans() is null. `device`: as given on the command
  /// line; "cpu" leaves the recorder of device work out. Create it before anything touches the
  /// device. Throws Error when the file cannot be made.
  Profile(const ProfileOptions& options, const std::string& device, Metadata metadata);
  ~Profile();
  Profile(const Profile&) = delete;
  Profile& operator=(const Profile&) = delete;

  SpanSink* spans() { return recorder_.get(); }
  /// Closes the file. One line about it for standard error, or nothing when nothing was recorded.
  /// `device`: what the run took place on. Throws Error when the disk failed.
  std::string finish(const std::string& device);

 private:
  std::string path_;
  std::string remark_;  ///< why device work is not recorded
  std::unique_ptr<TraceRecorder> recorder_;
  std::unique_ptr<DeviceRecorder> device_;
  std::optional<ScopedSpan> run_;
  double cpu_before_ = 0;  ///< of the process
};

}  // namespace molgen3d
