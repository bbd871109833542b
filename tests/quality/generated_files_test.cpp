#include "quality/generated_files.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include "base/error.h"
#include "data_files.h"
#include "molecule/test_molecules.h"
#include "molecule/writers.h"

namespace molgen3d {
namespace {

std::string error_of(const std::string& path) {
  try {
    read_generated(path);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

TEST(GeneratedSet, JsonLinesOfGenerateWithFailures) {
  const test::TemporaryFolder folder;
  const GeneratedSet set = read_generated(folder.write(
      "g.jsonl",
      R"({"record":0,"source":"a:1","title":"t","input":"OC","sample":0,"seed":1,"smiles":"CO","enriched":"[C]<0,0,0>[O]<1.4,0,0>"})"
      "\n"
      R"({"record":0,"source":"a:1","title":"t","sample":1,"seed":1,"error":"no end of sequence within 512 tokens"})"
      "\n\n"
      R"({"record":1,"source":"a:2","title":"","input":"CX","sample":0,"seed":1,"error":"SMILES \"CX\": syntax"})"
      "\n"));
  ASSERT_EQ(set.samples.size(), 3U);
  EXPECT_EQ(set.label, "g");
  EXPECT_EQ(set.samples[0].smiles, "CO");
  EXPECT_EQ(set.samples[1].smiles, "CO");  // named by another sample of the record
  EXPECT_EQ(set.samples[1].failure, "no end of sequence within N tokens");
  EXPECT_EQ(set.samples[2].smiles, "CX");
  EXPECT_EQ(set.samples[2].failure, "SMILES: syntax");
}

TEST(GeneratedSet, SdfWithItsFailedSamplesBesideIt) {
  const test::TemporaryFolder folder;
  const std::string sdf = sdf_record(test::embedded("CCO", 1), {{"SMILES", "OCC"}});
  folder.write("g.sdf.failed.jsonl",
               R"({"record":0,"title":"","input":"OCC","sample":1,"error":"the answer is not one"})"
               "\n");
  const GeneratedSet set = read_generated(folder.write("g.sdf", sdf));
  ASSERT_EQ(set.samples.size(), 2U);
  EXPECT_EQ(set.samples[0].smiles, "OCC");
  EXPECT_FALSE(set.samples[0].mol_block.empty());
  EXPECT_EQ(set.samples[1].failure, "the answer is not one");
  EXPECT_NE(set.note.find("1 failed samples"), std::string::npos);
}

TEST(GeneratedSet, GzippedFiles) {
  const test::TemporaryFolder folder;
  const std::string sdf = sdf_record(test::embedded("CCO", 1), {});
  gzFile file = gzopen(folder.path("a.sdf.gz").c_str(), "wb");
  gzwrite(file, sdf.data(), static_cast<unsigned>(sdf.size()));
  gzclose(file);
  EXPECT_EQ(read_generated(folder.path("a.sdf.gz")).samples.size(), 1U);
  EXPECT_EQ(read_generated(folder.path("a.sdf.gz")).label, "a");
}

TEST(GeneratedSet, ErrorsNameFileLineAndText) {
  const test::TemporaryFolder folder;
  const std::string lines =
      folder.write("bad.jsonl", "{\"record\":0,\"error\":\"x\"}\n{\"a\":1}\n");
  EXPECT_NE(error_of(lines).find("bad.jsonl:2"), std::string::npos);
  EXPECT_NE(error_of(lines).find("a"), std::string::npos);
  EXPECT_NE(error_of(folder.write("count.jsonl", "{\"record\":2.3e29,\"error\":\"x\"}\n"))
                .find("count.jsonl:1"),
            std::string::npos);
  EXPECT_NE(error_of(folder.path("none.jsonl")).find("no such file"), std::string::npos);
  EXPECT_NE(error_of(folder.write("empty.jsonl", "\n")).find("empty"), std::string::npos);
  // This room reads no runs by itself.
  EXPECT_NE(error_of(folder.write("run.json", "{\n\"passes\": []}")).find("run.json"),
            std::string::npos);
  EXPECT_NE(error_of(folder.write("text.txt", "hello")).find("hello"), std::string::npos);
}

}  // namespace
}  // namespace molgen3d
