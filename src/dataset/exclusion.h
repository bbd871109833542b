// Molecules that must not be in a data set, and the proof that they are not.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/seeded_hash.h"
#include "dataset/dataset_file.h"
#include "dataset/worker_pool.h"
#include "molecule/reader.h"

namespace molgen3d {

/// Throws Error when one of the files cannot be opened, so that this is known before any work.
void require_readable(const std::vector<std::string>& files, const ReaderOptions& options);

/// The molecules of some lists, by graph_key(): stereoisomers count as the same molecule.
class ExclusionList {
 public:
  /// Reads the files in `pool`, whose handler is a TaskRunner's. Records that are no molecule are
  /// handed to `unreadable` as one line each and exclude nothing. Stops early when `stop` says so.
  /// Throws Error when a file cannot be opened.
  void read(const std::vector<std::string>& files, const ReaderOptions& options, WorkerPool& pool,
            const std::function<void(const std::string&)>& unreadable,
            const std::function<bool()>& stop);

  bool has_graph(const std::string& key) const { return graphs_.contains(key); }
  /// False for the empty key: molecules without rings share no scaffold.
  bool has_scaffold(const std::string& key) const {
    return !key.empty() && scaffolds_.contains(key);
  }
  bool empty() const { return records_ == 0; }
  uint64_t records() const { return records_; }
  uint64_t unreadable() const { return unreadable_; }
  uint64_t molecules() const { return graphs_.size(); }
  uint64_t scaffolds() const { return scaffolds_.size(); }

 private:
  uint64_t records_ = 0;
  uint64_t unreadable_ = 0;
  TextSet graphs_;
  TextSet scaffolds_;
};

/// What check_absent() found. Keys are computed anew from the SMILES that stand in the files.
struct AbsenceCheck {
  uint64_t molecules = 0;             ///< records looked at
  uint64_t hits = 0;                  ///< of them on the list
  uint64_t scaffold_hits = 0;         ///< on the list by scaffold only; when scaffolds were read
  uint64_t shared = 0;                ///< molecules (graphs) in more than one file
  std::vector<std::string> examples;  ///< lines about the first few
  bool ok() const { return hits + scaffold_hits + shared == 0; }
};

/// Reads every record of `files`, checksums included, and compares it with `list` and, by graph,
/// with the other files. Throws Error when a file is damaged.
AbsenceCheck check_absent(const std::vector<const DatasetFile*>& files, const ExclusionList& list,
                          WorkerPool& pool, const std::function<void(uint64_t done)>& progress,
                          const std::function<bool()>& stop);

}  // namespace molgen3d
