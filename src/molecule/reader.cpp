#include "molecule/reader.h"

#include <algorithm>
#include <charconv>
#include <deque>
#include <optional>
#include <vector>

#include "base/error.h"
#include "files/byte_source.h"
#include "files/csv_rows.h"
#include "files/file_kind.h"
#include "files/line_source.h"
#include "molecule/cxsmiles.h"

namespace molgen3d {

namespace {

using Status = LineSource::Status;

constexpr const char* kBlank = "empty line";

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\v\f") == std::string_view::npos;
}

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
}

std::string trimmed(const std::string& text) {
  const size_t begin = std::min(text.find_first_not_of(" \t"), text.size());
  return text.substr(begin, text.find_last_not_of(" \t") + 1 - begin);
}

/// `smiles`, `canonical_smiles`, `SMI`, ...: no SMILES holds these letters, `[SMILES]` is a tag.
bool is_header(std::string_view field) {
  const std::string word = lower(std::string(field));
  return !word.starts_with('[') && (word.find("smiles") != std::string::npos || word == "smi" ||
                                    word == "structure" || word == "molecule");
}

std::string shortened(std::string_view text) {
  return std::string(text.substr(0, 200));
}

RecordFormat format_of_name(const std::string& path) {
  const std::string name = without_packing(lower(path));
  if (name.ends_with(".csv") || name.ends_with(".tsv")) return RecordFormat::kCsv;
  if (name.ends_with(".sdf") || name.ends_with(".sd") || name.ends_with(".mol")) {
    return RecordFormat::kSdf;
  }
  return RecordFormat::kSmiles;
}

/// 0-based column number when `name` is a 1-based one.
std::optional<size_t> column_number(const std::string& name) {
  size_t number = 0;
  const auto result = std::from_chars(name.data(), name.data() + name.size(), number);
  if (result.ec != std::errc() || result.ptr != name.data() + name.size() || number == 0) {
    return std::nullopt;
  }
  return number - 1;
}

}  // namespace

struct RecordReader::State {
  State(LineSource lines, std::string source_name, const ReaderOptions& reader_options)
      : source(std::move(lines)), name(std::move(source_name)), options(reader_options) {
    if (options.format == RecordFormat::kAuto) {
      require_molecules(foreign_name(name));
      options.format = format_of_name(name);
    }
    if (options.format == RecordFormat::kSmiles) require_molecules(foreign_content(source.begin()));
    if (options.format != RecordFormat::kCsv) return;
    if (options.delimiter == 0) {
      options.delimiter = without_packing(lower(name)).ends_with(".tsv") ? '\t' : ',';
    }
    rows.emplace(source, options.delimiter, options.max_line);
    find_columns();
  }

  void require_molecules(const std::string& foreign) const {
    if (!foreign.empty())
      throw Error::format("{}: {}; SMILES lines, CSV and SDF are read", name, foreign);
  }

  void find_columns() {
    CsvRows::Row header;
    if (options.csv_header) {
      if (!rows->next(header)) throw Error::format("{}: empty, a CSV header was expected", name);
      if (!header.cause.empty()) {
        throw Error::format("{}:1: {}: the CSV header cannot be read: {}", name,
                            in_quotes(header.text), header.cause);
      }
    }
    smiles_column =
        find_column(options.smiles_column.empty() && options.csv_header ? std::string("smiles")
                                                                        : options.smiles_column,
                    header.fields)
            .value_or(0);
    title_column = find_column(options.title_column, header.fields);
  }

  std::optional<size_t> find_column(const std::string& wanted,
                                    const std::vector<std::string>& header) const {
    if (wanted.empty()) return std::nullopt;
    for (const bool exact : {true, false}) {
      for (size_t i = 0; i < header.size(); ++i) {
        if (exact ? header[i] == wanted : lower(header[i]) == lower(wanted)) return i;
      }
    }
    if (const auto number = column_number(wanted)) return number;
    std::string columns;
    for (const std::string& column : header)
      columns += (columns.empty() ? "" : ", ") + in_quotes(column);
    throw Error::format("{}: no column {} (there are: {}){}", name, in_quotes(wanted),
                        columns.empty() ? "no header, give a number" : columns,
                        header.size() == 1 ? "; --delimiter names another separator" : "");
  }

  bool next(InputRecord& record) {
    record = InputRecord();
    if (blanks.empty() && !held) look_ahead();
    if (!held) return false;
    if (blanks.empty()) {
      record = std::move(*held);
      held.reset();
    } else {
      record.cause = kBlank;
      record.line = blanks.front().first++;
      if (--blanks.front().count == 0) blanks.pop_front();
    }
    record.index = count++;
    return true;
  }

  /// Finds the next record that is no blank line. Blank lines before it are failures; those at the
  /// end of the file are nothing.
  void look_ahead() {
    InputRecord record;
    while (!ended && next_in_format(record)) {
      if (record.cause != kBlank) {
        held = std::move(record);
        return;
      }
      if (!blanks.empty() && blanks.back().first + blanks.back().count == record.line) {
        ++blanks.back().count;
      } else {
        blanks.push_back({record.line, 1});
      }
      record = InputRecord();
    }
    blanks.clear();
  }

  bool next_in_format(InputRecord& record) {
    return options.format == RecordFormat::kSdf   ? next_sdf(record)
           : options.format == RecordFormat::kCsv ? next_csv(record)
                                                  : next_smiles(record);
  }

  /// Fills in what is wrong with a line as such. True when the record is settled by that.
  bool settle(Status status, std::string_view text, InputRecord& record) const {
    record.text = shortened(text);
    if (status == Status::kBroken) {
      record.cause = source.error();
    } else if (status == Status::kTooLong) {
      record.cause = fmt::format("line longer than {} bytes", options.max_line);
    } else if (text.find('\0') != std::string_view::npos) {
      record.cause = "NUL byte";
    } else if (is_blank(text)) {
      record.cause = kBlank;
    }
    return !record.cause.empty();
  }

  void note(size_t line, std::string_view text, const char* what) const {
    if (options.note) options.note(fmt::format("{}:{}: {}: {}", name, line, in_quotes(text), what));
  }

  /// Lines of a file of SMILES that are meant for people.
  bool passed_over(const std::string& line, size_t number) {
    const std::string_view text = std::string_view(line).substr(line.find_first_not_of(" \t"));
    if (text.starts_with('#')) {
      if (!comment_seen) note(number, text, "a comment; such lines are passed over");
      comment_seen = true;
      return true;
    }
    const bool header = !smiles_seen && is_header(text.substr(0, text.find_first_of(separators())));
    if (header) note(number, text, "a header line, passed over");
    smiles_seen = true;
    return header;
  }

  /// Between SMILES and title.
  std::string_view separators() const {
    return options.delimiter == 0 ? " \t" : std::string_view(&options.delimiter, 1);
  }

  bool next_smiles(InputRecord& record) {
    std::string line;
    do {
      const Status status = source.next(line, options.max_line);
      if (status == Status::kEnd) return false;
      record.line = source.line_number();
      if (settle(status, line, record)) return true;
    } while (passed_over(line, record.line));
    if (options.delimiter != 0) {
      const size_t begin = line.find_first_not_of(" \t");
      const size_t end = std::min(line.find_first_of(separators(), begin), line.size());
      record.smiles = trimmed(line.substr(begin, end - begin));
      record.title = trimmed(line.substr(std::min(end + 1, line.size())));
      return true;
    }
    const SmilesField field = split_smiles_field(line);
    record.smiles = field.molecule();
    record.title = field.title;
    return true;
  }

  bool next_csv(InputRecord& record) {
    CsvRows::Row row;
    if (!rows->next(row)) return false;
    record.line = row.line;
    record.text = shortened(row.text);
    record.cause = row.cause;
    if (!record.cause.empty() || settle(Status::kLine, row.text, record)) return true;
    const std::vector<std::string>& fields = row.fields;
    if (smiles_column >= fields.size()) {
      record.cause =
          fmt::format("{} columns, SMILES are in column {}", fields.size(), smiles_column + 1);
    } else if (is_blank(fields[smiles_column])) {
      record.cause = "empty SMILES field";
    } else {
      const SmilesField field = split_smiles_field(fields[smiles_column]);
      // Without an extension the field is the SMILES, white space in it an error.
      record.smiles = field.extension.empty() ? fields[smiles_column] : field.molecule();
      if (!field.extension.empty()) record.title = field.title;
      if (title_column && *title_column < fields.size()) record.title = fields[*title_column];
    }
    return true;
  }

  bool next_sdf(InputRecord& record) {
    std::string line;
    std::string block;
    bool any_text = false;
    record.line = source.line_number() + 1;
    for (bool first = true;; first = false) {
      const Status status = source.next(line, options.max_line);
      if (status == Status::kEnd) {
        ended = true;
        if (!any_text) return false;
        break;
      }
      if (status == Status::kBroken) {
        ended = true;
        record.cause = source.error();
        break;
      }
      if (line.starts_with("$$$$")) break;
      if (first) record.title = line;
      any_text |= !is_blank(line);
      if (!record.cause.empty()) continue;  // look for the end of a record that is lost already
      if (status == Status::kTooLong) {
        record.cause = fmt::format("line longer than {} bytes", options.max_line);
      } else if (line.find('\0') != std::string::npos) {
        record.cause = "NUL byte";
      } else if (block.size() + line.size() > options.max_record) {
        record.cause = fmt::format("record longer than {} bytes", options.max_record);
      } else {
        block += line;
        block += '\n';
      }
    }
    record.text = shortened(record.title);
    if (!any_text && record.cause.empty()) record.cause = "empty record";
    if (record.cause.empty()) record.mol_block = std::move(block);
    record.title = trimmed(record.title);
    if (options.title_column.empty()) return true;
    const std::string item = trimmed(record_property(record, options.title_column));
    if (!item.empty()) record.title = item;
    return true;
  }

  LineSource source;
  std::string name;
  ReaderOptions options;
  size_t count = 0;
  std::optional<CsvRows> rows;  ///< of CSV files
  size_t smiles_column = 0;
  std::optional<size_t> title_column;
  struct Lines {
    size_t first, count;
  };
  std::deque<Lines> blanks;         ///< read, and not handed out yet
  std::optional<InputRecord> held;  ///< the record behind them
  bool comment_seen = false;
  bool smiles_seen = false;
  bool ended = false;
};

RecordFormat record_format(const std::string& name) {
  if (name == "auto") return RecordFormat::kAuto;
  if (name == "smi") return RecordFormat::kSmiles;
  if (name == "csv") return RecordFormat::kCsv;
  if (name == "sdf") return RecordFormat::kSdf;
  throw Error::format("input format {}: not one of auto, smi, csv, sdf", in_quotes(name));
}

char delimiter_of(const std::string& word) {
  static constexpr std::pair<const char*, char> kWords[] = {{"tab", '\t'},  {"\\t", '\t'},
                                                            {"comma", ','}, {"semicolon", ';'},
                                                            {"space", ' '}, {"pipe", '|'}};
  for (const auto& [name, character] : kWords) {
    if (word == name) return character;
  }
  if (word.size() == 1 && word != "\"" && word != "\n" && word != "\r") return word[0];
  throw Error::format("delimiter {}: not one character, nor tab, comma, semicolon, space, pipe",
                      in_quotes(word));
}

RecordReader::RecordReader(const std::string& path, const ReaderOptions& options)
    : state_(std::make_unique<State>(LineSource::file(path), path, options)) {}
RecordReader::RecordReader(std::unique_ptr<State> state) : state_(std::move(state)) {}
RecordReader::RecordReader(RecordReader&&) noexcept = default;
RecordReader::~RecordReader() = default;

RecordReader RecordReader::from_text(std::string text, const std::string& name,
                                     const ReaderOptions& options) {
  return RecordReader(std::make_unique<State>(LineSource::memory(std::move(text)), name, options));
}

bool RecordReader::next(InputRecord& record) {
  return state_->next(record);
}
const std::string& RecordReader::name() const {
  return state_->name;
}

Molecule molecule_of(const InputRecord& record) {
  if (!record.ok()) throw Error(record.cause);
  if (record.mol_block.empty()) return Molecule::from_smiles(record.smiles, record.title);
  return Molecule::from_mol_block(record.mol_block).with_title(record.title);
}

std::string record_property(const InputRecord& record, std::string_view name) {
  const std::string_view text = record.mol_block;
  const std::string tag = fmt::format("<{}>", name);
  for (size_t at = text.find("\n>"); at != std::string_view::npos; at = text.find("\n>", at + 1)) {
    const size_t line_end = std::min(text.find('\n', at + 1), text.size());
    if (text.substr(at, line_end - at).find(tag) == std::string_view::npos) continue;
    if (line_end == text.size()) return {};
    const std::string_view value = text.substr(line_end + 1);
    return std::string(value.substr(0, value.find('\n')));
  }
  return {};
}

std::string record_error(const std::string& file, const InputRecord& record,
                         const std::string& cause) {
  const std::string& text = !record.smiles.empty() ? record.smiles : record.text;
  return fmt::format("{}:{}: {}: {}", file, record.line, in_quotes(text), cause);
}

}  // namespace molgen3d
