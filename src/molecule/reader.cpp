#include "molecule/reader.h"

#include <algorithm>
#include <charconv>
#include <optional>
#include <vector>

#include "base/error.h"
#include "molecule/byte_source.h"
#include "molecule/cxsmiles.h"
#include "molecule/line_source.h"

namespace molgen3d {

namespace {

using Status = LineSource::Status;

bool is_blank(std::string_view text) {
  return text.find_first_not_of(" \t\r\v\f") == std::string_view::npos;
}

std::string lower(std::string text) {
  for (char& c : text) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return text;
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

/// Splits one CSV row (RFC 4180): quoted fields may hold separators and doubled quotes. False when
/// a quoted field is still open at the end, so that the row goes on in the next line.
bool split_row(std::string_view row, char separator, std::vector<std::string>& fields) {
  fields.assign(1, {});
  bool in_quotes = false;
  for (size_t i = 0; i < row.size(); ++i) {
    const char c = row[i];
    if (in_quotes) {
      if (c != '"') {
        fields.back() += c;
      } else if (i + 1 < row.size() && row[i + 1] == '"') {
        fields.back() += row[++i];
      } else {
        in_quotes = false;
      }
    } else if (c == '"' && fields.back().empty()) {
      in_quotes = true;
    } else if (c == separator) {
      fields.emplace_back();
    } else {
      fields.back() += c;
    }
  }
  return !in_quotes;
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
    if (options.format == RecordFormat::kAuto) options.format = format_of_name(name);
    if (options.format != RecordFormat::kCsv) return;
    if (options.csv_separator == 0) {
      options.csv_separator = without_packing(lower(name)).ends_with(".tsv") ? '\t' : ',';
    }
    find_columns();
  }

  void find_columns() {
    std::vector<std::string> header;
    if (options.csv_header) {
      std::string row;
      Status status = Status::kLine;
      const bool complete = read_row(row, header, status);
      if (status == Status::kEnd) throw Error::format("{}: empty, a CSV header was expected", name);
      if (status != Status::kLine || !complete) {
        throw Error::format("{}:1: {}: the CSV header cannot be read", name, in_quotes(row));
      }
    }
    smiles_column =
        find_column(options.smiles_column.empty() && options.csv_header ? std::string("smiles")
                                                                        : options.smiles_column,
                    header)
            .value_or(0);
    title_column = find_column(options.title_column, header);
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
    throw Error::format("{}: no column {} (there are: {})", name, in_quotes(wanted),
                        columns.empty() ? "no header, give a number" : columns);
  }

  /// One CSV row, which may run over several lines inside quotes. False: it is not complete.
  bool read_row(std::string& row, std::vector<std::string>& fields, Status& status) {
    row.clear();
    std::string line;
    for (bool first = true;; first = false) {
      status = source.next(line, options.max_line);
      if (first) row_line = source.line_number();
      if (status == Status::kEnd || status == Status::kBroken) return false;
      if (!first) row += '\n';
      row += line;
      if (status == Status::kTooLong || row.size() > options.max_line) {
        status = Status::kTooLong;
        return false;
      }
      if (split_row(row, options.csv_separator, fields)) return true;
    }
  }

  bool next(InputRecord& record) {
    record = InputRecord();
    if (ended) return false;
    const bool got = options.format == RecordFormat::kSdf   ? next_sdf(record)
                     : options.format == RecordFormat::kCsv ? next_csv(record)
                                                            : next_smiles(record);
    if (!got) return false;
    record.index = count++;
    return true;
  }

  /// Fills in what is wrong with a line as such. True when the record is settled by that.
  bool settle(Status status, std::string_view text, InputRecord& record) {
    record.text = shortened(text);
    if (status == Status::kBroken) {
      record.cause = source.error();
    } else if (status == Status::kTooLong) {
      record.cause = fmt::format("line longer than {} bytes", options.max_line);
    } else if (text.find('\0') != std::string_view::npos) {
      record.cause = "NUL byte";
    } else if (is_blank(text)) {
      record.cause = "empty line";
    }
    return !record.cause.empty();
  }

  bool next_smiles(InputRecord& record) {
    std::string line;
    const Status status = source.next(line, options.max_line);
    if (status == Status::kEnd) return false;
    record.line = source.line_number() + (status == Status::kBroken ? 1 : 0);
    if (settle(status, line, record)) return true;
    const SmilesField field = split_smiles_field(line);
    record.smiles = field.molecule();
    record.title = field.title;
    return true;
  }

  bool next_csv(InputRecord& record) {
    std::string row;
    std::vector<std::string> fields;
    Status status = Status::kLine;
    const bool complete = read_row(row, fields, status);
    record.line = row_line;
    if (status == Status::kEnd && row.empty()) return false;
    if (status == Status::kEnd) status = Status::kLine;
    if (settle(status, row, record)) return true;
    if (!complete) {
      record.cause = "a quoted field is never closed";
    } else if (smiles_column >= fields.size()) {
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
      if (line == "$$$$") break;
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
    const size_t begin = std::min(record.title.find_first_not_of(" \t"), record.title.size());
    record.title = record.title.substr(begin);
    while (record.title.ends_with(' ') || record.title.ends_with('\t')) record.title.pop_back();
    return true;
  }

  LineSource source;
  std::string name;
  ReaderOptions options;
  size_t count = 0;
  size_t row_line = 0;
  size_t smiles_column = 0;
  std::optional<size_t> title_column;
  bool ended = false;
};

RecordFormat record_format(const std::string& name) {
  if (name == "auto") return RecordFormat::kAuto;
  if (name == "smi") return RecordFormat::kSmiles;
  if (name == "csv") return RecordFormat::kCsv;
  if (name == "sdf") return RecordFormat::kSdf;
  throw Error::format("input format {}: not one of auto, smi, csv, sdf", in_quotes(name));
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
