#include "dataset/builder.h"

#include <fmt/ranges.h>

#include <algorithm>
#include <deque>
#include <memory>
#include <nlohmann/json.hpp>

#include "base/error.h"
#include "base/plain_text.h"
#include "dataset/exclusion.h"
#include "dataset/folder_writer.h"
#include "dataset/tasks.h"
#include "dataset/worker_pool.h"
#include "files/content_hash.h"
#include "generation/record_stream.h"
#include "generation/run_identity.h"

namespace molgen3d {

namespace {

using Json = nlohmann::ordered_json;
using Result = WorkerPool::Result;

constexpr std::chrono::milliseconds kPatience{200};
/// For what is under way when the run is stopped.
constexpr std::chrono::milliseconds kGrace{400};
/// Records under way per worker. While one molecule runs into its time limit the others go on this
/// far, and this much is lost when the program is killed just then.
constexpr size_t kWindowPerWorker = 512;

/// One input record on its way through identification, the decisions that need input order, and
/// embedding.
struct Slot {
  enum class State : uint8_t { kIdentifying, kIdentified, kEmbedding, kSettled };
  InputRecord record;
  std::string source;
  uint64_t content = 0;  ///< of all records up to this one
  State state = State::kIdentifying;
  Outcome outcome = Outcome::kDone;
  std::string cause;
  Identity identity;
  Product product;

  void settle(Outcome what, std::string why) {
    outcome = what;
    cause = std::move(why);
    state = State::kSettled;
  }
};

RunIdentity identity_of(const DatasetJob& job) {
  RunIdentity identity = {{"version", job.program_version}};
  const RunIdentity input = input_identity(job.inputs, job.reader, job.limit);
  identity.insert(identity.end(), input.begin(), input.end());
  identity.emplace_back("exclude", fmt::format("{}", fmt::join(job.exclude, "\n")));
  identity.emplace_back("exclude content", content_of_files(job.exclude));
  return identity;
}

/// Running hash over records.
uint64_t content_after(const InputRecord& record, uint64_t before) {
  for (const std::string* text : {&record.title, &record.smiles, &record.mol_block, &record.cause})
    before = content_hash(*text, before);
  return before;
}

class Build {
 public:
  Build(const DatasetJob& job, const DatasetCallbacks& callbacks)
      : job_(job),
        callbacks_(callbacks),
        stream_(job.inputs, job.reader),
        writer_(job, identity_of(job)) {}

  DatasetSummary run() {
    DatasetSummary summary;
    summary.totals = writer_.totals();
    if (writer_.was_complete()) {
      summary.complete = summary.was_complete = true;
      summary.excluded_unreadable = writer_.excluded_unreadable();
      require_same_records();
      return summary;
    }
    pool_ =
        std::make_unique<WorkerPool>(job_.workers, job_.settings.timeout,
                                     [runner = TaskRunner(job_.settings, job_.before_embedding)](
                                         const std::string& task) { return runner.run(task); });
    summary.resumed_records = writer_.settled();
    read_exclusions();
    const bool finished = !stopping_ && process();
    summary.totals = writer_.totals();
    summary.parts = writer_.parts();
    summary.excluded_records = list_.records();
    summary.excluded_molecules = list_.molecules();
    summary.excluded_unreadable = list_.unreadable();
    if (finished) verify(summary);
    return summary;
  }

 private:
  bool stop_wanted() { return stopping_ = stopping_ || callbacks_.stop(); }

  void read_exclusions() {
    if (job_.exclude.empty()) return;
    ReaderOptions options;
    list_.read(
        job_.exclude, options, *pool_,
        [&](const std::string& line) { callbacks_.failure("exclusion list: " + line); },
        [&] { return stop_wanted(); });
    if (stopping_) return;
    callbacks_.message(fmt::format(
        "exclusion lists: {} records, {} molecules{}", list_.records(), list_.molecules(),
        job_.settings.exclude_scaffolds ? fmt::format(", {} scaffolds", list_.scaffolds()) : ""));
  }

  /// False when stopped early. What the workers can finish soon is settled then; a hard molecule is
  /// begun again when the run is resumed.
  bool process() {
    const size_t window = kWindowPerWorker * pool_->size();
    std::chrono::steady_clock::time_point end;
    for (;;) {
      if (!stopping_ && stop_wanted()) {
        pool_->drop_waiting();
        end = std::chrono::steady_clock::now() + kGrace;
      }
      if (stopping_ && std::chrono::steady_clock::now() > end) break;
      while (!stopping_ && slots_.size() < window && take()) {
      }
      if (pool_->outstanding() == 0) break;
      if (auto result = pool_->wait(kPatience)) receive(*result);
      if (!stopping_) decide();
      commit();
    }
    writer_.checkpoint();
    return !stopping_;
  }

  /// Of a finished data set: inputs that can be read only once have no content in its identity.
  void require_same_records() {
    if (std::all_of(job_.inputs.begin(), job_.inputs.end(), can_be_read_again)) return;
    InputRecord record;
    std::string source;
    while ((job_.limit == 0 || taken_ < job_.limit) && stream_.next(record, source)) {
      content_ = content_after(record, content_);
      ++taken_;
    }
    writer_.require_content(content_);
  }

  /// Reads one record; false at the end.
  bool take() {
    if (job_.limit != 0 && taken_ == job_.limit) return false;
    Slot slot;
    if (!stream_.next(slot.record, slot.source)) {
      if (taken_ < writer_.settled()) writer_.require_content(content_);
      return false;
    }
    ++taken_;
    slot.content = content_ = content_after(slot.record, content_);
    // Done before the interruption. The content of standard input is known only now.
    if (taken_ == writer_.settled()) writer_.require_content(content_);
    if (taken_ <= writer_.settled()) return true;
    if (slots_.empty()) first_ = slot.record.index;
    pool_->submit(2 * slot.record.index, identify_task(slot.record));
    slots_.push_back(std::move(slot));
    return true;
  }

  void receive(Result& result) {
    Slot& slot = slots_.at(result.id / 2 - first_);
    switch (result.status) {
      case Result::Status::kTimeout:
        return slot.settle(Outcome::kTimeout, result.cause);
      case Result::Status::kCrashed:
        return slot.settle(Outcome::kCrashed, result.cause);
      case Result::Status::kFailed:
        return slot.settle(result.id % 2 == 0 ? Outcome::kRefused : Outcome::kNoEmbedding,
                           result.cause);
      case Result::Status::kDone:
        break;
    }
    if (result.id % 2 == 0) {
      slot.identity = identity_of_reply(result.reply);
      for (const std::string& note : slot.identity.notes)
        callbacks_.message(record_failure(slot.source, slot.record, note));
      slot.state = Slot::State::kIdentified;
    } else {
      slot.product = product_of_reply(result.reply);
      slot.settle(slot.product.outcome, slot.product.cause);
    }
  }

  /// What depends on the records before: taken in input order, so that the first of several equal
  /// molecules is always the same one.
  void decide() {
    for (decided_ = std::max(decided_, first_); decided_ < first_ + slots_.size(); ++decided_) {
      Slot& slot = slots_[decided_ - first_];
      if (slot.state == Slot::State::kIdentifying) return;
      if (slot.state != Slot::State::kIdentified) continue;
      const Identity& identity = slot.identity;
      if (identity.outcome != Outcome::kDone) {
        slot.settle(identity.outcome, identity.cause);
      } else if (list_.has_graph(identity.graph)) {
        slot.settle(Outcome::kExcluded, "on an exclusion list, stereo aside");
      } else if (list_.has_scaffold(identity.scaffold)) {
        slot.settle(Outcome::kExcludedScaffold, "scaffold " + identity.scaffold);
      } else if (const auto first = writer_.first_with(identity.smiles);
                 first && !job_.settings.keep_duplicates) {
        slot.settle(Outcome::kDuplicate, fmt::format("same molecule as record {}", *first));
      } else {
        writer_.remember(identity.smiles, slot.record.index);
        pool_->submit(2 * slot.record.index + 1, conformer_task(slot.record, identity));
        slot.state = Slot::State::kEmbedding;
      }
    }
  }

  /// Writes what is settled, in input order.
  void commit() {
    DatasetTotals& totals = writer_.totals();
    while (!slots_.empty() && slots_.front().state == Slot::State::kSettled) {
      const Slot& slot = slots_.front();
      totals.outcomes.add(slot.outcome);
      totals.wrong_stereo += slot.product.wrong_stereo;
      if (slot.outcome == Outcome::kDone) {
        writer_.append(job_.settings.splits.part_of(slot.identity.graph), slot.product);
        const EmbedSettings& embed = job_.settings.embed;
        totals.conformers += slot.product.conformers;
        totals.unconverged += slot.product.unconverged;
        if (!job_.settings.given_coordinates) {
          totals.short_of_conformers += slot.product.conformers < embed.conformers ? 1 : 0;
          totals.uff += embed.force_field != ForceFieldKind::kUff &&
                                slot.product.force_field == ForceFieldKind::kUff
                            ? 1
                            : 0;
        }
      } else {
        const std::string line = log_line(slot);
        if (is_skip(slot.outcome)) {
          writer_.log_skipped(line);
        } else {
          writer_.log_failed(line);
          callbacks_.failure(record_failure(slot.source, slot.record, slot.cause));
        }
      }
      const uint64_t content = slot.content;
      slots_.pop_front();
      ++first_;
      writer_.settle(content);
    }
    callbacks_.progress(totals);
  }

  static std::string log_line(const Slot& slot) {
    Json json = {{"source", slot.source},
                 {"record", slot.record.index},
                 {"text", slot.record.smiles.empty() ? slot.record.text : slot.record.smiles},
                 {"outcome", outcome_name(slot.outcome)},
                 {"cause", slot.cause}};
    if (!slot.identity.smiles.empty()) json["smiles"] = slot.identity.smiles;
    return json_without_controls(
               json.dump(-1, ' ', false, nlohmann::detail::error_handler_t::replace)) +
           "\n";
  }

  void verify(DatasetSummary& summary) {
    writer_.finish_files();
    std::vector<std::unique_ptr<DatasetFile>> files;
    std::vector<const DatasetFile*> pointers;
    for (const auto& path : writer_.binary_files()) {
      files.push_back(std::make_unique<DatasetFile>(path));
      pointers.push_back(files.back().get());
    }
    const AbsenceCheck check = check_absent(
        pointers, list_, *pool_, [](uint64_t) {}, [&] { return stop_wanted(); });
    if (stopping_) return;
    if (!check.ok()) {
      throw std::runtime_error(
          fmt::format("the data set failed its own check: {}", check.examples.front()));
    }
    summary.verified_molecules = check.molecules;
    const Json checks = {{"molecules_read_back", check.molecules},
                         {"on_exclusion_lists", check.hits},
                         {"with_excluded_scaffold", check.scaffold_hits},
                         {"in_two_splits", check.shared},
                         {"exclusion_molecules", list_.molecules()},
                         {"exclusion_records_unreadable", list_.unreadable()}};
    writer_.complete(checks.dump());
    summary.complete = true;
  }

  const DatasetJob& job_;
  const DatasetCallbacks& callbacks_;
  RecordStream stream_;
  FolderWriter writer_;
  ExclusionList list_;
  std::unique_ptr<WorkerPool> pool_;
  std::deque<Slot> slots_;
  uint64_t first_ = 0;    ///< index of the front slot
  uint64_t decided_ = 0;  ///< records before this one are decided
  uint64_t taken_ = 0;
  uint64_t content_ = 0;  ///< of the records taken
  bool stopping_ = false;
};

}  // namespace

DatasetSummary build_dataset(const DatasetJob& job, const DatasetCallbacks& callbacks) {
  require_readable(job.exclude, {});  // before anything is written to the folder
  return Build(job, callbacks).run();
}

}  // namespace molgen3d
