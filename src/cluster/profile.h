// Where jobs run: named profiles in a small file.
//
//   [h100]                      # name
//   partition = gpu
//   account = chem              # the words of sbatch: partition, account, qos, constraint,
//   gres = gpu:h100:1           # reservation, nodelist, exclude, gres, cpus, memory, time
//   cpus = 4
//   memory = 40G
//   time = 60                   # minutes, or as sbatch takes it: 1-12:00:00
//   parallel = 16               # tasks at once
//   rate = 40000                # tokens a second, for the cut into shards
//   sbatch = --comment=x        # any other option, one a line
//   setup = module load cuda    # lines of the script before the program, in this order
#pragma once

#include <cstddef>
#include <string>
#include <vector>

namespace molgen3d {

struct ClusterProfile {
  std::string name;
  bool local = false;  ///< tasks run here, one after the other, without Slurm
  std::string partition, account, qos, constraint, reservation, nodelist, exclude, gres, memory;
  size_t cpus = 0;                  ///< 0: as the cluster does
  std::string time;                 ///< empty: as the cluster does
  size_t parallel = 0;              ///< tasks at once; 0: no limit of ours
  double rate = 0;                  ///< tokens a second of one task; 0: a guess
  std::string device;               ///< --device of tasks that are not told another
  std::vector<std::string> sbatch;  ///< further options
  std::vector<std::string> setup;   ///< lines of shell, as they are
};

/// Seconds that a time limit stands for, in sbatch's forms: minutes, minutes:seconds,
/// hours:minutes:seconds, days-hours, days-hours:minutes, days-hours:minutes:seconds. Throws Error
/// for anything else and for 0 (no limit).
size_t seconds_of_time(const std::string& text);

/// The profiles of a file. Throws Error with file, line and cause.
std::vector<ClusterProfile> read_profiles(const std::string& path);

/// The profile of this name: from `file` when given, else from molgen3d-profiles.ini in the current
/// folder or one above it, then molgen3d/profiles.ini in the user's configuration folder
/// ($XDG_CONFIG_HOME, else ~/.config), then those built in: local, h100 and a100 as the study had
/// them (one GPU, 4 cores, 40 GB, 60 minutes). Throws Error naming where it looked and what is
/// there.
ClusterProfile find_profile(const std::string& name, const std::string& file);

}  // namespace molgen3d
