#include "generation/record_stream.h"

#include <array>
#include <filesystem>

#include "base/error.h"
#include "files/file_kind.h"
#include "molecule/cxsmiles.h"

namespace molgen3d {

namespace {

namespace fs = std::filesystem;

bool names_a_file(const std::string& input) {
  if (input == "-") return true;
  std::error_code ignored;
  const fs::file_status status = fs::status(input, ignored);
  if (fs::exists(status) && !fs::is_directory(status)) return true;
  if (!foreign_name(input).empty()) return true;
  static constexpr std::array kEndings = {".smi", ".smiles", ".txt", ".csv", ".tsv",     ".sdf",
                                          ".sd",  ".mol",    ".gz",  ".xz",  ".enriched"};
  const std::string ending = fs::path(input).extension().string();
  for (const char* known : kEndings) {
    if (ending == known) return true;
  }
  return false;
}

}  // namespace

InputRecord record_of_text(const std::string& text) {
  InputRecord record;
  const SmilesField field = split_smiles_field(text);
  record.smiles = field.molecule();
  record.title = field.title;
  record.text = record.smiles;
  if (record.smiles.empty()) record.cause = "empty argument";
  return record;
}

bool can_be_read_again(const std::string& input) {
  std::error_code ignored;
  return input != "-" && (!names_a_file(input) || fs::is_regular_file(input, ignored));
}

RecordStream::RecordStream(std::vector<std::string> inputs, const ReaderOptions& options)
    : inputs_(std::move(inputs)), options_(options) {
  for (const std::string& input : inputs_) {
    if (!names_a_file(input)) {
      opened_.emplace_back();
      continue;
    }
    RecordReader reader(input, options_);
    // What can be read only once is kept; of many files only one is open at a time.
    opened_.push_back(can_be_read_again(input) ? std::nullopt
                                               : std::optional<RecordReader>(std::move(reader)));
  }
}

bool RecordStream::next(InputRecord& record, std::string& source) {
  for (;;) {
    if (reader_) {
      if (reader_->next(record)) {
        source = reader_->name() + ":" + std::to_string(record.line);
        record.index = taken_++;
        return true;
      }
      reader_.reset();
    }
    if (next_input_ == inputs_.size()) return false;
    const size_t place = next_input_++;
    const std::string& input = inputs_[place];
    if (opened_[place]) {
      reader_.emplace(std::move(*opened_[place]));
      opened_[place].reset();
      continue;
    }
    if (names_a_file(input)) {
      reader_.emplace(input, options_);
      continue;
    }
    record = record_of_text(input);
    record.index = taken_++;
    source = "argument " + std::to_string(next_input_);
    return true;
  }
}

std::string record_failure(const std::string& source, const InputRecord& record,
                           const std::string& cause) {
  const std::string& text = record.smiles.empty() ? record.text : record.smiles;
  return source + ": " + (text.empty() ? "" : in_quotes(text) + ": ") + cause;
}

}  // namespace molgen3d
