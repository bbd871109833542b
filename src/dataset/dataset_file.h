// The binary form of a data set: molecules with conformers, one file per split. docs/dataset.md has
// the layout byte by byte.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "files/append_file.h"
#include "molecule/embedding.h"

namespace molgen3d {

/// One molecule. Coordinates are int32 in units of 1e-4 A: value x 10^4 truncated toward zero, as
/// enriched text writes it.
struct DatasetRecord {
  uint64_t source = 0;  ///< number of the input record, from 0
  std::string smiles;   ///< canonical isomeric
  std::string title;
  ForceFieldKind force_field = ForceFieldKind::kNone;
  uint32_t atoms = 0;            ///< heavy atoms
  std::vector<int32_t> units;    ///< [conformer][atom in SMILES order][x y z]
  std::vector<double> energies;  ///< per conformer, kcal/mol; NaN: not computed

  size_t conformers() const { return energies.size(); }
};

/// The body of a record as it stands in the file.
std::string pack_record(const DatasetRecord& record);
/// Throws Error with the cause when `body` is not a record.
DatasetRecord unpack_record(std::string_view body);

/// Appends records; finish() writes index and footer, without which the file counts as unfinished.
class DatasetWriter {
 public:
  /// Starts a new file, replacing any other.
  explicit DatasetWriter(const std::filesystem::path& path);
  /// Goes on with an unfinished file whose first `size` bytes hold whole records; what stands
  /// behind is cut off. Throws Error naming the record when one of them is damaged.
  DatasetWriter(const std::filesystem::path& path, uint64_t size);

  /// `body` from pack_record(). Throws Error when the disk is full.
  void append(std::string_view body);
  /// Everything appended so far is on disk afterwards.
  void sync() { file_.sync(); }
  uint64_t size() const { return file_.size(); }
  uint64_t records() const { return offsets_.size(); }
  uint64_t conformers() const { return conformers_; }
  /// Reads back what is on disk (see sync()).
  void for_each(const std::function<void(const DatasetRecord&)>& body) const;
  void finish();

 private:
  void count(std::string_view body);

  AppendFile file_;
  std::vector<uint64_t> offsets_;
  uint64_t conformers_ = 0;
  uint64_t positions_ = 0;
};

/// A file opened for reading; closes itself.
class ReadDescriptor {
 public:
  /// Throws Error when the file cannot be opened.
  explicit ReadDescriptor(const std::filesystem::path& path);
  ~ReadDescriptor();
  ReadDescriptor(const ReadDescriptor&) = delete;
  ReadDescriptor& operator=(const ReadDescriptor&) = delete;
  int value() const { return value_; }

 private:
  int value_;
};

/// Random access to a finished file. Safe to share between threads.
class DatasetFile {
 public:
  /// Checks header, index and footer; record bodies are checked when they are read. Throws Error
  /// naming the file and what is wrong: no data set, another version, unfinished or cut off,
  /// damaged index.
  explicit DatasetFile(const std::filesystem::path& path);
  DatasetFile(const DatasetFile&) = delete;
  DatasetFile& operator=(const DatasetFile&) = delete;

  const std::filesystem::path& path() const { return path_; }
  uint64_t bytes() const { return bytes_; }
  uint64_t size() const { return offsets_.size(); }
  uint64_t conformers() const { return conformers_; }
  uint64_t positions() const { return positions_; }  ///< atoms summed over conformers
  /// Throws Error naming file and record when its checksum is wrong.
  DatasetRecord record(uint64_t index) const;

 private:
  std::filesystem::path path_;
  ReadDescriptor descriptor_;
  uint64_t bytes_ = 0;
  std::vector<uint64_t> offsets_;
  uint64_t end_ = 0;  ///< of the records
  uint64_t conformers_ = 0;
  uint64_t positions_ = 0;
};

}  // namespace molgen3d
