#include "trace/store/args_json.h"

#include <fmt/format.h>

#include <charconv>
#include <cmath>
#include <limits>

#include "base/json_text.h"

namespace molgen3d::trace {
namespace {

constexpr int kMaxDepth = 64;
constexpr size_t kMaxLeaves = 100000;

class Parser {
 public:
  Parser(std::string_view text, std::vector<ArgLeaf>& out) : text_(text), out_(out) {}

  bool value(const std::string& flat_key, const std::string& key, int depth) {
    skip_blanks();
    if (at_ >= text_.size() || out_.size() >= kMaxLeaves) return false;
    const char c = text_[at_];
    if (c == '{') return depth < kMaxDepth && object(flat_key, key, depth + 1);
    if (c == '[') return depth < kMaxDepth && array(flat_key, key, depth + 1);
    if (c == '"') {
      std::string_view raw;
      if (!string(raw)) return false;
      out_.push_back({flat_key, key, ArgLeaf::kString, 0, 0, unescape_json(raw)});
      return true;
    }
    return scalar(flat_key, key);
  }

 private:
  void skip_blanks() {
    while (at_ < text_.size() && static_cast<unsigned char>(text_[at_]) <= ' ') ++at_;
  }

  bool string(std::string_view& raw) {
    const size_t start = ++at_;
    while (at_ < text_.size() && text_[at_] != '"') at_ += text_[at_] == '\\' ? 2 : 1;
    if (at_ >= text_.size()) return false;
    raw = text_.substr(start, at_ - start);
    ++at_;
    return true;
  }

  bool object(const std::string& flat_key, const std::string& key, int depth) {
    ++at_;
    for (;;) {
      skip_blanks();
      if (at_ < text_.size() && text_[at_] == ',') {
        ++at_;
        continue;
      }
      if (at_ >= text_.size()) return false;
      if (text_[at_] == '}') {
        ++at_;
        return true;
      }
      std::string_view raw;
      if (text_[at_] != '"' || !string(raw)) return false;
      skip_blanks();
      if (at_ >= text_.size() || text_[at_] != ':') return false;
      ++at_;
      const std::string name = unescape_json(raw);
      const std::string dot = key.empty() ? "" : ".";
      if (!value(flat_key + dot + name, key + dot + name, depth)) return false;
    }
  }

  bool array(const std::string& flat_key, const std::string& key, int depth) {
    ++at_;
    for (size_t i = 0;;) {
      skip_blanks();
      if (at_ < text_.size() && text_[at_] == ',') {
        ++at_;
        continue;
      }
      if (at_ >= text_.size()) return false;
      if (text_[at_] == ']') {
        ++at_;
        return true;
      }
      if (!value(flat_key, fmt::format("{}[{}]", key, i++), depth)) return false;
    }
  }

  bool scalar(const std::string& flat_key, const std::string& key) {
    const size_t start = at_;
    while (at_ < text_.size() && text_[at_] != ',' && text_[at_] != '}' && text_[at_] != ']' &&
           static_cast<unsigned char>(text_[at_]) > ' ') {
      ++at_;
    }
    const std::string_view word = text_.substr(start, at_ - start);
    if (word.empty()) return false;
    ArgLeaf leaf{flat_key, key, ArgLeaf::kNull, 0, 0, std::string(word)};
    const char* begin = word.data();
    const char* end = begin + word.size();
    if (word == "true" || word == "false") {
      leaf.type = ArgLeaf::kBool;
      leaf.integer = word == "true";
    } else if (word == "NaN" || word == "nan") {
      leaf.type = ArgLeaf::kReal;
      leaf.real = std::nan("");
    } else if (word == "Infinity" || word == "-Infinity" || word == "inf" || word == "-inf") {
      leaf.type = ArgLeaf::kReal;
      leaf.real = std::numeric_limits<double>::infinity() * (word[0] == '-' ? -1 : 1);
    } else if (const auto r = std::from_chars(begin, end, leaf.integer);
               r.ec == std::errc() && r.ptr == end) {
      leaf.type = ArgLeaf::kInteger;
    } else if (const auto d = std::from_chars(begin, end, leaf.real);
               d.ec == std::errc() && d.ptr == end) {
      leaf.type = ArgLeaf::kReal;
    }
    out_.push_back(std::move(leaf));
    return true;
  }

  std::string_view text_;
  std::vector<ArgLeaf>& out_;
  size_t at_ = 0;
};

}  // namespace

std::vector<ArgLeaf> parse_args(std::string_view json) {
  std::vector<ArgLeaf> leaves;
  Parser(json, leaves).value("", "", 0);
  return leaves;
}

}  // namespace molgen3d::trace
