// Is a text JSON? Strictly by RFC 8259, in one pass, with the place of every fault.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace molgen3d::trace {

/// Faults of one kind: how many, and where the first one is.
struct JsonFault {
  std::string what;
  uint64_t count = 0;
  uint64_t offset = 0;  ///< byte of the first one, from 0
  uint64_t line = 0;    ///< from 1
  uint64_t column = 0;  ///< in bytes, from 1
};

/// A validator that is fed a text in pieces of any size. After a fault it goes on as a lenient
/// reader would, so one file can show several kinds; text behind the end of the document ends the
/// check.
class JsonChecker {
 public:
  void feed(std::string_view piece);
  /// Call once, after the last piece. Faults in the order of their first place.
  std::vector<JsonFault> finish();

 private:
  enum class State : uint8_t {
    kValue,       ///< a value must follow
    kValueOrEnd,  ///< or the end of an array that has just begun
    kKeyOrEnd,    ///< of an object that has just begun
    kKey,         ///< behind a comma
    kColon,
    kCommaOrEnd,
    kString,
    kEscape,
    kHex,     ///< of \u, `left_` digits more
    kWord,    ///< number, true, false, null or nonsense
    kBehind,  ///< the document has ended
    kStopped
  };

  void step(unsigned char c);
  void structure(unsigned char c);
  void in_string(unsigned char c);
  void utf8(unsigned char c);
  void hex_digit(unsigned char c);
  void begin_value(unsigned char c);
  void end_value();
  void end_word();
  void close(char bracket);
  void fault(const char* what) { fault_at(what, offset_); }
  void fault_at(const char* what, uint64_t offset);

  State state_ = State::kValue;
  std::vector<bool> objects_;    ///< open brackets: is it an object?
  bool key_ = false;             ///< the string under way is a key
  bool comma_ = false;           ///< a comma came just before
  int left_ = 0;                 ///< hex digits
  uint32_t code_ = 0;            ///< of the escape under way
  bool high_surrogate_ = false;  ///< an escape just ended that needs a low surrogate behind it
  int follow_ = 0;               ///< bytes of a UTF-8 sequence to come
  unsigned char low_ = 0x80, high_ = 0xBF;  ///< bounds of the next one
  std::string word_;
  bool long_word_ = false;
  uint64_t word_at_ = 0;
  uint64_t offset_ = 0;
  uint64_t line_ = 1;
  uint64_t line_start_ = 0;
  std::vector<JsonFault> faults_;  ///< one per kind, in the order of their first place
};

/// Checks the (decompressed) text of a file. Throws Error when it cannot be read.
std::vector<JsonFault> check_json(const std::string& path);

}  // namespace molgen3d::trace
