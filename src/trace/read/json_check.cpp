#include "trace/read/json_check.h"

#include <utility>

#include "trace/store/input_stream.h"

namespace molgen3d::trace {
namespace {

constexpr const char* kByteOrderMark = "a byte order mark";
constexpr size_t kLongestWord = 1000;  // digits of a number that anybody means

bool is_blank(unsigned char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}
bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

// -?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?
bool is_number(std::string_view word) {
  size_t i = word.starts_with('-') ? 1 : 0;
  const auto digits = [&] {
    const size_t start = i;
    while (i < word.size() && is_digit(word[i])) ++i;
    return i - start;
  };
  const bool zero = i < word.size() && word[i] == '0';
  const size_t whole = digits();
  if (whole == 0 || (zero && whole > 1)) return false;
  if (i < word.size() && word[i] == '.') {
    ++i;
    if (digits() == 0) return false;
  }
  if (i < word.size() && (word[i] | 0x20) == 'e') {
    ++i;
    if (i < word.size() && (word[i] == '+' || word[i] == '-')) ++i;
    if (digits() == 0) return false;
  }
  return i == word.size();
}

const char* fault_of_word(std::string_view word) {
  const std::string_view bare = word.substr(word.starts_with('-') || word.starts_with('+') ? 1 : 0);
  if (bare == "NaN" || bare == "nan" || bare == "Infinity" || bare == "inf") {
    return "NaN or Infinity, which JSON does not have";
  }
  if (!bare.empty() && (is_digit(bare[0]) || bare[0] == '.'))
    return "a number that JSON does not know";
  return "a bare word";
}

}  // namespace

void JsonChecker::fault_at(const char* what, uint64_t offset) {
  for (JsonFault& f : faults_) {
    if (f.what != what) continue;
    ++f.count;
    return;
  }
  faults_.push_back({what, 1, offset, line_, offset - line_start_ + 1});
}

void JsonChecker::feed(std::string_view piece) {
  for (const char c : piece) {
    if (state_ == State::kStopped) return;
    step(static_cast<unsigned char>(c));
    ++offset_;
    if (c == '\n') {
      ++line_;
      line_start_ = offset_;
    }
  }
}

void JsonChecker::step(unsigned char c) {
  switch (state_) {
    case State::kString:
      return in_string(c);
    case State::kEscape:
      if (c == 'u') {
        state_ = State::kHex;
        left_ = 4;
        code_ = 0;
        return;
      }
      if (high_surrogate_) fault("half of a surrogate pair");
      high_surrogate_ = false;
      state_ = State::kString;
      if (std::string_view("\"\\/bfnrt").find(static_cast<char>(c)) != std::string_view::npos)
        return;
      fault("an escape that JSON does not know");
      if (c < 0x20 || c >= 0x80) in_string(c);
      return;
    case State::kHex:
      return hex_digit(c);
    case State::kWord:
      if (!is_blank(c) && c != ',' && c != ']' && c != '}' && c != ':' && c != '"') {
        if (word_.size() < kLongestWord) {
          word_ += static_cast<char>(c);
        } else {
          long_word_ = true;
        }
        return;
      }
      end_word();
      return structure(c);
    default:
      return structure(c);
  }
}

void JsonChecker::in_string(unsigned char c) {
  if (follow_ > 0) {
    if (c >= low_ && c <= high_) {
      low_ = 0x80;
      high_ = 0xBF;
      --follow_;
      return;
    }
    follow_ = 0;
    fault("bytes that are no UTF-8");  // and `c` is looked at by itself
  }
  if (high_surrogate_ && c != '\\') {
    fault("half of a surrogate pair");
    high_surrogate_ = false;
  }
  if (c == '\\') {
    state_ = State::kEscape;
  } else if (c == '"') {
    if (key_) {
      state_ = State::kColon;
    } else {
      end_value();
    }
  } else if (c < 0x20) {
    fault("a control character in a string");
  } else if (c >= 0x80) {
    utf8(c);
  }
}

void JsonChecker::utf8(unsigned char c) {
  low_ = 0x80;
  high_ = 0xBF;
  if (c >= 0xC2 && c <= 0xDF) {
    follow_ = 1;
  } else if (c >= 0xE0 && c <= 0xEF) {
    follow_ = 2;
    if (c == 0xE0) low_ = 0xA0;
    if (c == 0xED) high_ = 0x9F;
  } else if (c >= 0xF0 && c <= 0xF4) {
    follow_ = 3;
    if (c == 0xF0) low_ = 0x90;
    if (c == 0xF4) high_ = 0x8F;
  } else {
    fault("bytes that are no UTF-8");
  }
}

void JsonChecker::hex_digit(unsigned char c) {
  const unsigned char lower = c | 0x20;
  const bool digit = is_digit(static_cast<char>(c));
  if (!digit && (lower < 'a' || lower > 'f')) {
    fault("an escape that JSON does not know");
    high_surrogate_ = false;
    state_ = State::kString;
    return in_string(c);
  }
  code_ = code_ * 16 + (digit ? c - '0' : lower - 'a' + 10u);
  if (--left_ > 0) return;
  state_ = State::kString;
  const bool high = code_ >= 0xD800 && code_ <= 0xDBFF;
  const bool low = code_ >= 0xDC00 && code_ <= 0xDFFF;
  if (high_surrogate_ != low) fault("half of a surrogate pair");
  high_surrogate_ = high;
}

void JsonChecker::end_word() {
  const bool good =
      !long_word_ && (word_ == "true" || word_ == "false" || word_ == "null" || is_number(word_));
  if (!good) fault_at(fault_of_word(word_), word_at_);
  word_.clear();
  long_word_ = false;
  end_value();
}

void JsonChecker::end_value() {
  state_ = objects_.empty() ? State::kBehind : State::kCommaOrEnd;
  comma_ = false;
}

void JsonChecker::begin_value(unsigned char c) {
  comma_ = false;
  key_ = false;
  if (c == '"') {
    state_ = State::kString;
  } else if (c == '{') {
    objects_.push_back(true);
    state_ = State::kKeyOrEnd;
  } else if (c == '[') {
    objects_.push_back(false);
    state_ = State::kValueOrEnd;
  } else {
    state_ = State::kWord;
    word_.assign(1, static_cast<char>(c));
    word_at_ = offset_;
  }
}

void JsonChecker::close(char bracket) {
  if (objects_.empty() || objects_.back() != (bracket == '}')) {
    fault("a closing bracket that nothing opened");
    return;
  }
  if (comma_) fault("a comma before a closing bracket");
  if (state_ == State::kColon || (state_ == State::kValue && !comma_)) {
    fault("a key without a value");
  }
  objects_.pop_back();
  end_value();
}

void JsonChecker::structure(unsigned char c) {
  if (is_blank(c)) return;
  if (offset_ == 0 && c == 0xEF) {  // the two others follow as a bare word would
    fault(kByteOrderMark);
    return;
  }
  if (offset_ < 3 && (c == 0xBB || c == 0xBF) && !faults_.empty() &&
      faults_[0].what == kByteOrderMark)
    return;
  if (state_ == State::kBehind) {
    fault("text after the end of the document");
    state_ = State::kStopped;
    return;
  }
  if (c == '}' || c == ']') return close(static_cast<char>(c));
  if (c == ',') {
    if (state_ != State::kCommaOrEnd) {
      fault("a comma where none belongs");
      if (objects_.empty()) return;
    }
    comma_ = true;
    state_ = objects_.back() ? State::kKey : State::kValue;
    return;
  }
  if (c == ':') {
    if (state_ != State::kColon) fault("a colon where none belongs");
    state_ = State::kValue;
    comma_ = false;
    return;
  }
  if (state_ == State::kColon) {
    fault("no colon behind a key");
    state_ = State::kValue;
  } else if (state_ == State::kCommaOrEnd) {
    fault("no comma between two values");
    state_ = objects_.back() ? State::kKey : State::kValue;
  }
  if (state_ == State::kValue || state_ == State::kValueOrEnd) return begin_value(c);
  comma_ = false;
  if (c == '"') {
    key_ = true;
    state_ = State::kString;
    return;
  }
  fault("no key where one was expected");
  begin_value(c);  // taken for a value, so that what follows is seen
}

std::vector<JsonFault> JsonChecker::finish() {
  if (state_ == State::kWord) end_word();
  if (state_ != State::kBehind && state_ != State::kStopped) {
    fault("the text ends before the document does");
  }
  return std::move(faults_);
}

std::vector<JsonFault> check_json(const std::string& path) {
  InputStream input(path);
  JsonChecker checker;
  std::vector<char> buffer(size_t{1} << 20);
  for (size_t size = buffer.size(); size == buffer.size();) {
    size = input.read(buffer.data(), buffer.size());
    checker.feed({buffer.data(), size});
  }
  return checker.finish();
}

}  // namespace molgen3d::trace
