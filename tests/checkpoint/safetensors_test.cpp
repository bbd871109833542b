#include "checkpoint/safetensors.h"

#include <gtest/gtest.h>

#include "checkpoint/test_files.h"

namespace molgen3d {
namespace {

std::vector<SafetensorsEntry> read(const std::string& file) {
  return read_safetensors_header({reinterpret_cast<const std::byte*>(file.data()), file.size()},
                                 "f.safetensors");
}

std::string refusal(const std::string& header, size_t data) {
  return error_of([&] { read(safetensors_bytes(header, data)); });
}

TEST(Safetensors, ReadsEntriesInDataOrder) {
  const std::string header =
      R"({"__metadata__":{"format":"pt"},"b":{"dtype":"BF16","shape":[3],"data_offsets":[8,14]},)"
      R"("a":{"dtype":"F32","shape":[2,1],"data_offsets":[0,8]},)"
      R"("s":{"dtype":"I64","shape":[],"data_offsets":[14,22]}}   )";
  const auto entries = read(safetensors_bytes(header, 22));
  ASSERT_EQ(entries.size(), 3U);
  EXPECT_EQ(entries[0].name, "a");
  EXPECT_EQ(entries[0].shape, (std::vector<int64_t>{2, 1}));
  EXPECT_EQ(entries[0].offset, 8 + header.size());
  EXPECT_EQ(entries[1].name, "b");
  EXPECT_EQ(entries[1].type, "BF16");
  EXPECT_EQ(entries[1].offset, 8 + header.size() + 8);
  EXPECT_EQ(entries[1].size, 6U);
  EXPECT_EQ(entries[2].size, 8U);  // a scalar has one element
}

TEST(Safetensors, AcceptsEmptyTensorsAndFiles) {
  EXPECT_TRUE(read(safetensors_bytes("{}", 0)).empty());
  const auto entries = read(safetensors_bytes(
      R"({"e":{"dtype":"F32","shape":[0,5],"data_offsets":[0,0]},"f":{"dtype":"F16","shape":[2],"data_offsets":[0,4]}})",
      4));
  ASSERT_EQ(entries.size(), 2U);
  EXPECT_EQ(entries[0].name, "e");
}

TEST(Safetensors, RefusesBrokenLengths) {
  EXPECT_CONTAINS(error_of([] { read("1234567"); }), "too few");
  EXPECT_CONTAINS(error_of([] { read(""); }), "too few");
  std::string huge = safetensors_bytes("{}", 0);
  huge[7] = '\x7F';
  EXPECT_CONTAINS(error_of([&] { read(huge); }), "at most 100000000");
  std::string cut = safetensors_bytes("{}", 0);
  cut[0] = 3;
  EXPECT_CONTAINS(error_of([&] { read(cut); }), "cut short");
  EXPECT_CONTAINS(refusal("", 0), "does not begin");
}

TEST(Safetensors, EveryCutOfAGoodFileIsRefused) {
  const std::string good =
      safetensors_bytes(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}})", 8);
  EXPECT_NO_THROW(read(good));
  for (size_t size = 0; size < good.size(); ++size) {
    EXPECT_THROW(read(good.substr(0, size)), Error) << size;
  }
  EXPECT_CONTAINS(error_of([&] { read(good + "x"); }), "1 bytes after the last tensor");
}

TEST(Safetensors, RefusesBrokenHeaders) {
  EXPECT_CONTAINS(refusal("{\"a\":", 0), "not valid JSON");
  EXPECT_CONTAINS(refusal(" {}", 0), "does not begin");
  EXPECT_CONTAINS(refusal("{} x", 0), "not valid JSON");
  EXPECT_CONTAINS(refusal(R"({"a":3})", 0), "not an object");
  EXPECT_CONTAINS(refusal(R"({"a":{"dtype":"F32","shape":[1]}})", 4), "exactly dtype");
  EXPECT_CONTAINS(refusal(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}})", 4),
                  "exactly dtype");
  EXPECT_CONTAINS(refusal(R"({"a":{"dtype":"F31","shape":[1],"data_offsets":[0,4]}})", 4),
                  "unknown dtype \"F31\"");
  EXPECT_CONTAINS(refusal(R"({"a":{"dtype":7,"shape":[1],"data_offsets":[0,4]}})", 4),
                  "not a text");
  EXPECT_CONTAINS(refusal(R"({"a":{"dtype":"F32","shape":4,"data_offsets":[0,4]}})", 4),
                  "shape is not a list");
  EXPECT_CONTAINS(refusal(R"({"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}})", 4),
                  "non-negative");
  EXPECT_CONTAINS(refusal(R"({"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}})", 4),
                  "non-negative");
  EXPECT_CONTAINS(refusal(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0]}})", 4), "pair");
  EXPECT_CONTAINS(refusal(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[-4,0]}})", 4), "pair");
}

TEST(Safetensors, RefusesDuplicateNames) {
  EXPECT_CONTAINS(refusal(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                          R"("a":{"dtype":"U8","shape":[1],"data_offsets":[1,2]}})",
                          2),
                  "\"a\" stands there twice");
}

TEST(Safetensors, RefusesProductsThatOverflow) {
  EXPECT_CONTAINS(
      refusal(R"({"a":{"dtype":"F32","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0),
      "exceeds 64 bits");
  EXPECT_CONTAINS(
      refusal(R"({"a":{"dtype":"F32","shape":[4611686018427387904],"data_offsets":[0,0]}})", 0),
      "exceeds 64 bits");
  EXPECT_CONTAINS(
      refusal(R"({"a":{"dtype":"U8","shape":[18446744073709551615],"data_offsets":[0,0]}})", 0),
      "non-negative");
}

TEST(Safetensors, RefusesWrongExtents) {
  const auto entry = [](const char* offsets) {
    return std::string(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":)") + offsets + "}}";
  };
  EXPECT_CONTAINS(refusal(entry("[4,0]"), 4), "leave the 4 bytes");
  EXPECT_CONTAINS(refusal(entry("[0,8]"), 4), "leave the 4 bytes");
  EXPECT_CONTAINS(refusal(entry("[0,3]"), 4), "need 4");
  EXPECT_CONTAINS(refusal(entry("[4,8]"), 8), "leaves a gap");
  EXPECT_CONTAINS(refusal(R"({"a":{"dtype":"U8","shape":[3],"data_offsets":[0,3]},)"
                          R"("b":{"dtype":"U8","shape":[3],"data_offsets":[2,5]}})",
                          5),
                  "tensor \"b\": its data overlaps");
  EXPECT_CONTAINS(refusal(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1]},)"
                          R"("b":{"dtype":"U8","shape":[1],"data_offsets":[2,3]}})",
                          3),
                  "tensor \"b\": its data leaves a gap");
}

}  // namespace
}  // namespace molgen3d
