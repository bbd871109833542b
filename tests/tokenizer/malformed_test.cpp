// What is refused, and how it is said.
#include <gtest/gtest.h>

#include "base/error.h"
#include "tokenizer/small_tokenizer.h"

namespace molgen3d {
namespace testing {

std::string error_of(const std::string& text) {
  try {
    Tokenizer::from_json(text, "test.json");
    return "";
  } catch (const Error& error) {
    return error.what();
  }
}

}  // namespace testing

namespace {

using nlohmann::json;
using testing::error_of;
using testing::golden_json;

struct Edit {
  const char* pointer;
  json value;
  const char* cause;
};

TEST(Malformed, EveryCauseIsNamed) {
  const Edit edits[] = {
      {"/model/vocab/!", -1, "is not within 0"},
      {"/model/vocab/!", 3000000000u, "the id 3000000000 of token \"!\" is not within 0"},
      {"/model/vocab/!", 18446744073709551615u, "18446744073709551615"},
      {"/model/vocab/!", 1.5, "must be an integer"},
      {"/model/vocab/!", 300, "share the id 300"},
      {"/model/vocab", json::array(), "vocab must be an object"},
      {"/model/vocab", nullptr, "vocab is missing"},
      {"/model/merges", nullptr, "merges is missing"},
      {"/model/merges/0", "a b c", "merges[0] must be two tokens"},
      {"/model/merges/0", "ab", "merges[0] must be two tokens"},
      {"/model/merges/0", json::array({"a"}), "merges[0] must be two tokens"},
      {"/model/merges/0", json::array({"[", "qqq"}), "token \"qqq\" is not in the vocabulary"},
      {"/model/merges/0", json::array({"!", "~"}), "\"!~\" is not in the vocabulary"},
      {"/model/type", "Unigram", "\"Unigram\" is not supported"},
      {"/model/byte_fallback", true, "byte_fallback is not supported"},
      {"/model/dropout", 0.1, "dropout is not supported"},
      {"/model/end_of_word_suffix", "</w>", "end_of_word_suffix is not supported"},
      {"/model/ignore_merges", 1, "ignore_merges must be true or false"},
      {"/normalizer/type", "Lowercase", "normalizer \"Lowercase\" is not supported"},
      {"/pre_tokenizer/type", "Metaspace", "pre-tokenizer \"Metaspace\" is not supported"},
      {"/pre_tokenizer/pretokenizers/0/pattern/Regex", "(a", "pattern \"(a\""},
      {"/pre_tokenizer/pretokenizers/0/pattern/Regex", "[a&&b]", "class intersection"},
      {"/pre_tokenizer/pretokenizers/0/behavior", "Sideways", "\"Sideways\" is not known"},
      {"/pre_tokenizer/pretokenizers/1/add_prefix_space", true, "add_prefix_space after"},
      {"/post_processor/type", "RobertaProcessing", "\"RobertaProcessing\" is not supported"},
      {"/added_tokens/0/id", 3, "of the vocabulary's"},
      {"/added_tokens/1/id", 360, "share the id 360"},
      {"/added_tokens/1/content", "<|endoftext|>", "has two ids"},
      {"/added_tokens/0/content", nullptr, "content is missing"},
      {"/model", nullptr, "model is missing"},
  };
  for (const Edit& edit : edits) {
    json changed = golden_json("qwen_like");
    changed[json::json_pointer(edit.pointer)] = edit.value;
    const std::string error = error_of(changed.dump());
    EXPECT_NE(error.find(edit.cause), std::string::npos) << edit.pointer << ": " << error;
    EXPECT_EQ(error.find('\n'), std::string::npos) << error;
    EXPECT_EQ(error.rfind("test.json: ", 0), 0u) << error;
  }
}

TEST(Malformed, NotJson) {
  for (const char* text : {"", "{", "[]", "null", "{\"model\":\xFF}", "12"})
    EXPECT_EQ(error_of(text).rfind("test.json: ", 0), 0u) << text;
  EXPECT_NE(error_of(std::string(1'000'000, '[')), "");
  std::string nested;
  for (int i = 0; i < 50'000; ++i) nested += R"({"type":"Sequence","pretokenizers":[)";
  for (int i = 0; i < 50'000; ++i) nested += "]}";
  EXPECT_NE(error_of("{\"pre_tokenizer\":" + nested + "}").find("too deeply"), std::string::npos);
}

TEST(Malformed, UnkWhereItCouldAppear) {
  json characters = golden_json("characters");
  characters["model"]["unk_token"] = "?";
  EXPECT_NE(error_of(characters.dump()).find("unk_token is not supported"), std::string::npos);
  json qwen = golden_json("qwen_like");
  qwen["model"]["unk_token"] = "<|endoftext|>";  // every byte has a token: never used
  EXPECT_EQ(error_of(qwen.dump()), "");
}

TEST(Malformed, MissingFile) {
  EXPECT_THROW(Tokenizer::from_file("/nonexistent/tokenizer.json"), Error);
  EXPECT_THROW(Tokenizer::from_file("/"), Error);
}

}  // namespace
}  // namespace molgen3d
