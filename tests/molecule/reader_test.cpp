#include "molecule/reader.h"

#include <gtest/gtest.h>
#include <lzma.h>
#include <zlib.h>

#include <cstdio>
#include <fstream>

#include "base/error.h"

namespace molgen3d {
namespace {

std::vector<InputRecord> read(const std::string& text, const std::string& name = "x.smi",
                              const ReaderOptions& options = {}) {
  RecordReader reader = RecordReader::from_text(text, name, options);
  std::vector<InputRecord> records;
  for (InputRecord record; reader.next(record);) {
    EXPECT_EQ(record.index, records.size());
    records.push_back(record);
  }
  return records;
}

TEST(SmilesReader, TitlesLineEndingsAndMark) {
  const auto records = read(
      "\xEF\xBB\xBF"
      "CCO ethanol 1 \r\nC\tmethane\r\n  N\nO");
  ASSERT_EQ(records.size(), 4U);
  EXPECT_EQ(records[0].smiles, "CCO");
  EXPECT_EQ(records[0].title, "ethanol 1");
  EXPECT_EQ(records[1].title, "methane");
  EXPECT_EQ(records[2].smiles, "N");
  EXPECT_EQ(records[3].line, 4U);
  EXPECT_EQ(molecule_of(records[0]).title(), "ethanol 1");
}

TEST(SmilesReader, BadLinesAreRecords) {
  const auto records =
      read("C\n\nC\0C\nCCCCCCCCCC\n \nN\n" + std::string(), "x.smi", {.max_line = 5});
  ASSERT_GE(records.size(), 3U);
  EXPECT_EQ(records[1].cause, "empty line");
  EXPECT_EQ(record_error("f.smi", records[1], records[1].cause), "f.smi:2: \"\": empty line");
  const auto long_lines = read("CCCCCCCCCC\nN\n", "x", {.max_line = 5});
  EXPECT_EQ(long_lines[0].cause, "line longer than 5 bytes");
  EXPECT_EQ(long_lines[1].smiles, "N");
  EXPECT_EQ(read(std::string("C\0C\nN", 5))[0].cause, "NUL byte");
  EXPECT_EQ(read("").size(), 0U);
  EXPECT_THROW(molecule_of(records[1]), Error);
}

TEST(CsvReader, ColumnsByNameAndNumber) {
  const std::string text =
      "id,\"Smiles\",note\n1,CCO,\"a, \"\"b\"\"\"\n2,\"C\",\"two\nlines\"\n3\n4,,x\n5,N,\"open";
  const auto records = read(text, "x.csv", {.title_column = "note"});
  ASSERT_EQ(records.size(), 5U);
  EXPECT_EQ(records[0].smiles, "CCO");
  EXPECT_EQ(records[0].title, "a, \"b\"");
  EXPECT_EQ(records[1].title, "two\nlines");
  EXPECT_EQ(records[2].line, 5U);
  EXPECT_EQ(records[2].cause, "1 columns, SMILES are in column 2");
  EXPECT_EQ(records[3].cause, "empty SMILES field");
  EXPECT_EQ(records[4].cause, "a quoted field that opens in line 7 is never closed");
  EXPECT_EQ(read("7\tC\n", "x.tsv", {.smiles_column = "2", .csv_header = false})[0].smiles, "C");
  EXPECT_THROW(read("a,b\n", "x.csv"), Error);
  EXPECT_THROW(read("", "x.csv"), Error);
}

TEST(SmilesReader, HeadersCommentsAndBlankEndsAreNoRecords) {
  std::vector<std::string> notes;
  ReaderOptions options;
  options.note = [&](const std::string& line) { notes.push_back(line); };
  const auto records =
      read("# list\nSMILES\tID\nCCO 1\n#more\n\nCCN 2\r\r\n \n\n", "x.smi", options);
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].title, "1");
  EXPECT_EQ(records[1].cause, "empty line");
  EXPECT_EQ(records[1].line, 5U);
  EXPECT_EQ(records[2].title, "2");
  ASSERT_EQ(notes.size(), 2U);
  EXPECT_EQ(notes[0], "x.smi:1: \"# list\": a comment; such lines are passed over");
  EXPECT_EQ(notes[1], "x.smi:2: \"SMILES\\x09ID\": a header line, passed over");
  // Only the first line can be one; a tag is none.
  EXPECT_EQ(read("C\nsmiles\n").size(), 2U);
  EXPECT_EQ(read("[SMILES]C[/SMILES]\n").size(), 1U);
  EXPECT_EQ(read("\n\n\n").size(), 0U);
}

TEST(SmilesReader, DelimiterEndsTheSmiles) {
  ReaderOptions options;
  options.delimiter = delimiter_of("comma");
  const auto records = read("CCO,a, b\nCC N,c\nC\n", "x.smi", options);
  ASSERT_EQ(records.size(), 3U);
  EXPECT_EQ(records[0].title, "a, b");
  EXPECT_EQ(records[1].smiles, "CC N");
  EXPECT_EQ(records[2].title, "");
  EXPECT_EQ(delimiter_of("\\t"), '\t');
  EXPECT_EQ(delimiter_of("~"), '~');
  EXPECT_THROW(delimiter_of("two"), Error);
}

TEST(SdfReader, DelimitersWithSpaceAndTitlesFromItems) {
  const std::string carbon =
      "first\n  x\n\n  1  0  0  0  0  0  0  0  0  0999 V2000\n"
      "    1.0000    2.0000    3.0000 C   0  0\nM  END\n";
  ReaderOptions options;
  options.title_column = "ID";
  const auto records =
      read(carbon + ">  <ID>\n name 1 \n\n$$$$ \n" + carbon + "$$$$\t\n", "x.sdf", options);
  ASSERT_EQ(records.size(), 2U);
  EXPECT_EQ(records[0].title, "name 1");
  EXPECT_EQ(records[1].title, "first");
  EXPECT_EQ(molecule_of(records[0]).title(), "name 1");
}

TEST(SdfReader, TitlesOrderAndBrokenRecords) {
  const std::string carbon =
      "\n  x\n\n  1  0  0  0  0  0  0  0  0  0999 V2000\n"
      "    1.0000    2.0000    3.0000 C   0  0\nM  END\n";
  const auto records =
      read("first" + carbon + "$$$$\n$$$$\nbroken\n\n\njunk\n$$$$\r\nlast" + carbon, "x.sdf");
  ASSERT_EQ(records.size(), 4U);
  EXPECT_EQ(molecule_of(records[0]).title(), "first");
  EXPECT_EQ(molecule_of(records[0]).coordinates(), (Coordinates{{1, 2, 3}}));
  EXPECT_EQ(records[1].cause, "empty record");
  EXPECT_THROW(molecule_of(records[2]), Error);
  EXPECT_EQ(records[3].title, "last");
  EXPECT_EQ(molecule_of(records[3]).atom_count(), 1U);
  EXPECT_EQ(read("a" + carbon, "x.sdf", {.max_record = 20})[0].cause,
            "record longer than 20 bytes");
}

TEST(FileReader, PlainGzipTruncatedAndMissing) {
  const std::string path = testing::TempDir() + "molecule_reader_test.smi.gz";
  std::string text;
  for (int i = 0; i < 20000; ++i)
    text += "CCO" + std::string(static_cast<size_t>(i % 7), 'C') + "\n";
  gzFile file = gzopen(path.c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  size_t good = 0;
  InputRecord record;
  for (RecordReader reader(path); reader.next(record);) good += record.ok();
  EXPECT_EQ(good, 20000U);

  std::ifstream in(path, std::ios::binary);
  std::string bytes((std::istreambuf_iterator<char>(in)), {});
  std::ofstream(path, std::ios::binary) << bytes.substr(0, bytes.size() / 2);
  std::string cause;
  size_t failed = 0;
  for (RecordReader reader(path); reader.next(record);) {
    if (!record.ok()) cause = record.cause, ++failed;
  }
  EXPECT_EQ(failed, 1U);
  EXPECT_EQ(cause, "compressed data end too early");
  std::remove(path.c_str());
  EXPECT_THROW(RecordReader reader(path), Error);
  EXPECT_THROW(RecordReader reader("/"), Error);
}

TEST(FileReader, XzWholeCutAndCorrupt) {
  std::string text;
  for (size_t i = 0; i < 50000; ++i) text += "CCO" + std::string(i * i % 31, 'N') + "\n";
  std::string packed(lzma_stream_buffer_bound(text.size()), '\0');
  size_t size = 0;
  ASSERT_EQ(lzma_easy_buffer_encode(
                1, LZMA_CHECK_CRC64, nullptr, reinterpret_cast<const uint8_t*>(text.data()),
                text.size(), reinterpret_cast<uint8_t*>(packed.data()), &size, packed.size()),
            LZMA_OK);
  packed.resize(size);
  // Told by its first bytes, whatever the name.
  const std::string path = testing::TempDir() + "molecule_reader_test.smi";
  const auto read_file = [&](const std::string& bytes, std::string& cause) {
    std::ofstream(path, std::ios::binary) << bytes;
    size_t good = 0;
    InputRecord record;
    for (RecordReader reader(path); reader.next(record);) {
      good += record.ok();
      if (!record.ok()) cause = record.cause;
    }
    return good;
  };
  std::string cause;
  EXPECT_EQ(read_file(packed, cause), 50000U);
  EXPECT_EQ(read_file(packed + packed, cause), 100000U);
  EXPECT_EQ(cause, "");
  const size_t cut = read_file(packed.substr(0, size - 100), cause);
  EXPECT_LE(cut, 50000U);
  EXPECT_EQ(cause, "compressed data end too early");
  std::string bad = packed;
  bad[size / 2] = static_cast<char>(bad[size / 2] ^ 1);
  EXPECT_LT(read_file(bad, cause), 50000U);
  EXPECT_EQ(cause, "compressed data are corrupt");
  std::remove(path.c_str());
}

}  // namespace
}  // namespace molgen3d
