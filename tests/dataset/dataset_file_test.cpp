#include "dataset/dataset_file.h"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <fstream>
#include <limits>

#include "base/error.h"
#include "dataset/inspection.h"

namespace molgen3d {
namespace {

DatasetRecord record_of(const std::string& smiles, uint32_t atoms, uint32_t conformers) {
  DatasetRecord record;
  record.source = smiles.size() * 1000000007ULL;
  record.smiles = smiles;
  record.title = std::string("t\xC3\xA4 \t", 5).substr(0, smiles.size() % 6);
  record.force_field = static_cast<ForceFieldKind>(smiles.size() % 4);
  record.atoms = atoms;
  for (uint32_t i = 0; i < 3 * atoms * conformers; ++i) {
    record.units.push_back(static_cast<int32_t>(i * 2654435761U));
  }
  for (uint32_t i = 0; i < conformers; ++i) record.energies.push_back(-1.5 * i);
  return record;
}

std::string read_bytes(const std::filesystem::path& path) {
  std::ifstream in(path, std::ios::binary);
  return {(std::istreambuf_iterator<char>(in)), {}};
}

void write_bytes(const std::filesystem::path& path, const std::string& bytes) {
  std::ofstream(path, std::ios::binary) << bytes;
}

class DatasetFileTest : public testing::Test {
 protected:
  DatasetFileTest() {
    DatasetWriter writer(path_);
    for (const DatasetRecord& record : records_) writer.append(pack_record(record));
    writer.finish();
  }
  ~DatasetFileTest() override { std::filesystem::remove(path_); }

  std::string error() const {
    try {
      const DatasetFile file(path_);
      for (uint64_t i = 0; i < file.size(); ++i) file.record(i);
    } catch (const Error& caught) {
      return caught.what();
    }
    return "";
  }

  const std::filesystem::path path_ =
      testing::TempDir() +
      fmt::format("dataset_file_{}_{}.mol3d",
                  testing::UnitTest::GetInstance()->current_test_info()->name(), ::getpid());
  const std::vector<DatasetRecord> records_ = {record_of("C", 1, 1), record_of("CCO", 3, 5),
                                               record_of("c1ccccc1", 6, 2),
                                               record_of("N", 1, 2000)};
};

TEST_F(DatasetFileTest, RoundTrip) {
  const DatasetFile file(path_);
  ASSERT_EQ(file.size(), records_.size());
  EXPECT_EQ(file.conformers(), 1U + 5 + 2 + 2000);
  EXPECT_EQ(file.positions(), 1U + 15 + 12 + 2000);
  for (size_t i = records_.size(); i-- > 0;) {  // any order
    const DatasetRecord read = file.record(i);
    EXPECT_EQ(read.source, records_[i].source);
    EXPECT_EQ(read.smiles, records_[i].smiles);
    EXPECT_EQ(read.title, records_[i].title);
    EXPECT_EQ(read.force_field, records_[i].force_field);
    EXPECT_EQ(read.atoms, records_[i].atoms);
    EXPECT_EQ(read.units, records_[i].units);
    EXPECT_EQ(read.energies, records_[i].energies);
  }
  EXPECT_THROW(file.record(records_.size()), Error);
  EXPECT_TRUE(inspect_file(path_).problems.empty());
}

TEST_F(DatasetFileTest, LayoutIsTheDocumentedOne) {
  const std::string bytes = read_bytes(path_);
  EXPECT_EQ(bytes.substr(0, 8), "MOL3DSET");
  EXPECT_EQ(bytes.substr(bytes.size() - 8), "3DSETEND");
  // Header 16, record header 8, body header 24, then the SMILES.
  EXPECT_EQ(bytes[16 + 8 + 24], 'C');
}

TEST_F(DatasetFileTest, EveryDamagedByteIsNoticed) {
  const std::string bytes = read_bytes(path_);
  for (size_t i = 0; i<bytes.size(); i += bytes.size()> 2000 && i > 300 ? 97 : 1) {
    if (i >= 12 && i < 16) continue;  // reserved
    std::string bad = bytes;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    write_bytes(path_, bad);
    const std::string cause = error();
    EXPECT_NE(cause.find(path_.string()), std::string::npos) << "byte " << i << ": " << cause;
  }
}

TEST_F(DatasetFileTest, ADamagedRecordIsNamedAndTheOthersStand) {
  std::string bytes = read_bytes(path_);
  bytes[bytes.find("CCO") + 1] = 'N';
  write_bytes(path_, bytes);
  const DatasetFile file(path_);
  EXPECT_NO_THROW(file.record(0));
  EXPECT_NO_THROW(file.record(2));
  EXPECT_NE(error().find("record 1 (byte "), std::string::npos) << error();
  const FileSummary summary = inspect_file(path_);
  EXPECT_EQ(summary.molecules, 3U);
  EXPECT_EQ(summary.problems.size(), 1U);
}

TEST_F(DatasetFileTest, CutOffFilesAreRefused) {
  const std::string bytes = read_bytes(path_);
  for (const size_t size :
       {size_t{0}, size_t{5}, size_t{16}, size_t{60}, bytes.size() / 2, bytes.size() - 1}) {
    write_bytes(path_, bytes.substr(0, size));
    EXPECT_FALSE(error().empty()) << size;
  }
  std::string other = bytes;
  other[8] = 2;
  write_bytes(path_, other);
  EXPECT_NE(error().find("version 2"), std::string::npos) << error();
}

TEST_F(DatasetFileTest, AnUnfinishedFileIsContinued) {
  const std::string whole = read_bytes(path_);
  uint64_t size = 0;
  {
    DatasetWriter writer(path_);
    writer.append(pack_record(records_[0]));
    writer.append(pack_record(records_[1]));
    writer.sync();
    size = writer.size();
    writer.append(pack_record(records_[3]));  // written after the last checkpoint
    writer.sync();
  }
  {
    DatasetWriter writer(path_, size);
    EXPECT_EQ(writer.records(), 2U);
    writer.append(pack_record(records_[2]));
    writer.append(pack_record(records_[3]));
    writer.finish();
  }
  EXPECT_EQ(read_bytes(path_), whole);
}

TEST(PackRecord, SizesMustAgree) {
  DatasetRecord record = record_of("CC", 2, 2);
  record.units.pop_back();
  EXPECT_THROW(pack_record(record), Error);
  EXPECT_THROW(unpack_record("short"), Error);
  // Nothing but a header, whose sizes would agree with each other.
  EXPECT_THROW(unpack_record(pack_record(record_of("CC", 2, 0))), Error);
}

}  // namespace
}  // namespace molgen3d
