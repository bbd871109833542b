#include "dataset/folder_writer.h"

#include <fstream>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/json_count.h"
#include "files/output_file.h"

namespace molgen3d {

namespace {

using Json = nlohmann::ordered_json;
namespace fs = std::filesystem;

constexpr std::chrono::seconds kCheckpointInterval{1};
constexpr int kDescriptionVersion = 1;

Json json_of(const DatasetTotals& totals) {
  Json outcomes;
  for (size_t i = 0; i < static_cast<size_t>(Outcome::kCount); ++i) {
    const auto outcome = static_cast<Outcome>(i);
    outcomes[outcome_name(outcome)] = totals.outcomes.of(outcome);
  }
  return {{"outcomes", outcomes},
          {"conformers", totals.conformers},
          {"molecules_short_of_conformers", totals.short_of_conformers},
          {"conformers_unconverged", totals.unconverged},
          {"conformers_dropped_for_stereo", totals.wrong_stereo},
          {"molecules_relaxed_with_uff_instead", totals.uff}};
}

DatasetTotals totals_of(const Json& json) {
  DatasetTotals totals;
  for (const auto& [name, count] : json.at("outcomes").items()) {
    if (const auto outcome = outcome_of_name(name)) {
      totals.outcomes.count[static_cast<size_t>(*outcome)] = json_count(count);
    }
  }
  totals.conformers = json_count(json.at("conformers"));
  totals.short_of_conformers = json_count(json.at("molecules_short_of_conformers"));
  totals.unconverged = json_count(json.at("conformers_unconverged"));
  totals.wrong_stereo = json_count(json.at("conformers_dropped_for_stereo"));
  totals.uff = json_count(json.at("molecules_relaxed_with_uff_instead"));
  return totals;
}

/// Throws naming the first setting that differs from those of a finished data set.
void check_same(const fs::path& path, const RunIdentity& settings) {
  std::ifstream file(path);
  const Json json = Json::parse(file, nullptr, false);
  if (!json.is_object() || !json.contains("settings") || !json["settings"].is_object()) {
    throw Error::format("{}: not the description of a data set", path.string());
  }
  for (const auto& [name, value] : settings) {
    const Json found = json["settings"].value(name, Json("(absent)"));
    const std::string old = found.is_string() ? found.get<std::string>() : found.dump();
    if (old != value) {
      throw Error::format("{}: a finished data set whose {} was {}, now {}", path.string(), name,
                          in_quotes(old), in_quotes(value));
    }
  }
}

std::unique_ptr<AppendFile> append_file(const fs::path& path, const Json* sizes) {
  if (sizes == nullptr) return std::make_unique<AppendFile>(path);
  return std::make_unique<AppendFile>(path, json_count(sizes->at(path.filename().string())));
}

}  // namespace

FolderWriter::FolderWriter(const DatasetJob& job, const RunIdentity& inputs)
    : folder_(job.folder), settings_(job.settings), described_(described(job.settings)) {
  described_.insert(described_.begin(), inputs.begin(), inputs.end());
  std::error_code cause;
  made_folder_ = fs::create_directories(folder_, cause);
  if (cause) throw Error::format("{}: cannot create: {}", folder_.string(), cause.message());
  const fs::path journal = folder_ / kJournalFile;
  const fs::path description = folder_ / kDescriptionFile;
  if (!job.overwrite && fs::exists(description) && !fs::exists(journal)) {
    take_finished(description, job.resume);
    return;
  }
  if (!job.overwrite && !fs::exists(description) && !fs::exists(journal)) refuse_foreign_files();
  journal_.emplace(Journal::open(journal,
                                 job.overwrite ? Journal::Start::kOverwrite
                                 : job.resume  ? Journal::Start::kResume
                                               : Journal::Start::kNew,
                                 described_));
  const std::vector<std::string> lines = journal_->take_lines();
  if (!job.overwrite && lines.empty() && fs::exists(description)) {
    // Another process finished it while this one waited for the journal.
    journal_.reset();
    take_finished(description, job.resume);
    return;
  }
  fs::remove(description);
  try {
    open(lines);
  } catch (const nlohmann::json::exception& error) {
    throw Error::format("{}: damaged: {}", journal.string(), error.what());
  } catch (const NotACount& error) {
    throw Error::format("{}: damaged: {}", journal.string(), error.what());
  } catch (...) {
    if (lines.empty()) discard();
    throw;
  }
}

FolderWriter::~FolderWriter() {
  if (journal_ && !journaled_) discard();
}

// The journal goes by itself: it has no lines.
void FolderWriter::discard() {
  parts_.clear();
  failed_.reset();
  skipped_.reset();
  std::error_code ignored;
  for (const fs::path& file : files_of(folder_, settings_)) fs::remove(file, ignored);
  journal_.reset();
  if (made_folder_) fs::remove(folder_, ignored);
}

void FolderWriter::take_finished(const fs::path& description, bool resume) {
  if (!resume)
    throw Error::format("{}: holds a finished data set; --overwrite makes it anew",
                        folder_.string());
  check_same(description, described_);
  was_complete_ = true;
  try {
    std::ifstream file(description);
    const Json json = Json::parse(file);
    totals_ = totals_of(json.at("totals"));
    settled_ = totals_.outcomes.total();
    content_ = json.at("records_content");
    excluded_unreadable_ = json_count(json.at("checks").at("exclusion_records_unreadable"));
  } catch (const nlohmann::json::exception& error) {
    throw Error::format("{}: damaged: {}", description.string(), error.what());
  } catch (const NotACount& error) {
    throw Error::format("{}: damaged: {}", description.string(), error.what());
  }
}

std::vector<fs::path> FolderWriter::files_of(const fs::path& folder,
                                             const DatasetSettings& settings) {
  std::vector<fs::path> files = {folder / "failed.jsonl", folder / "skipped.jsonl"};
  for (const std::string& name : settings.splits.names()) {
    files.push_back(folder / (name + kDatasetEnding));
    files.push_back(folder / (name + ".jsonl"));
    if (settings.write_text) files.push_back(folder / (name + ".txt"));
    if (settings.write_tsv) files.push_back(folder / (name + ".tsv"));
    if (settings.write_sdf) files.push_back(folder / (name + ".sdf"));
  }
  return files;
}

void FolderWriter::refuse_foreign_files() const {
  for (const fs::path& file : files_of(folder_, settings_)) {
    if (fs::exists(fs::symlink_status(file)))
      throw Error::format("{}: is there already, and not from a data set; --overwrite replaces it",
                          file.string());
  }
}

void FolderWriter::open(const std::vector<std::string>& journal) {
  Json last;
  const Json* sizes = nullptr;
  if (!journal.empty()) {
    last = Json::parse(journal.back());
    settled_ = json_count(last.at("settled"));
    content_ = last.at("content");
    totals_ = totals_of(last.at("totals"));
    sizes = &last.at("sizes");
    journaled_ = true;
  }
  for (const std::string& name : settings_.splits.names()) {
    Part part;
    part.name = name;
    const fs::path binary = folder_ / (name + kDatasetEnding);
    part.binary = sizes == nullptr ? std::make_unique<DatasetWriter>(binary)
                                   : std::make_unique<DatasetWriter>(
                                         binary, json_count(sizes->at(binary.filename().string())));
    part.jsonl = append_file(folder_ / (name + ".jsonl"), sizes);
    if (settings_.write_text) part.text = append_file(folder_ / (name + ".txt"), sizes);
    if (settings_.write_tsv) part.tsv = append_file(folder_ / (name + ".tsv"), sizes);
    if (settings_.write_sdf) part.sdf = append_file(folder_ / (name + ".sdf"), sizes);
    parts_.push_back(std::move(part));
  }
  failed_ = append_file(folder_ / "failed.jsonl", sizes);
  skipped_ = append_file(folder_ / "skipped.jsonl", sizes);
  // Molecules that failed count as seen too: their duplicates are duplicates.
  if (sizes != nullptr) {
    for (const Part& part : parts_) {
      part.binary->for_each(
          [&](const DatasetRecord& record) { remember(record.smiles, record.source); });
    }
    restore_seen(failed_->path());
  }
}

void FolderWriter::require_content(uint64_t content) const {
  if (hash_text(content) == content_) return;
  throw Error::format(
      "{}: cannot resume: input content: the first {} records are not those of the {} run",
      (folder_ / (was_complete_ ? kDescriptionFile : kJournalFile)).string(), settled_,
      was_complete_ ? "finished" : "interrupted");
}

void FolderWriter::restore_seen(const fs::path& log) {
  std::ifstream file(log);
  for (std::string line; std::getline(file, line);) {
    const Json json = Json::parse(line);
    if (json.contains("smiles")) remember(json.at("smiles"), json_count(json.at("record")));
  }
}

std::optional<uint64_t> FolderWriter::first_with(const std::string& smiles) const {
  const auto found = seen_.find(smiles);
  if (found == seen_.end()) return std::nullopt;
  return found->second;
}

void FolderWriter::append(size_t part, const Product& product) {
  Part& files = parts_.at(part);
  files.binary->append(product.body);
  files.jsonl->put(product.jsonl);
  if (files.text) files.text->put(product.text);
  if (files.tsv) files.tsv->put(product.tsv);
  if (files.sdf) files.sdf->put(product.sdf);
}

void FolderWriter::settle(uint64_t content) {
  ++settled_;
  content_ = hash_text(content);
  if (std::chrono::steady_clock::now() - last_checkpoint_ >= kCheckpointInterval) checkpoint();
}

void FolderWriter::checkpoint() {
  Json sizes;
  const auto note = [&](AppendFile* file) {
    if (file == nullptr) return;
    file->sync();
    sizes[file->path().filename().string()] = file->size();
  };
  for (const Part& part : parts_) {
    part.binary->sync();
    sizes[part.name + kDatasetEnding] = part.binary->size();
    note(part.jsonl.get());
    note(part.text.get());
    note(part.tsv.get());
    note(part.sdf.get());
  }
  note(failed_.get());
  note(skipped_.get());
  // Without a line the journal goes when the run does: there is nothing to resume.
  if (settled_ == 0) return;
  const Json line = {
      {"settled", settled_}, {"content", content_}, {"totals", json_of(totals_)}, {"sizes", sizes}};
  journal_->append(line.dump());
  journaled_ = true;
  journal_->sync();
  last_checkpoint_ = std::chrono::steady_clock::now();
}

void FolderWriter::finish_files() {
  checkpoint();
  for (const Part& part : parts_) part.binary->finish();
}

std::vector<fs::path> FolderWriter::binary_files() const {
  std::vector<fs::path> files;
  for (const std::string& name : settings_.splits.names()) {
    files.push_back(folder_ / (name + kDatasetEnding));
  }
  return files;
}

std::vector<std::pair<std::string, uint64_t>> FolderWriter::parts() const {
  std::vector<std::pair<std::string, uint64_t>> out;
  for (const Part& part : parts_) out.emplace_back(part.name, part.binary->records());
  return out;
}

void FolderWriter::complete(const std::string& checks) {
  Json settings;
  for (const auto& [name, value] : described_) settings[name] = value;
  Json splits;
  for (const Part& part : parts_) {
    splits[part.name] = {{"molecules", part.binary->records()},
                         {"conformers", part.binary->conformers()}};
  }
  const Json description = {{"format", "molgen3d data set"}, {"version", kDescriptionVersion},
                            {"settings", settings},          {"splits", splits},
                            {"totals", json_of(totals_)},    {"records_content", content_},
                            {"checks", Json::parse(checks)}};
  // Renamed into place: a data set is finished when this file is there, and it is never half there.
  write_file((folder_ / kDescriptionFile).string(),
             description.dump(2, ' ', false, nlohmann::detail::error_handler_t::replace) + "\n");
  journal_->remove();
  journal_.reset();
}

}  // namespace molgen3d
