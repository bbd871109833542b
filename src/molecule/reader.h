// Reads molecule records from SMILES, CSV and SDF files, one after the other, in bounded memory.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <string_view>

#include "molecule/molecule.h"

namespace molgen3d {

enum class RecordFormat : uint8_t { kAuto, kSmiles, kCsv, kSdf };
/// "auto", "smi", "csv", "sdf"; throws Error for another name.
RecordFormat record_format(const std::string& name);

struct ReaderOptions {
  RecordFormat format =
      RecordFormat::kAuto;  ///< auto: by the name's ending (before .gz or .xz), else SMILES
  /// CSV: header name or 1-based number of the column with SMILES; empty: the column named `smiles`
  /// (any case), or the first when there is no header. The same for titles; empty: none.
  std::string smiles_column{};
  std::string title_column{};
  bool csv_header = true;
  char csv_separator = 0;               ///< 0: tab for .tsv, else comma
  size_t max_line = size_t{1} << 20;    ///< bytes; a longer line or CSV row is a failed record
  size_t max_record = size_t{1} << 24;  ///< bytes of one SDF record
};

/// One record as it stands in the file. Chemistry is parsed later (molecule_of), so that this can
/// be done on other threads.
struct InputRecord {
  size_t index = 0;  ///< 0-based, failed records count
  size_t line = 0;   ///< 1-based line where it begins
  std::string title;
  std::string smiles;     ///< SMILES and CSV files; with its CXSMILES extension
  std::string mol_block;  ///< SDF files: the whole record without `$$$$`
  std::string cause;      ///< why it cannot be used; empty when it can
  std::string text;       ///< what stood there, shortened, for messages

  bool ok() const { return cause.empty(); }
};

/// The molecule of a readable record, with its title. Throws Error with the cause only; see
/// record_error() for the full line.
Molecule molecule_of(const InputRecord& record);

/// First line of the value of an SDF data item (`> <NAME>`); empty when the record has none.
std::string record_property(const InputRecord& record, std::string_view name);

/// `file:line: "text": cause`, the form of every message about a record.
std::string record_error(const std::string& file, const InputRecord& record,
                         const std::string& cause);

/// Plain, gzip and xz files, `-` for standard input (plain or gzip). Accepts LF and CRLF, a
/// byte-order mark, a missing last line break. Empty lines, NUL bytes, overlong lines and truncated
/// compressed data give failed records, never an end of the run. An SDF record that stops at the
/// end of the file is returned.
class RecordReader {
 public:
  /// Throws Error when the file cannot be opened or a CSV column is missing.
  explicit RecordReader(const std::string& path, const ReaderOptions& options = {});
  /// Reads from memory; `name` stands for the file in messages.
  static RecordReader from_text(std::string text, const std::string& name,
                                const ReaderOptions& options = {});
  RecordReader(RecordReader&&) noexcept;
  ~RecordReader();

  /// False at the end.
  bool next(InputRecord& record);
  const std::string& name() const;

 private:
  struct State;
  explicit RecordReader(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace molgen3d
