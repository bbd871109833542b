#include "tokenizer/tokenizer_json.h"

#include <nlohmann/json.hpp>
#include <unordered_map>

#include "base/error.h"
#include "base/file_kind.h"
#include "base/json_nesting.h"
#include "base/seeded_hash.h"
#include "tokenizer/fingerprint.h"

namespace molgen3d {
namespace {

using Json = nlohmann::json;

constexpr int kDeepestSequence = 8;
// Ids index arrays: a file may leave gaps, but not ask for gigabytes.
constexpr int64_t kSpareIds = 1'000'000;

/// A JSON object with its place in the file, for errors.
class Reader {
 public:
  Reader(const Json& value, std::string name, std::string path)
      : value_(value), name_(std::move(name)), path_(std::move(path)) {
    if (!value_.is_object()) fail("must be an object");
  }

  [[noreturn]] void fail(const std::string& cause) const {
    throw Error::format("{}: {}: {}", name_, path_, cause);
  }
  std::string where() const { return name_ + ": " + path_; }
  std::string where(const char* key) const { return where() + "." + key; }
  Reader child(const Json& value, const std::string& key) const {
    return {value, name_, path_ + "." + key};
  }
  /// Null when absent or null.
  const Json* find(const char* key) const {
    const auto found = value_.find(key);
    return found == value_.end() || found->is_null() ? nullptr : &*found;
  }
  const Json& at(const char* key) const {
    if (const Json* found = find(key)) return *found;
    fail(fmt::format("{} is missing", key));
  }
  const Json& array(const char* key) const {
    const Json& found = at(key);
    if (!found.is_array()) fail(fmt::format("{} must be a list", key));
    return found;
  }
  std::string text(const char* key) const {
    const Json& found = at(key);
    if (!found.is_string()) fail(fmt::format("{} must be a string", key));
    return found.get<std::string>();
  }
  std::string text_or(const char* key, const char* otherwise) const {
    return find(key) ? text(key) : otherwise;
  }
  bool flag(const char* key, bool otherwise) const {
    const Json* found = find(key);
    if (!found) return otherwise;
    if (!found->is_boolean()) fail(fmt::format("{} must be true or false", key));
    return found->get<bool>();
  }
  const Json& value() const { return value_; }

 private:
  const Json& value_;
  std::string name_;
  std::string path_;
};

int64_t id_of(const Json& value, const std::string& where, const std::string& token,
              int64_t largest) {
  if (!value.is_number_integer())
    throw Error::format("{}: the id of token {} must be an integer", where, in_quotes(token));
  // A number above 2^63 would wrap.
  const bool huge = value.is_number_unsigned() && value.get<uint64_t>() > INT64_MAX;
  const int64_t id = huge ? INT64_MAX : value.get<int64_t>();
  if (id < 0 || id > largest)
    throw Error::format("{}: the id {} of token {} is not within 0 .. {}", where, value.dump(),
                        in_quotes(token), largest);
  return id;
}

void read_normalizer(const Reader& reader, bool& nfc, int depth) {
  const std::string type = reader.text("type");
  if (type == "NFC") {
    nfc = true;
  } else if (type == "Sequence") {
    if (depth == kDeepestSequence) reader.fail("sequences are nested too deeply");
    const Json& items = reader.array("normalizers");
    for (size_t i = 0; i < items.size(); ++i)
      read_normalizer(reader.child(items[i], fmt::format("normalizers[{}]", i)), nfc, depth + 1);
  } else {
    reader.fail(fmt::format("normalizer {} is not supported (NFC or none)", in_quotes(type)));
  }
}

SplitBehavior behavior_of(const Reader& reader) {
  const std::string name = reader.text("behavior");
  if (name == "Isolated") return SplitBehavior::kIsolated;
  if (name == "Removed") return SplitBehavior::kRemoved;
  if (name == "MergedWithPrevious") return SplitBehavior::kMergedWithPrevious;
  if (name == "MergedWithNext") return SplitBehavior::kMergedWithNext;
  if (name == "Contiguous") return SplitBehavior::kContiguous;
  reader.fail(fmt::format("behavior {} is not known", in_quotes(name)));
}

struct PreTokenizerRules {
  PieceCutter cutter;
  bool byte_level = false;
};

void read_split(const Reader& reader, PieceCutter& cutter) {
  const Reader pattern = reader.child(reader.at("pattern"), "pattern");
  const SplitBehavior behavior = behavior_of(reader);
  const bool invert = reader.flag("invert", false);
  const bool only = cutter.steps.empty() && behavior == SplitBehavior::kIsolated;
  if (pattern.find("Regex")) {
    const std::string text = pattern.text("Regex");
    cutter.family = only && !invert ? family_of_pattern(text) : PreTokenizer::kOther;
    cutter.steps.push_back({Regex(text, pattern.where()), behavior, invert});
  } else if (pattern.find("String")) {
    cutter.family = PreTokenizer::kOther;
    const std::string text = pattern.text("String");
    if (text.empty()) pattern.fail("the string to split at is empty");
    cutter.steps.push_back({text, behavior, invert});
  } else {
    pattern.fail("neither Regex nor String");
  }
}

void read_pre_tokenizer(const Reader& reader, PreTokenizerRules& rules, int depth) {
  PieceCutter& cutter = rules.cutter;
  const std::string type = reader.text("type");
  if (rules.byte_level && type != "Sequence")
    reader.fail(fmt::format("{} after ByteLevel is not supported", in_quotes(type)));
  if (type == "Sequence") {
    if (depth == kDeepestSequence) reader.fail("sequences are nested too deeply");
    const Json& items = reader.array("pretokenizers");
    for (size_t i = 0; i < items.size(); ++i)
      read_pre_tokenizer(reader.child(items[i], fmt::format("pretokenizers[{}]", i)), rules,
                         depth + 1);
  } else if (type == "Split") {
    read_split(reader, cutter);
  } else if (type == "Digits") {
    cutter.family = PreTokenizer::kOther;
    const bool single = reader.flag("individual_digits", false);
    cutter.steps.push_back({Regex("\\p{N}", reader.where()),
                            single ? SplitBehavior::kIsolated : SplitBehavior::kContiguous, false});
  } else if (type == "ByteLevel") {
    rules.byte_level = true;
    if (reader.flag("add_prefix_space", true)) {
      if (!cutter.steps.empty())
        reader.fail("add_prefix_space after another step is not supported");
      cutter.add_prefix_space = true;
    }
    if (reader.flag("use_regex", true)) {
      cutter.family = cutter.steps.empty() ? PreTokenizer::kDigitRuns : PreTokenizer::kOther;
      cutter.steps.push_back(
          {Regex(kGpt2Pattern, reader.where()), SplitBehavior::kIsolated, false});
    }
  } else {
    reader.fail(fmt::format(
        "pre-tokenizer {} is not supported (Split, ByteLevel, Digits, Sequence or none)",
        in_quotes(type)));
  }
}

void read_merges(const Reader& model, BpeSource& source) {
  const Json& merges = model.array("merges");
  source.merges.reserve(merges.size());
  for (size_t i = 0; i < merges.size(); ++i) {
    const Json& merge = merges[i];
    if (merge.is_array() && merge.size() == 2 && merge[0].is_string() && merge[1].is_string()) {
      source.merges.emplace_back(merge[0].get<std::string>(), merge[1].get<std::string>());
      continue;
    }
    if (merge.is_string()) {
      const auto& text = merge.get_ref<const std::string&>();
      const size_t space = text.find(' ');
      if (space != std::string::npos && text.find(' ', space + 1) == std::string::npos) {
        source.merges.emplace_back(text.substr(0, space), text.substr(space + 1));
        continue;
      }
    }
    model.fail(fmt::format("merges[{}] must be two tokens, \"a b\" or [\"a\", \"b\"]", i));
  }
}

BpeSource read_model(const Reader& model, bool byte_level, int64_t& largest_id, size_t added) {
  const std::string type = model.text_or("type", "BPE");  // older files do not say
  if (type != "BPE") model.fail(fmt::format("model {} is not supported (BPE)", in_quotes(type)));
  for (const char* key : {"continuing_subword_prefix", "end_of_word_suffix"})
    if (!model.text_or(key, "").empty()) model.fail(fmt::format("{} is not supported", key));
  if (model.flag("byte_fallback", false)) model.fail("byte_fallback is not supported");
  if (const Json* dropout = model.find("dropout"))
    if (!dropout->is_number() || dropout->get<double>() != 0.0)
      model.fail("dropout is not supported: it makes tokens random");

  BpeSource source;
  source.byte_level = byte_level;
  source.ignore_merges = model.flag("ignore_merges", false);
  const Json& vocabulary = model.at("vocab");
  if (!vocabulary.is_object()) model.fail("vocab must be an object");
  largest_id = 4 * static_cast<int64_t>(vocabulary.size() + added) + kSpareIds;
  source.vocabulary.reserve(vocabulary.size());
  for (const auto& [token, id] : vocabulary.items())
    source.vocabulary.emplace_back(
        token, static_cast<TokenId>(id_of(id, model.where("vocab"), token, largest_id)));
  read_merges(model, source);
  return source;
}

std::vector<AddedTokenRule> read_added(const Reader& root, int64_t largest_id) {
  std::vector<AddedTokenRule> rules;
  if (!root.find("added_tokens")) return rules;
  const Json& items = root.array("added_tokens");
  for (size_t i = 0; i < items.size(); ++i) {
    const Reader item = root.child(items[i], fmt::format("added_tokens[{}]", i));
    AddedTokenRule rule;
    rule.content = item.text("content");
    rule.id = static_cast<TokenId>(id_of(item.at("id"), item.where(), rule.content, largest_id));
    rule.special = item.flag("special", false);
    rule.normalized = item.flag("normalized", !rule.special);
    rule.single_word = item.flag("single_word", false);
    rule.lstrip = item.flag("lstrip", false);
    rule.rstrip = item.flag("rstrip", false);
    rules.push_back(std::move(rule));
  }
  return rules;
}

void read_template(const Reader& reader, std::vector<TokenId>& prefix, int64_t largest_id) {
  const Json& single = reader.array("single");
  std::vector<TokenId> ids;
  for (size_t i = 0; i < single.size(); ++i) {
    const Reader piece = reader.child(single[i], fmt::format("single[{}]", i));
    if (piece.find("Sequence")) break;
    const Reader special = piece.child(piece.at("SpecialToken"), "SpecialToken");
    const std::string token = special.text("id");
    const Reader known = reader.child(reader.at("special_tokens"), "special_tokens");
    const Reader entry = known.child(known.at(token.c_str()), token);
    for (const Json& id : entry.array("ids"))
      ids.push_back(static_cast<TokenId>(id_of(id, entry.where(), token, largest_id)));
  }
  // A later processor of a Sequence works on what the earlier one gave: its tokens go in front.
  prefix.insert(prefix.begin(), ids.begin(), ids.end());
}

void read_post_processor(const Reader& reader, std::vector<TokenId>& prefix, int64_t largest_id,
                         int depth) {
  const std::string type = reader.text("type");
  if (type == "ByteLevel") return;  // trims offsets in the reference, never tokens
  if (type == "TemplateProcessing") {
    read_template(reader, prefix, largest_id);
  } else if (type == "Sequence") {
    if (depth == kDeepestSequence) reader.fail("sequences are nested too deeply");
    const Json& items = reader.array("processors");
    for (size_t i = 0; i < items.size(); ++i)
      read_post_processor(reader.child(items[i], fmt::format("processors[{}]", i)), prefix,
                          largest_id, depth + 1);
  } else {
    reader.fail(fmt::format(
        "post-processor {} is not supported (TemplateProcessing, ByteLevel or Sequence)",
        in_quotes(type)));
  }
}

Json parse(std::string_view text, const std::string& name) {
  if (json_nesting(text) > kDeepestJson) {
    throw Error::format("{}: nested too deeply, more than {} levels", name, kDeepestJson);
  }
  try {
    return Json::parse(text);
  } catch (const Json::exception& error) {
    if (const std::string kind = foreign_kind(text); !kind.empty()) {
      throw Error::format("{}: {}", name, kind);
    }
    std::string cause = error.what();
    // Drop the library's own prefix "[json.exception.parse_error.101] ".
    if (const size_t end = cause.find("] "); end != std::string::npos) cause.erase(0, end + 2);
    throw Error::format("{}: not valid JSON: {}", name, cause.substr(0, 200));
  }
}

}  // namespace

void check_added_tokens(const BpeModel& model, const std::vector<AddedTokenRule>& rules,
                        const std::string& name) {
  std::unordered_map<TokenId, const AddedTokenRule*> ids;
  TextViewMap<TokenId> contents;
  for (const AddedTokenRule& rule : rules) {
    const auto [by_id, fresh_id] = ids.emplace(rule.id, &rule);
    if (!fresh_id)
      throw Error::format("{}: added tokens {} and {} share the id {}", name,
                          in_quotes(by_id->second->content), in_quotes(rule.content), rule.id);
    const auto [by_content, fresh] = contents.emplace(rule.content, rule.id);
    if (!fresh)
      throw Error::format("{}: added token {} has two ids, {} and {}", name,
                          in_quotes(rule.content), by_content->second, rule.id);
    if (model.contains(rule.id) && model.bytes(rule.id) != rule.content)
      throw Error::format("{}: added token {} has the id {} of the vocabulary's {}", name,
                          in_quotes(rule.content), rule.id, in_quotes(model.bytes(rule.id)));
    const auto in_model = model.find(rule.content);
    if (in_model && *in_model != rule.id)
      throw Error::format("{}: added token {} has the id {}, but {} in the vocabulary", name,
                          in_quotes(rule.content), rule.id, *in_model);
  }
}

TokenizerParts parse_tokenizer_json(std::string_view text, const std::string& name) {
  const Json json = parse(text, name);
  const Reader root(json, name, "tokenizer");
  TokenizerParts parts;
  if (const Json* normalizer = root.find("normalizer"))
    read_normalizer(root.child(*normalizer, "normalizer"), parts.nfc, 0);

  PreTokenizerRules rules;
  if (const Json* pre_tokenizer = root.find("pre_tokenizer"))
    read_pre_tokenizer(root.child(*pre_tokenizer, "pre_tokenizer"), rules, 0);

  const Reader model = root.child(root.at("model"), "model");
  const size_t added = root.find("added_tokens") ? root.array("added_tokens").size() : 0;
  int64_t largest_id = 0;
  const BpeSource source = read_model(model, rules.byte_level, largest_id, added);
  parts.model = std::make_shared<const BpeModel>(source, model.where());
  if (!model.text_or("unk_token", "").empty() && !parts.model->covers_all_bytes())
    model.fail("unk_token is not supported where bytes without a token exist");

  parts.added = read_added(root, largest_id);
  check_added_tokens(*parts.model, parts.added, name);
  if (const Json* post_processor = root.find("post_processor"))
    read_post_processor(root.child(*post_processor, "post_processor"), parts.prefix, largest_id, 0);

  Fingerprint fingerprint;
  fingerprint.add(parts.nfc);
  if (const Json* pre_tokenizer = root.find("pre_tokenizer"))
    fingerprint.add(std::string_view(pre_tokenizer->dump()));
  for (const TokenId id : parts.prefix) fingerprint.add(static_cast<uint64_t>(id));
  parts.rules_fingerprint = fingerprint.value();
  parts.cutter = std::make_shared<const PieceCutter>(std::move(rules.cutter));
  return parts;
}

}  // namespace molgen3d
