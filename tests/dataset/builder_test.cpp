#include "dataset/builder.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <map>
#include <nlohmann/json.hpp>
#include <set>
#include <sstream>
#include <thread>

#include "base/error.h"
#include "dataset/dataset_file.h"
#include "dataset/exclusion.h"
#include "dataset/inspection.h"
#include "dataset/tasks.h"
#include "dataset/worker_pool.h"
#include "molecule/enriched.h"
#include "molecule/stereo.h"

namespace molgen3d {
namespace {

namespace fs = std::filesystem;
using Files = std::map<std::string, std::string>;

const std::vector<std::string> kSmiles = {
    "CCO",      "c1ccccc1", "C[C@H](O)Cl", "OCC",         "C[C@@H](O)Cl", "NCC(=O)O",
    "C/C=C\\C", "C1CCCCC1", "CC#N",        "CS(=O)(=O)N", "C[N+](C)(C)C", "OC(=O)c1ccccc1"};

class DatasetTest : public testing::Test {
 protected:
  DatasetTest() { fs::create_directories(folder_); }
  ~DatasetTest() override { fs::remove_all(folder_); }

  std::string write(const std::string& name, const std::vector<std::string>& lines) const {
    std::ofstream file(folder_ / name);
    for (const std::string& line : lines) file << line << '\n';
    return (folder_ / name).string();
  }
  DatasetJob job(const std::string& input, const std::string& output) const {
    DatasetJob job;
    job.inputs = {input};
    job.folder = folder_ / output;
    job.workers = 2;
    job.settings.write_text = job.settings.write_tsv = job.settings.write_sdf = true;
    return job;
  }
  static Files files_of(const fs::path& folder) {
    Files files;
    for (const auto& entry : fs::directory_iterator(folder)) {
      std::ifstream in(entry.path(), std::ios::binary);
      files[entry.path().filename().string()] = {(std::istreambuf_iterator<char>(in)), {}};
    }
    return files;
  }
  static std::vector<nlohmann::json> lines_of(const std::string& text) {
    std::vector<nlohmann::json> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(nlohmann::json::parse(line));
    return lines;
  }
  static std::vector<std::string> sorted_lines(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) lines.push_back(line);
    std::sort(lines.begin(), lines.end());
    return lines;
  }

  // With the process number: the same tests may run twice at a time on one machine.
  const fs::path folder_ =
      fs::path(testing::TempDir()) /
      fmt::format("dataset_{}_{}", testing::UnitTest::GetInstance()->current_test_info()->name(),
                  ::getpid());
};

TEST_F(DatasetTest, OneRecordForEveryLine) {
  const std::string input = write("in.smi", {"CCO ethanol", "OCC", "", "C1CC", "[Na+].[Cl-]",
                                             "CC->N", "C[C@H](O)Cl", "C[C@@H](O)Cl"});
  DatasetJob task = job(input, "out");
  task.settings.embed.conformers = 3;
  std::vector<std::string> messages;
  DatasetCallbacks callbacks;
  callbacks.failure = [&](const std::string& line) { messages.push_back(line); };
  const DatasetSummary summary = build_dataset(task, callbacks);
  ASSERT_TRUE(summary.complete);
  EXPECT_EQ(summary.totals.outcomes.total(), 8U);
  EXPECT_EQ(summary.totals.outcomes.of(Outcome::kDone), 3U);
  EXPECT_EQ(summary.totals.outcomes.of(Outcome::kDuplicate), 1U);  // stereoisomers are not
  EXPECT_EQ(summary.totals.outcomes.of(Outcome::kUnreadable), 1U);
  EXPECT_EQ(summary.totals.outcomes.of(Outcome::kRefused), 2U);
  EXPECT_EQ(summary.totals.outcomes.of(Outcome::kFiltered), 1U);
  EXPECT_EQ(summary.verified_molecules, 3U);

  const Files files = files_of(task.folder);
  const auto failed = lines_of(files.at("failed.jsonl"));
  ASSERT_EQ(failed.size(), 3U);
  EXPECT_EQ(messages.size(), 3U);
  EXPECT_EQ(failed[1]["source"], input + ":4");
  EXPECT_EQ(failed[1]["text"], "C1CC");
  EXPECT_EQ(failed[1]["outcome"], "refused");
  EXPECT_NE(failed[1]["cause"].get<std::string>().find("ring 1 is never closed"),
            std::string::npos);
  EXPECT_EQ(lines_of(files.at("skipped.jsonl"))[0]["cause"], "same molecule as record 0");

  // The three forms say the same.
  const DatasetFile binary(task.folder / "all.mol3d");
  const auto jsonl = lines_of(files.at("all.jsonl"));
  ASSERT_EQ(binary.size(), 3U);
  ASSERT_EQ(jsonl.size(), 9U);
  EXPECT_EQ(binary.record(0).title, "ethanol");
  std::string text;
  for (size_t i = 0; i < jsonl.size(); ++i) {
    const DatasetRecord record = binary.record(i / 3);
    EXPECT_EQ(jsonl[i]["canonical_smiles"], record.smiles);
    const std::string enriched = jsonl[i]["embedded_smiles"];
    const DecodeResult read = decode_enriched(enriched, DecodeLevel::kStrict);
    ASSERT_TRUE(read.molecule) << read.error;
    EXPECT_EQ(strip_smiles(enriched), record.smiles);
    const Coordinates coordinates = read.molecule->coordinates();
    for (size_t k = 0; k < record.atoms; ++k) {
      const int32_t* units = &record.units[3 * (record.atoms * (i % 3) + k)];
      EXPECT_DOUBLE_EQ(coordinates[k].x, units[0] / 1e4);
      EXPECT_DOUBLE_EQ(coordinates[k].y, units[1] / 1e4);
      EXPECT_DOUBLE_EQ(coordinates[k].z, units[2] / 1e4);
    }
    EXPECT_TRUE(judge_stereo(*read.molecule).all_matched());
    text += "[SMILES]" + record.smiles + "[/SMILES][CONFORMER]" + enriched + "[/CONFORMER]\n";
  }
  EXPECT_EQ(files.at("all.txt"), text);
  RecordReader sdf((task.folder / "all.sdf").string());
  size_t structures = 0;
  for (InputRecord record; sdf.next(record); ++structures) {
    EXPECT_EQ(molecule_of(record).canonical_smiles(), binary.record(structures / 3).smiles);
    EXPECT_EQ(record.title, structures < 3 ? "ethanol" : binary.record(structures / 3).smiles);
  }
  EXPECT_EQ(structures, 9U);
  EXPECT_TRUE(inspect_file(task.folder / "all.mol3d").problems.empty());
}

TEST_F(DatasetTest, BytesDoNotDependOnWorkersNorConformersOnOrderOrSpelling) {
  const std::string input = write("in.smi", kSmiles);
  DatasetJob one = job(input, "one");
  one.settings.splits = Splits::parse("train=0.5,test=0.5");
  one.workers = 1;
  DatasetJob three = one;
  three.folder = folder_ / "three";
  three.workers = 3;
  build_dataset(one, {});
  build_dataset(three, {});
  EXPECT_EQ(files_of(one.folder), files_of(three.folder));

  std::vector<std::string> reversed(kSmiles.rbegin(), kSmiles.rend());
  std::replace(reversed.begin(), reversed.end(), std::string("CC#N"), std::string("N#CC"));
  DatasetJob other = one;
  other.inputs = {write("reversed.smi", reversed)};
  other.folder = folder_ / "other";
  build_dataset(other, {});
  for (const char* name : {"train.jsonl", "test.jsonl"}) {
    EXPECT_EQ(sorted_lines(files_of(one.folder).at(name)),
              sorted_lines(files_of(other.folder).at(name)));
  }

  DatasetJob seeded = one;
  seeded.folder = folder_ / "seeded";
  seeded.settings.seed = 1;
  build_dataset(seeded, {});
  EXPECT_NE(files_of(seeded.folder).at("train.jsonl"), files_of(one.folder).at("train.jsonl"));
}

TEST_F(DatasetTest, ConformersAreNested) {
  DatasetJob few = job(write("in.smi", {"CCCCCCO"}), "few");
  few.settings.embed.conformers = 2;
  DatasetJob more = few;
  more.folder = folder_ / "more";
  more.settings.embed.conformers = 5;
  build_dataset(few, {});
  build_dataset(more, {});
  const std::string lines = files_of(few.folder).at("all.jsonl");
  EXPECT_EQ(files_of(more.folder).at("all.jsonl").substr(0, lines.size()), lines);
  const DatasetRecord record = DatasetFile(more.folder / "all.mol3d").record(0);
  ASSERT_EQ(record.conformers(), 5U);
  EXPECT_EQ(record.force_field, ForceFieldKind::kMmff94);
  EXPECT_TRUE(std::isfinite(record.energies[4]));
}

TEST_F(DatasetTest, HangingAndCrashingMoleculesCostOnlyThemselves) {
  DatasetJob task = job(write("in.smi", kSmiles), "out");
  task.settings.timeout = std::chrono::seconds(5);
  task.before_embedding = [](const std::string& smiles) {
    if (smiles == "C1CCCCC1") std::this_thread::sleep_for(std::chrono::hours(1));
    if (smiles == "CC#N") std::abort();
  };
  const DatasetSummary summary = build_dataset(task, {});
  ASSERT_TRUE(summary.complete);
  EXPECT_EQ(summary.totals.outcomes.of(Outcome::kTimeout), 1U);
  EXPECT_EQ(summary.totals.outcomes.of(Outcome::kCrashed), 1U);
  EXPECT_EQ(summary.totals.outcomes.of(Outcome::kDone), kSmiles.size() - 3);  // one is a duplicate
  const auto failed = lines_of(files_of(task.folder).at("failed.jsonl"));
  ASSERT_EQ(failed.size(), 2U);
  EXPECT_EQ(failed[0]["text"], "C1CCCCC1");
  EXPECT_EQ(failed[0]["outcome"], "timeout");
  EXPECT_EQ(failed[0]["cause"], "killed after 5 s");
  EXPECT_EQ(failed[1]["outcome"], "crashed");
  EXPECT_EQ(failed[1]["smiles"], "CC#N");
}

TEST_F(DatasetTest, AnInterruptedRunIsCompletedToTheSameBytes) {
  std::vector<std::string> lines;
  for (int i = 1; i < 40; ++i)
    lines.push_back(std::string(static_cast<size_t>(i % 25 + 1), 'C') + "O");
  lines.insert(lines.begin() + 7, "broken(");
  DatasetJob whole = job(write("in.smi", lines), "whole");
  whole.settings.splits = Splits::parse("train=0.7,test=0.3");
  build_dataset(whole, {});

  DatasetJob pieces = whole;
  pieces.folder = folder_ / "pieces";
  pieces.workers = 1;
  size_t stops = 0;
  for (;; pieces.resume = true) {
    uint64_t begun = 0;
    bool counted = false;
    uint64_t done = 0;
    DatasetCallbacks callbacks;
    callbacks.progress = [&](const DatasetTotals& totals) {
      done = totals.outcomes.total();
      if (!counted) begun = done;
      counted = true;
    };
    callbacks.stop = [&] { return done >= begun + 9; };
    const DatasetSummary summary = build_dataset(pieces, callbacks);
    if (summary.complete) break;
    ++stops;
    EXPECT_TRUE(fs::exists(pieces.folder / "journal"));
    EXPECT_THROW(dataset_files(pieces.folder), Error);
    ASSERT_LT(stops, 20U);
    // What a killed run had written beyond its last checkpoint is cut off again.
    for (const char* name : {"train.mol3d", "train.jsonl", "failed.jsonl"}) {
      std::ofstream(pieces.folder / name, std::ios::app) << "torn";
    }
    DatasetJob changed = pieces;
    changed.resume = true;
    changed.settings.seed = 5;
    EXPECT_THROW(build_dataset(changed, {}), Error);
    changed.resume = false;
    EXPECT_THROW(build_dataset(changed, {}), Error);  // an unfinished run is not overwritten
  }
  EXPECT_GE(stops, 2U);
  EXPECT_EQ(files_of(pieces.folder), files_of(whole.folder));
}

TEST_F(DatasetTest, AFinishedDataSetIsKept) {
  DatasetJob task = job(write("in.smi", {"CCO"}), "out");
  build_dataset(task, {});
  const Files before = files_of(task.folder);
  EXPECT_THROW(build_dataset(task, {}), Error);
  task.resume = true;
  const DatasetSummary summary = build_dataset(task, {});
  EXPECT_TRUE(summary.was_complete);
  EXPECT_EQ(summary.totals.outcomes.of(Outcome::kDone), 1U);
  task.settings.frame = Frame::kRaw;
  EXPECT_THROW(build_dataset(task, {}), Error);
  EXPECT_EQ(files_of(task.folder), before);
  task.resume = false;
  task.overwrite = true;
  build_dataset(task, {});
  EXPECT_NE(files_of(task.folder), before);
}

TEST_F(DatasetTest, ADamagedDescriptionIsNamed) {
  DatasetJob task = job(write("in.smi", {"CCO"}), "out");
  build_dataset(task, {});
  task.resume = true;
  const fs::path path = task.folder / "dataset.json";
  const std::string whole = files_of(task.folder).at("dataset.json");
  const auto error_with = [&](const std::string& pointer, const nlohmann::json& value) {
    nlohmann::ordered_json changed = nlohmann::ordered_json::parse(whole);
    changed[nlohmann::ordered_json::json_pointer(pointer)] = value;
    std::ofstream(path) << changed.dump();
    try {
      build_dataset(task, {});
      dataset_files(task.folder);
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string();
  };
  const std::pair<const char*, nlohmann::json> changes[] = {
      {"/settings", 7},
      {"/settings/seed", nlohmann::json::array({0})},
      {"/totals/conformers", 2.3e29},
      {"/totals/outcomes/done", -1},
      {"/checks/exclusion_records_unreadable", "1"},
      {"/records_content", 7},
      {"/splits/..~1..~1x", 1}};
  for (const auto& [pointer, value] : changes)
    EXPECT_EQ(error_with(pointer, value).rfind(path.string() + ": ", 0), 0U) << pointer;
  std::ofstream(path) << whole;
  EXPECT_TRUE(build_dataset(task, {}).was_complete);
}

TEST_F(DatasetTest, ExcludedMoleculesAreAbsent) {
  const std::string input = write(
      "in.smi", {"C[C@@H](O)Cl", "CCc1ccccc1", "CCO", "NC1CCCCC1", "C1CC1C1CC1", "[13CH3]CN"});
  const std::string list =
      write("list.smi", {"C[C@H](O)Cl enantiomer", "c1ccccc1", "CCN", "no molecule"});
  DatasetJob task = job(input, "out");
  task.exclude = {list};
  DatasetSummary summary = build_dataset(task, {});
  EXPECT_EQ(summary.totals.outcomes.of(Outcome::kExcluded), 2U);  // a stereoisomer, an isotopomer
  EXPECT_EQ(summary.totals.outcomes.of(Outcome::kDone), 4U);
  EXPECT_EQ(summary.excluded_unreadable, 1U);
  EXPECT_EQ(summary.verified_molecules, 4U);

  task.folder = folder_ / "scaffolds";
  task.settings.exclude_scaffolds = true;
  summary = build_dataset(task, {});
  EXPECT_EQ(summary.totals.outcomes.of(Outcome::kExcludedScaffold), 1U);  // the ethylbenzene only
  EXPECT_EQ(lines_of(files_of(task.folder).at("skipped.jsonl"))[1]["cause"], "scaffold c1ccccc1");

  // The check sees what is there: the first data set holds a molecule of this other list.
  const DatasetFile file(folder_ / "out" / "all.mol3d");
  WorkerPool pool(1, std::chrono::seconds(60), [runner = TaskRunner({})](const std::string& bytes) {
    return runner.run(bytes);
  });
  ExclusionList other;
  other.read(
      {write("other.smi", {"OCC"})}, {}, pool, [](const std::string&) {}, [] { return false; });
  const AbsenceCheck check = check_absent(
      {&file, &file}, other, pool, [](uint64_t) {}, [] { return false; });
  EXPECT_EQ(check.molecules, 8U);
  EXPECT_EQ(check.hits, 2U);
  EXPECT_EQ(check.shared, 4U);  // all that stands in both
  EXPECT_FALSE(check.ok());
  ASSERT_EQ(check.examples.size(), 6U);
  EXPECT_NE(check.examples[0].find("\"CCO\": is on the list"), std::string::npos);
}

TEST_F(DatasetTest, StereoisomersShareASplit) {
  DatasetJob task = job(
      write("in.smi", {"C[C@@H](O)Cl", "C[C@H](O)Cl", "CC(O)Cl", "C/C=C/C", "C/C=C\\C"}), "out");
  task.settings.splits = Splits::parse("a=0.25,b=0.25,c=0.25,d=0.25");
  build_dataset(task, {});
  std::multiset<uint64_t> sizes;
  for (const fs::path& path : dataset_files(task.folder)) sizes.insert(DatasetFile(path).size());
  EXPECT_TRUE((sizes == std::multiset<uint64_t>{0, 0, 2, 3}) ||
              (sizes == std::multiset<uint64_t>{0, 0, 0, 5}));
}

TEST_F(DatasetTest, GivenCoordinatesAreTaken) {
  // Ethanol typed backwards; the coordinates follow the atoms into the canonical order.
  const std::string input =
      write("in.tsv", {"OCC\t10 20 30 14300 0 3 20000 -9999 -4", "CCO\t1 2 3", "CC\t1 2 3 4 5 x"});
  DatasetJob task = job(input, "out");
  task.reader.format = RecordFormat::kSmiles;
  task.settings.given_coordinates = true;
  task.settings.keep_duplicates = true;
  task.settings.frame = Frame::kRaw;
  const DatasetSummary summary = build_dataset(task, {});
  EXPECT_EQ(summary.totals.outcomes.of(Outcome::kBadCoordinates), 2U);
  const DatasetRecord record = DatasetFile(task.folder / "all.mol3d").record(0);
  EXPECT_EQ(record.smiles, "CCO");
  EXPECT_EQ(record.title, "");
  EXPECT_EQ(record.units, (std::vector<int32_t>{20000, -9999, -4, 14300, 0, 3, 10, 20, 30}));
  EXPECT_EQ(lines_of(files_of(task.folder).at("all.jsonl"))[0]["embedded_smiles"],
            "[C]<2,-0.9999,-0.0004>[C]<1.43,0,0.0003>[O]<0.001,0.002,0.003>");

  // Its SDF and its table, read as given coordinates, give the same data set again.
  for (const char* name : {"all.sdf", "all.tsv"}) {
    DatasetJob again = job((task.folder / name).string(), std::string("again_") + name);
    again.settings = task.settings;
    if (std::string(name) == "all.tsv") again.reader.format = RecordFormat::kSmiles;
    build_dataset(again, {});
    EXPECT_EQ(DatasetFile(again.folder / "all.mol3d").record(0).units, record.units) << name;
  }
}

}  // namespace
}  // namespace molgen3d
