// Reads molecule records from SMILES, CSV and SDF files, one after the other, in bounded memory.
#pragma once

#include <cstddef>
#include <functional>
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
  /// (any case), or the first when there is no header. The same for titles; empty: none. SDF: the
  /// data item that is the title; records without it keep their own.
  std::string smiles_column{};
  std::string title_column{};
  bool csv_header = true;
  /// Between the fields of a CSV row (0: tab for .tsv, else comma), or between SMILES and title of
  /// a SMILES line (0: white space).
  char delimiter = 0;
  size_t max_line = size_t{1} << 20;    ///< bytes; a longer line or CSV row is a failed record
  size_t max_record = size_t{1} << 24;  ///< bytes of one SDF record
  /// Receives one line on what was passed over in a file of SMILES: a header, comments. Optional.
  std::function<void(const std::string&)> note{};
};
/// The character that a word stands for: `tab`, `comma`, `semicolon`, `space`, `pipe`, `\t`, or one
/// character itself. Throws Error for anything else.
char delimiter_of(const std::string& word);

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

/// Plain, gzip and xz files, `-` for standard input. Accepts LF, CRLF and CR, a byte-order mark, a
/// missing last line break, blank lines at the end; a header line and lines that begin with # are
/// passed over in files of SMILES. Other empty lines, NUL bytes, overlong lines and the line that
/// is cut off where compressed data break give failed records, never an end of the run. An SDF
/// record ends at a line that begins with `$$$$`; one that stops at the end of the file is
/// returned.
class RecordReader {
 public:
  /// Throws Error when the file cannot be opened, a CSV column is missing, or it is a file of
  /// another kind (MOL2, PDB, XYZ, HTML, ...).
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
