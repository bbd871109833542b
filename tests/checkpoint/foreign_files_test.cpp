// What is not a part of a model, though it stands where one is expected: it is called by its name,
// and nothing waits for it or dies of it.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include "base/file_kind.h"
#include "base/regular_file.h"
#include "checkpoint/model_report.h"
#include "checkpoint/test_files.h"
#include "checkpoint/weight_scan.h"
#include "testing/random_weights.h"

namespace molgen3d {
namespace {

namespace fs = std::filesystem;

class ForeignFiles : public testing::Test {
 protected:
  ForeignFiles() {
    ModelConfig config = tiny_shape(ModelConfig::Architecture::kQwen3, true);
    config.intermediate = 4096;  // weights of many pages
    write_checkpoint(path(), *random_checkpoint(config, 7, DataType::kBFloat16));
    write_file(path() / "tokenizer.json", R"({"model":{"vocab":{"a":19}}})");
  }
  const fs::path& path() const { return directory_.path(); }
  std::string open_error() {
    return error_of([&] { Checkpoint::open(path()); });
  }
  std::string problems() {
    std::string all;
    for (const std::string& problem : describe_checkpoint(path()).problems) all += problem + "\n";
    return all;
  }
  TemporaryDirectory directory_;
};

constexpr const char* kPointer =
    "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 63\n";

TEST_F(ForeignFiles, GitLfsPointers) {
  for (const char* file :
       {"model.safetensors", "config.json", "generation_config.json", "tokenizer.json"}) {
    const std::string before = RegularFile(path() / file).read();
    write_file(path() / file, kPointer);
    EXPECT_CONTAINS(problems(), std::string(file) + ": a Git LFS pointer");
    EXPECT_FALSE(contains(problems(), "missing tensor")) << problems();
    write_file(path() / file, before);
  }
  EXPECT_EQ(problems(), "");
}

TEST_F(ForeignFiles, OtherContents) {
  write_file(path() / "model.safetensors", std::string("GGUF\3\0\0\0", 8) + std::string(100, '\0'));
  EXPECT_CONTAINS(open_error(), "model.safetensors: a GGUF file");
  write_file(path() / "model.safetensors", std::string("PK\3\4", 4) + std::string(100, '\0'));
  EXPECT_CONTAINS(open_error(), "PyTorch");
  write_file(path() / "model.safetensors", " <!DOCTYPE html><html>");
  EXPECT_CONTAINS(open_error(), "a web page");
  write_file(path() / "config.json", "\n<html><body>404");
  EXPECT_CONTAINS(open_error(), "config.json: a web page");
  EXPECT_EQ(foreign_kind(std::string("\x80\x02\0\0\0\0\0\0{\"a\"", 12)), "");  // a header's length
  EXPECT_EQ(foreign_kind("{\"a\":1}"), "");
  EXPECT_EQ(foreign_kind(""), "");
}

TEST_F(ForeignFiles, DirectoriesWithoutSafetensors) {
  fs::remove(path() / "model.safetensors");
  const auto message = [&](const std::vector<const char*>& files) {
    for (const char* file : files) write_file(path() / file, "x");
    const std::string text = open_error();
    for (const char* file : files) fs::remove(path() / file);
    return text;
  };
  EXPECT_CONTAINS(message({"pytorch_model.bin"}), "there is \"pytorch_model.bin\": PyTorch");
  EXPECT_CONTAINS(message({"pytorch_model.bin.index.json", "pytorch_model-00001-of-00002.bin"}),
                  "PyTorch");
  EXPECT_CONTAINS(message({"model-q4_0.gguf"}), "there is \"model-q4_0.gguf\": GGUF");
  EXPECT_CONTAINS(message({"adapter_config.json", "adapter_model.safetensors"}), "adapter (LoRA)");
  EXPECT_CONTAINS(message({"weights.safetensors"}), "there is \"weights.safetensors\"");
  const std::string bare = message({});
  EXPECT_CONTAINS(bare, "neither model.safetensors nor model.safetensors.index.json");
  EXPECT_FALSE(contains(bare, "there is"));
}

TEST_F(ForeignFiles, TokenizersOfOtherForms) {
  fs::remove(path() / "tokenizer.json");
  EXPECT_CONTAINS(problems(), "tokenizer.json: missing\n");
  write_file(path() / "vocab.json", "{}");
  EXPECT_CONTAINS(problems(),
                  "tokenizer.json: missing; there is \"vocab.json\": save it as a fast");
  write_file(path() / "tokenizer.model", "x");
  EXPECT_CONTAINS(problems(),
                  "tokenizer.json: missing; there is \"tokenizer.model\": SentencePiece");
}

TEST_F(ForeignFiles, ManyTensorsOfOneTypeAreOneLine) {
  std::string header;
  size_t at = 0;
  for (int i = 0; i < 40; ++i) {
    header += fmt::format(R"({}"t{}":{{"dtype":"F64","shape":[2],"data_offsets":[{},{}]}})",
                          i == 0 ? '{' : ',', i, at, at + 16);
    at += 16;
  }
  header += '}';
  write_file(path() / "model.safetensors", safetensors_bytes(header, at));
  const std::string text = open_error();
  EXPECT_CONTAINS(text, "40 tensors have dtype F64; supported: F32, F16, BF16");
  EXPECT_EQ(text.find("F64"), text.rfind("F64"));
}

TEST_F(ForeignFiles, ValuesAreQuotedOnce) {
  write_file(path() / "conformer_format.json", R"({"trailing_zeros":"ke\"ep","decimals":"4"})");
  EXPECT_CONTAINS(problems(), R"(trailing_zeros "ke\"ep": must be)");
  EXPECT_CONTAINS(problems(), R"(decimals "4": must be an integer from 1 to 4, not a text)");
  write_file(path() / "conformer_format.json", R"({"decimals":[5]})");
  EXPECT_CONTAINS(problems(), R"(decimals "[5]": must be an integer)");
}

TEST_F(ForeignFiles, OnlyRegularFilesAreOpened) {
  for (const char* file : {"model.safetensors", "config.json", "generation_config.json",
                           "conformer_format.json", "tokenizer.json"}) {
    SCOPED_TRACE(file);
    const fs::path part = path() / file, kept = path() / "kept";
    if (fs::exists(part)) fs::rename(part, kept);
    ASSERT_EQ(::mkfifo(part.c_str(), 0600), 0);
    EXPECT_CONTAINS(problems(), std::string(file) + ": not a regular file");
    fs::remove(part);
    fs::create_directory(part);
    EXPECT_CONTAINS(problems(), std::string(file) + ": not a regular file");
    fs::remove(part);
    fs::create_symlink("/dev/zero", part);
    EXPECT_CONTAINS(problems(), std::string(file) + ": not a regular file");
    fs::remove(part);
    fs::create_symlink(part, part);
    EXPECT_CONTAINS(problems(), std::string(file) + ": cannot open: ");  // a loop
    fs::remove(part);
    fs::create_symlink("nowhere", part);
    EXPECT_CONTAINS(problems(), std::string(file) + ": cannot open: ");
    fs::remove(part);
    if (fs::exists(kept)) fs::rename(kept, part);
  }
  EXPECT_EQ(problems(), "");
}

TEST_F(ForeignFiles, DeeplyNestedJson) {
  std::string deep = R"({"rope_theta":)";
  deep.append(200'000, '[').append(200'000, ']').append("}");
  for (const char* file : {"config.json", "generation_config.json", "tokenizer.json"}) {
    const std::string before = RegularFile(path() / file).read();
    write_file(path() / file, deep);
    EXPECT_CONTAINS(problems(), std::string(file) + ": nested too deeply");
    write_file(path() / file, before);
  }
}

// Reading what a mapped file no longer holds would end the process.
TEST_F(ForeignFiles, WeightsThatShrinkWhileTheyAreReadAreAnError) {
  const fs::path weights = path() / "model.safetensors";
  const auto size = fs::file_size(weights);
  ASSERT_GT(size, 100'000U);
  const auto checkpoint = Checkpoint::open(path());
  require_finite_weights(*checkpoint);
  checkpoint->require_unchanged_files();
  fs::resize_file(weights, 5000);
  const std::string message = error_of([&] { require_finite_weights(*checkpoint); });
  EXPECT_CONTAINS(message, "model.safetensors: changed while it was read (5000 bytes, ");
  EXPECT_CONTAINS(error_of([&] { checkpoint->require_unchanged_files(); }), "changed while");
  // Another checkpoint, opened and read meanwhile, is not disturbed.
  fs::resize_file(weights, 0);
  EXPECT_CONTAINS(open_error(), "too few for a safetensors file");
  for (const std::string& name : checkpoint->tensor_names()) {
    EXPECT_FALSE(first_non_finite(checkpoint->tensor(name)));
  }
}

TEST_F(ForeignFiles, WeightsThatAreOverwrittenWhileTheyAreReadAreAnError) {
  const auto checkpoint = Checkpoint::open(path());
  fs::last_write_time(path() / "model.safetensors",
                      fs::last_write_time(path() / "model.safetensors") + std::chrono::seconds(2));
  EXPECT_CONTAINS(error_of([&] { require_finite_weights(*checkpoint); }), "changed while");
}

}  // namespace
}  // namespace molgen3d
