// Every directory that transformers wrote for the golden logits must open as it is.
#include <gtest/gtest.h>

#include "checkpoint/model_report.h"
#include "checkpoint/safetensors.h"
#include "checkpoint/test_files.h"

namespace molgen3d {
namespace {

TEST(GoldenFiles, OpenAndHoldWhatTheirScriptPromises) {
  const auto root = std::filesystem::path(MOLGEN3D_SOURCE_DIR) / "tests" / "golden" / "logits";
  ASSERT_TRUE(std::filesystem::is_directory(root)) << root << " is absent";
  size_t folders = 0;
  for (const auto& entry : std::filesystem::directory_iterator(root)) {
    if (!entry.is_directory()) continue;
    SCOPED_TRACE(entry.path().string());
    ++folders;
    const auto checkpoint = Checkpoint::open(entry.path());
    const std::string name = entry.path().filename().string();
    const ModelConfig& config = checkpoint->config();
    EXPECT_EQ(config.has_qk_norm(), contains(name, "qwen3"));
    EXPECT_EQ(config.tied_embeddings, !contains(name, "untied"));
    EXPECT_EQ(config.rope_scaling.has_value(), contains(name, "llama_untied"));
    EXPECT_EQ(config.data_type == DataType::kBFloat16, contains(name, "bf16"));
    const auto path = entry.path() / "golden.safetensors";
    std::ifstream file(path, std::ios::binary);
    const std::string bytes{std::istreambuf_iterator<char>(file), {}};
    size_t logits = 0;
    for (const auto& tensor :
         read_safetensors_header(std::as_bytes(std::span(bytes)), path.string())) {
      if (tensor.name.rfind("logits", 0) != 0) continue;
      ++logits;
      ASSERT_EQ(tensor.shape.size(), 2U);
      EXPECT_EQ(tensor.shape[1], config.vocabulary);
    }
    EXPECT_EQ(logits, contains(name, "bf16") ? 6U : 3U);
  }
  EXPECT_EQ(folders, 6U);
}

}  // namespace
}  // namespace molgen3d
