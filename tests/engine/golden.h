// Logits and greedy continuations that Hugging Face transformers computed for the small checkpoints
// of tests/golden/logits (make_logits.py describes the files). Skips when they are absent.
#pragma once

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <string>
#include <vector>

#include "checkpoint/safetensors.h"
#include "engine/engine.h"
#include "engine/operations_check.h"

namespace molgen3d::test {

inline std::filesystem::path golden_directory() {
  return std::filesystem::path(MOLGEN3D_SOURCE_DIR) / "tests" / "golden" / "logits";
}

inline std::vector<std::string> golden_cases() {
  return {"qwen3_tied",   "qwen3_untied",    "llama_tied",
          "llama_untied", "qwen3_tied_bf16", "llama_untied_bf16"};
}

class GoldenFile {
 public:
  explicit GoldenFile(const std::filesystem::path& path) {
    std::ifstream in(path, std::ios::binary);
    const std::string text((std::istreambuf_iterator<char>(in)), std::istreambuf_iterator<char>());
    bytes_.resize(text.size());
    std::memcpy(bytes_.data(), text.data(), text.size());
    for (auto& entry : read_safetensors_header(bytes_, path.string())) entries_[entry.name] = entry;
  }
  template <typename T>
  std::vector<T> values(const std::string& name) const {
    const SafetensorsEntry& entry = entries_.at(name);
    std::vector<T> out(entry.size / sizeof(T));
    std::memcpy(out.data(), bytes_.data() + entry.offset, entry.size);
    return out;
  }

 private:
  std::vector<std::byte> bytes_;
  std::map<std::string, SafetensorsEntry> entries_;
};

/// Prefill logits of one case: `make(checkpoint, pages)` gives the Operations. Compared with
/// `logits`, "logits" (float32 arithmetic) or "logits_bf16", as relative L2 of each row.
template <typename Make>
void check_golden_logits(const std::string& name, Make make, double tolerance,
                         const std::string& logits = "logits") {
  const auto directory = golden_directory() / name;
  ASSERT_TRUE(std::filesystem::exists(directory)) << directory << " is absent";
  const auto checkpoint = Checkpoint::open(directory);
  const GoldenFile golden(directory / "golden.safetensors");
  const size_t vocabulary = static_cast<size_t>(checkpoint->config().vocabulary);
  for (int s = 0; s < 3; ++s) {
    const std::string suffix = fmt::format(".{}", s);
    const auto tokens = golden.values<TokenId>("tokens" + suffix);
    const auto positions = golden.values<int32_t>("positions" + suffix);
    const auto expected = golden.values<float>(logits + suffix);
    ASSERT_EQ(expected.size(), positions.size() * vocabulary);
    std::vector<uint32_t> pages(tokens.size() / kPageTokens + 1);
    for (uint32_t i = 0; i < pages.size(); ++i)
      pages[i] = static_cast<uint32_t>(pages.size()) - 1 - i;
    const auto operations = make(checkpoint, pages.size());
    const PassSequence sequence{0, static_cast<uint32_t>(tokens.size()), 0, pages};
    run_layers(*operations, {tokens, {&sequence, 1}});
    std::vector<float> actual(expected.size());
    operations->output(std::vector<uint32_t>(positions.begin(), positions.end()), {}, actual);
    for (size_t row = 0; row < positions.size(); ++row) {
      EXPECT_LE(relative_l2(std::span(actual).subspan(row * vocabulary, vocabulary),
                            std::span(expected).subspan(row * vocabulary, vocabulary)),
                tolerance)
          << name << " sequence " << s << " position " << positions[row];
    }
  }
}

/// The 32 greedy tokens of each sequence of a case, through the whole engine.
/// `make(checkpoint, options)` gives the Backend.
template <typename Make>
void check_golden_greedy(const std::string& name, Make make) {
  const auto directory = golden_directory() / name;
  ASSERT_TRUE(std::filesystem::exists(directory)) << directory << " is absent";
  const auto checkpoint = Checkpoint::open(directory);
  const GoldenFile golden(directory / "golden.safetensors");
  EngineOptions options;
  options.sampling.greedy = true;
  BackendOptions backend;
  backend.slots = 3;
  backend.kv_tokens = 512;
  backend.compute = DataType::kFloat32;
  Engine engine(make(checkpoint, backend), checkpoint->config(), options);
  for (int s = 0; s < 3; ++s) {
    Request request;
    request.tag = static_cast<uint64_t>(s);
    request.prompt = golden.values<TokenId>(fmt::format("tokens.{}", s));
    request.max_new_tokens = 32;
    engine.submit(std::move(request));
  }
  int answers = 0;
  while (engine.step([&](Completion&& completion) {
    ++answers;
    EXPECT_EQ(completion.error, "");
    EXPECT_EQ(completion.tokens, golden.values<TokenId>(fmt::format("greedy.{}", completion.tag)))
        << name;
  })) {
  }
  EXPECT_EQ(answers, 3);
}

}  // namespace molgen3d::test
