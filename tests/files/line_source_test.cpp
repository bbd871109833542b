#include "files/line_source.h"

#include <zlib.h>

#include "files/csv_rows.h"
#include "files/file_kind.h"
#include "files/test_folder.h"

namespace molgen3d {
namespace {

using Status = LineSource::Status;

std::vector<std::string> lines_of(LineSource source) {
  std::vector<std::string> lines;
  std::string line;
  for (Status status; (status = source.next(line, 1000)) != Status::kEnd;) {
    lines.push_back(status == Status::kBroken ? "broken: " + line : line);
    EXPECT_EQ(source.line_number(), lines.size());
  }
  return lines;
}

using Lines = std::vector<std::string>;

TEST(LineSource, KnowsEveryLineBreak) {
  EXPECT_EQ(lines_of(LineSource::memory("a\nb\r\nc\rd")), (Lines{"a", "b", "c", "d"}));
  EXPECT_EQ(lines_of(LineSource::memory("a\r\rb\r")), (Lines{"a", "", "b"}));
  EXPECT_EQ(lines_of(LineSource::memory("a\r\r\nb\r\r\n")), (Lines{"a", "b"}));
  EXPECT_EQ(lines_of(LineSource::memory("\n\r\n\xEF\xBB\xBFx")), (Lines{"", "", "\xEF\xBB\xBFx"}));
  EXPECT_EQ(lines_of(LineSource::memory("\xEF\xBB\xBFx")), (Lines{"x"}));
  EXPECT_EQ(lines_of(LineSource::memory("")), Lines());
}

using LineFile = FolderTest;

TEST_F(LineFile, ALineThatTheStreamCutsOffIsBroken) {
  std::string text;
  for (int i = 0; i < 20000; ++i) text += "line " + std::to_string(i * 7919 % 10007) + "\n";
  gzFile file = gzopen(path("x.gz").c_str(), "wb");
  gzwrite(file, text.data(), static_cast<unsigned>(text.size()));
  gzclose(file);
  const std::string packed = read("x.gz");
  ASSERT_EQ(lines_of(LineSource::file(path("x.gz"))).size(), 20000U);
  const Lines lines =
      lines_of(LineSource::file(write("cut.gz", packed.substr(0, packed.size() / 2))));
  ASSERT_GT(lines.size(), 100U);
  EXPECT_TRUE(lines.back().starts_with("broken: ")) << lines.back();
  for (size_t i = 0; i + 1 < lines.size(); ++i)
    ASSERT_EQ(lines[i], "line " + std::to_string(i * 7919 % 10007));
  // Joined files are one, and what follows them otherwise is padding.
  EXPECT_EQ(lines_of(LineSource::file(write("two.gz", packed + packed))).size(), 40000U);
  EXPECT_EQ(lines_of(LineSource::file(write("pad.gz", packed + std::string(512, '\0')))).size(),
            20000U);
}

TEST_F(LineFile, OtherPackingsAreRefusedByName) {
  const std::string line = message_of([&] { LineSource::file(write("x", "BZh91AY&SY")); });
  EXPECT_NE(line.find("packed with bzip2"), std::string::npos) << line;
  EXPECT_NE(message_of([&] { LineSource::file(write("x", "PK\x03\x04....")); }).find("zip"),
            std::string::npos);
}

TEST(FileKind, TellsWhatIsNoSmiles) {
  EXPECT_EQ(foreign_content("3\nwater\n O 0.0 0.1 0.2\n"), "an XYZ file");
  EXPECT_EQ(foreign_content("# x\n@<TRIPOS>MOLECULE\n"), "a MOL2 file");
  EXPECT_EQ(foreign_content("HETATM    1  C   UNK"), "a PDB file");
  EXPECT_EQ(foreign_content("\n<!DOCTYPE html>"), "HTML or XML");
  EXPECT_EQ(foreign_content("{\"a\": 1}"), "JSON");
  EXPECT_EQ(foreign_content("x\n\n\n  1  0  0  0  0  0  0  0  0  0999 V2000\n").substr(0, 6),
            "an SDF");
  for (const char* smiles : {"CCO ethanol V2000\n", "[C]<0,0,0>\n", "[SMILES]C[/SMILES]\n",
                             "C\n3\n", "SMILES ID\n", "#x\nC\n", ""}) {
    EXPECT_EQ(foreign_content(smiles), "") << smiles;
  }
  EXPECT_EQ(foreign_name("a/B.MOL2"), "a MOL2 file");
  EXPECT_EQ(foreign_name("x.xyz.gz"), "an XYZ file");
  EXPECT_EQ(foreign_name("x.smi.gz"), "");
}

std::vector<CsvRows::Row> rows_of(const std::string& text, size_t limit = 1000,
                                  size_t* lines_split = nullptr) {
  LineSource lines = LineSource::memory(text);
  CsvRows rows(lines, ',', limit);
  std::vector<CsvRows::Row> out;
  for (CsvRows::Row row; rows.next(row);) out.push_back(row);
  if (lines_split != nullptr) *lines_split = rows.lines_split();
  return out;
}

TEST(CsvRows, AnOpenQuoteCostsOneRow) {
  const auto rows = rows_of("a,\"b\nc\"\n1,\"open\n2,x\n3,\"\"\n");
  ASSERT_EQ(rows.size(), 4U);
  EXPECT_EQ(rows[0].fields, (Lines{"a", "b\nc"}));
  EXPECT_EQ(rows[1].line, 3U);
  EXPECT_EQ(rows[1].cause, "a quoted field that opens in line 3 is never closed");
  EXPECT_EQ(rows[2].fields, (Lines{"2", "x"}));
  EXPECT_EQ(rows[3].fields, (Lines{"3", ""}));
  // The quote may open behind a line break of another field.
  const auto later = rows_of("\"a\nb\",\"open\n2,x\n");
  ASSERT_EQ(later.size(), 2U);
  EXPECT_EQ(later[0].cause, "a quoted field that opens in line 2 is never closed");
  EXPECT_EQ(later[1].fields, (Lines{"2", "x"}));
}

TEST(CsvRows, AreReadInOnePass) {
  // 1 MB of short lines behind an open quote: the work is linear, all rows are there.
  std::string text = "1,\"open\n";
  constexpr size_t kRows = 60000;
  for (size_t i = 0; i < kRows; ++i) text += "2,CCO,ethanol\n";
  size_t work = 0;
  const auto rows = rows_of(text, size_t{1} << 20, &work);
  EXPECT_EQ(work, 2 * kRows + 1);
  ASSERT_EQ(rows.size(), kRows + 1);
  EXPECT_FALSE(rows[0].cause.empty());
  for (size_t i = 1; i <= kRows; ++i) ASSERT_EQ(rows[i].line, i + 1);
  const auto limited = rows_of(text, 100);
  ASSERT_EQ(limited.size(), kRows + 1);
  EXPECT_EQ(
      limited[0].cause,
      "a quoted field that opens in line 1 is not closed within the longest row that is read");
}

}  // namespace
}  // namespace molgen3d
