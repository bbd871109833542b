// From lists of molecules to a folder with a data set.
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "dataset/outcome.h"
#include "dataset/settings.h"
#include "molecule/reader.h"

namespace molgen3d {

struct DatasetJob {
  std::vector<std::string> inputs;  ///< as RecordStream takes them
  ReaderOptions reader;
  size_t limit = 0;                  ///< records; 0: all
  std::vector<std::string> exclude;  ///< files of molecules that must be absent
  std::filesystem::path folder;
  bool resume = false;
  bool overwrite = false;
  size_t workers = 0;  ///< processes; 0: one per core
  DatasetSettings settings;
  std::string program_version;
  /// For tests: called in the worker before a molecule is embedded.
  std::function<void(const std::string& smiles)> before_embedding;
};

/// Sums that are kept over interruptions.
struct DatasetTotals {
  OutcomeCounts outcomes;
  uint64_t conformers = 0;
  uint64_t short_of_conformers = 0;  ///< molecules with fewer than asked for
  uint64_t unconverged = 0;          ///< conformers
  uint64_t wrong_stereo = 0;         ///< conformers dropped
  uint64_t uff = 0;                  ///< molecules relaxed with UFF for want of MMFF parameters
};

struct DatasetCallbacks {
  std::function<bool()> stop = [] { return false; };
  std::function<void(const DatasetTotals&)> progress = [](const DatasetTotals&) {};
  /// One line about a phase.
  std::function<void(const std::string&)> message = [](const std::string&) {};
  /// One line about a record that failed.
  std::function<void(const std::string&)> failure = [](const std::string&) {};
};

struct DatasetSummary {
  bool complete = false;      ///< false: stopped; the same job with `resume` goes on
  bool was_complete = false;  ///< resumed, but nothing was left to do
  uint64_t resumed_records = 0;
  DatasetTotals totals;
  std::vector<std::pair<std::string, uint64_t>> parts;  ///< name and molecules of each split
  uint64_t excluded_records = 0;                        ///< in the exclusion lists
  uint64_t excluded_molecules = 0;                      ///< different ones, stereo aside
  uint64_t excluded_unreadable = 0;                     ///< could not be read: they exclude nothing
  uint64_t verified_molecules = 0;  ///< read back and found absent from the lists
};

/// Writes, into `folder`: SPLIT.mol3d (dataset_file.h), SPLIT.jsonl (one line per conformer:
/// canonical_smiles, embedded_smiles, title), SPLIT.txt, SPLIT.tsv and SPLIT.sdf when asked for;
/// failed.jsonl, skipped.jsonl; dataset.json with settings and counts, last. Records stand in input
/// order. The bytes do not depend on the number of workers or on interruptions (but for molecules
/// near their time limit). Reads everything back at the end and throws when a molecule of an
/// exclusion list, or one molecule in two splits, is found. Throws Error when an input or output
/// cannot be opened, or `folder` holds another data set and neither `resume` nor `overwrite` is
/// set. Call it without other threads running (see WorkerPool).
DatasetSummary build_dataset(const DatasetJob& job, const DatasetCallbacks& callbacks);

}  // namespace molgen3d
