#include "text/tags.h"

#include <gtest/gtest.h>

#include <string>

namespace molgen3d {
namespace {

TEST(ExtractBlock, FirstPairWins) {
  EXPECT_EQ(extract_block("a[S]b[/S]c[S]d[/S]", "[S]", "[/S]"), "b");
  EXPECT_EQ(extract_block("[S][/S]", "[S]", "[/S]"), "");
  EXPECT_FALSE(extract_block("[/S][S]", "[S]", "[/S]"));
  EXPECT_FALSE(extract_block("x", "[S]", "[/S]"));
}

TEST(Tags, StandAroundPromptAndAnswer) {
  const std::string answer = conformer_text("[C]<0,0,0>");
  EXPECT_EQ(prompt_text("C") + answer, "[SMILES]C[/SMILES][CONFORMER][C]<0,0,0>[/CONFORMER]");
  EXPECT_EQ(conformer_of(prompt_text("C") + answer), "[C]<0,0,0>");
  EXPECT_EQ(after_prompt(prompt_text("C") + answer), answer);
  EXPECT_EQ(after_prompt(answer), answer);
  std::string all;
  for (const std::string_view tag : kTags) all += tag;
  EXPECT_EQ(all, prompt_text("") + conformer_text(""));
}

TEST(Tags, OneConformerAndNothingElse) {
  EXPECT_TRUE(is_one_conformer("[CONFORMER][/CONFORMER]"));
  EXPECT_TRUE(is_one_conformer("[CONFORMER]x[CONFORMER][/CONFORMER]"));
  for (const char* other :
       {"", "[CONFORMER]", "[/CONFORMER]", "[CONFORMER]x", "x[CONFORMER][/CONFORMER]",
        "[CONFORMER][/CONFORMER] ", "[CONFORMER]a[/CONFORMER][CONFORMER]b[/CONFORMER]"}) {
    EXPECT_FALSE(is_one_conformer(other)) << other;
  }
}

}  // namespace
}  // namespace molgen3d
