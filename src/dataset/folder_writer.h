// The files of a data set while it is being made, kept so that a run can be resumed.
#pragma once

#include <filesystem>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/seeded_hash.h"
#include "dataset/builder.h"
#include "dataset/dataset_file.h"
#include "dataset/tasks.h"
#include "files/append_file.h"
#include "files/content_hash.h"
#include "files/journal.h"

namespace molgen3d {

inline constexpr const char* kDatasetEnding = ".mol3d";
inline constexpr const char* kDescriptionFile = "dataset.json";
inline constexpr const char* kJournalFile = "journal";

/// Records are appended in input order. Now and then a line in FOLDER/journal says how many input
/// records are settled and how long every file is; resuming cuts the files back to that.
class FolderWriter {
 public:
  /// Creates or resumes; see build_dataset(). `inputs`: names and values beside the settings that a
  /// resumed run must share. Throws Error also when files of others would be replaced.
  FolderWriter(const DatasetJob& job, const RunIdentity& inputs);
  /// Leaves what can be resumed; a folder in which no record was settled is left as it was found,
  /// less what --overwrite replaced.
  ~FolderWriter();
  FolderWriter(const FolderWriter&) = delete;
  FolderWriter& operator=(const FolderWriter&) = delete;

  /// True when the folder holds the finished data set of this very job: nothing is left to do.
  bool was_complete() const { return was_complete_; }
  /// Of a finished data set: unreadable records of its exclusion lists.
  uint64_t excluded_unreadable() const { return excluded_unreadable_; }
  /// Every file, dataset.json and journal aside, that a data set with these settings has.
  static std::vector<std::filesystem::path> files_of(const std::filesystem::path& folder,
                                                     const DatasetSettings& settings);
  /// Input records that are settled.
  uint64_t settled() const { return settled_; }
  /// Throws Error unless the settled records are those whose running hash is `content`.
  void require_content(uint64_t content) const;
  DatasetTotals& totals() { return totals_; }
  /// Number of the record whose molecule has this canonical SMILES; nothing when there is none.
  std::optional<uint64_t> first_with(const std::string& smiles) const;
  void remember(const std::string& smiles, uint64_t record) { seen_.try_emplace(smiles, record); }

  void append(size_t part, const Product& product);
  void log_failed(const std::string& line) { failed_->put(line); }
  void log_skipped(const std::string& line) { skipped_->put(line); }
  /// One more input record is settled; `content`: hash of all records up to it. Writes a journal
  /// line when the last is old enough.
  void settle(uint64_t content);
  /// Everything so far is on disk and in the journal.
  void checkpoint();

  /// Completes the binary files. They can be read from here on.
  void finish_files();
  std::vector<std::filesystem::path> binary_files() const;
  std::vector<std::pair<std::string, uint64_t>> parts() const;
  /// Writes dataset.json (`checks`: a JSON object as text) and removes the journal.
  void complete(const std::string& checks);

 private:
  struct Part {
    std::string name;
    std::unique_ptr<DatasetWriter> binary;
    std::unique_ptr<AppendFile> jsonl;
    std::unique_ptr<AppendFile> text;
    std::unique_ptr<AppendFile> tsv;
    std::unique_ptr<AppendFile> sdf;
  };
  void take_finished(const std::filesystem::path& description, bool resume);
  void refuse_foreign_files() const;
  void open(const std::vector<std::string>& journal);
  void restore_seen(const std::filesystem::path& log);
  void discard();

  std::filesystem::path folder_;
  DatasetSettings settings_;
  RunIdentity described_;
  std::optional<Journal> journal_;
  std::vector<Part> parts_;
  std::unique_ptr<AppendFile> failed_;
  std::unique_ptr<AppendFile> skipped_;
  TextMap<uint64_t> seen_;
  DatasetTotals totals_;
  uint64_t settled_ = 0;
  std::string content_ = hash_text(0);  ///< of the settled records
  bool made_folder_ = false;
  bool journaled_ = false;
  /// The first settled record is on disk at once: from there on there is something to resume.
  std::chrono::steady_clock::time_point last_checkpoint_{};
  bool was_complete_ = false;
  uint64_t excluded_unreadable_ = 0;
};

}  // namespace molgen3d
