#include "tokenizer/digit_separation.h"

#include <bitset>
#include <string>
#include <vector>

#include "base/error.h"

namespace molgen3d {
namespace {

/// Characters of the texts in question: 0x21 .. 0x7E without the apostrophe.
using CharacterSet = std::bitset<128>;

CharacterSet alphabet() {
  CharacterSet set;
  for (size_t c = 0x21; c < 0x7F; ++c) set.set(c, c != '\'');
  return set;
}

CharacterSet digits() {
  CharacterSet set;
  for (size_t c = '0'; c <= '9'; ++c) set.set(c);
  return set;
}

/// A part of a pattern, seen through the alphabet.
struct Part {
  CharacterSet may_hold;         ///< characters of any match
  size_t least = 0;              ///< characters of the shortest match
  bool impossible = false;       ///< matches nowhere
  bool understood = true;        ///< false: look-around, back-references, anchors
  bool any_digit_alone = false;  ///< matches each digit by itself, whatever stands around it
};

/// Recursive descent over the syntax that pre-tokenizers use. What a one-character atom matches is
/// asked of the regular-expression engine itself.
class PatternReader {
 public:
  explicit PatternReader(std::string_view pattern) : text_(pattern) {}

  /// The top-level alternatives.
  std::vector<Part> alternatives() {
    std::vector<Part> parts;
    do {
      parts.push_back(sequence());
    } while (take('|'));
    if (at_ < text_.size()) lost_ = true;  // an unmatched parenthesis
    return parts;
  }
  /// True when some syntax was not followed: nothing read after it counts.
  bool lost() const { return lost_; }

 private:
  bool take(char c) {
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }

  Part sequence() {
    Part whole;
    size_t required = 0;
    bool digit_alone = false;
    while (at_ < text_.size() && text_[at_] != '|' && text_[at_] != ')') {
      Part part = quantified();
      whole.may_hold |= part.may_hold;
      whole.understood &= part.understood;
      whole.impossible |= part.impossible;
      whole.least += part.least;
      if (part.least > 0) {
        ++required;
        digit_alone = part.any_digit_alone;
      }
    }
    // What is optional before it cannot take the digit away for good: the engine goes back.
    whole.any_digit_alone = required == 1 && whole.least == 1 && digit_alone;
    return whole;
  }

  Part quantified() {
    Part part = atom();
    const size_t before = at_;
    size_t least = 1;
    bool possessive = false;
    if (take('*') || take('?')) {
      least = 0;
    } else if (take('{')) {
      const size_t end = text_.find('}', at_);
      const std::string bounds(text_.substr(at_, end == std::string_view::npos ? 0 : end - at_));
      if (bounds.empty() || bounds.find_first_not_of("0123456789,") != std::string::npos ||
          bounds.front() == ',' || bounds.size() > 8) {
        return give_up();  // a literal brace, or a form that engines read differently
      }
      least = std::stoul(bounds);
      at_ = end + 1;
    } else {
      take('+');
    }
    if (at_ > before) possessive = take('+');
    if (at_ > before && !possessive) take('?');
    if (least == 0) {
      if (possessive && part.may_hold.any()) part.understood &= !(part.may_hold & digits()).any();
      if (part.impossible) part.may_hold.reset();
      part.impossible = false;
      part.any_digit_alone = false;
    }
    part.least *= least;
    if (least > 1) part.any_digit_alone = false;
    return part;
  }

  Part atom() {
    const size_t begin = at_;
    const char c = text_[at_++];
    if (c == '(') return group();
    if (c == '^' || c == '$') return not_understood();
    if (c == '[') {
      if (!skip_class()) return give_up();
    } else if (c == '\\') {
      constexpr std::string_view kPlaces = "bBAzZG123456789";
      if (at_ < text_.size() && kPlaces.find(text_[at_]) != std::string_view::npos) {
        ++at_;
        return not_understood();
      }
      if (!skip_escape()) return give_up();
    } else if (c == '*' || c == '+' || c == '?' || c == '{') {
      return give_up();
    } else {
      while (at_ < text_.size() && (static_cast<unsigned char>(text_[at_]) & 0xC0) == 0x80) ++at_;
    }
    return one_character(text_.substr(begin, at_ - begin));
  }

  /// After the opening parenthesis.
  Part group() {
    const std::string outer_flags = flags_;
    bool looks_around = false;
    if (take('?')) {
      const bool behind = take('<');
      looks_around = take('=') || take('!');
      if (behind && !looks_around) return give_up();  // a name
      if (!looks_around && take('i')) flags_ = "(?i)";
      if (!looks_around && !take(':')) return give_up();  // atomic, or other flags
    }
    Part whole;
    whole.impossible = true;
    whole.least = SIZE_MAX;
    do {
      const Part part = sequence();
      if (part.impossible) continue;
      whole.impossible = false;
      whole.may_hold |= part.may_hold;
      whole.understood &= part.understood;
      whole.least = std::min(whole.least, part.least);
      whole.any_digit_alone |= part.any_digit_alone;
    } while (take('|'));
    if (!take(')')) return give_up();
    flags_ = outer_flags;
    if (looks_around) return not_understood();
    if (whole.impossible) whole.least = 1;
    return whole;
  }

  /// After the opening bracket; false for nested classes, whose meaning engines disagree on.
  bool skip_class() {
    take('^');
    bool first = true;
    while (at_ < text_.size()) {
      const char c = text_[at_++];
      if (c == ']' && !first) return true;
      if (c == '[') return false;
      if (c == '\\' && at_ < text_.size()) ++at_;
      first = false;
    }
    return false;
  }

  /// After the backslash; false for what is no single character.
  bool skip_escape() {
    if (at_ == text_.size()) return false;
    const char c = text_[at_++];
    constexpr std::string_view kClasses = "sSdDwWrntfv";
    if (c == 'p' || c == 'P') {
      if (!take('{')) return at_ < text_.size() && ++at_ > 0;
      at_ = text_.find('}', at_);
      if (at_ == std::string_view::npos) at_ = text_.size();
      return take('}');
    }
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    const bool digit = c >= '0' && c <= '9';
    return kClasses.find(c) != std::string_view::npos || (!letter && !digit);
  }

  /// Takes no character, and may depend on what stands around.
  static Part not_understood() {
    Part part;
    part.understood = false;
    return part;
  }
  Part give_up() {
    lost_ = true;
    at_ = text_.size();
    return not_understood();
  }

  Part one_character(std::string_view atom) const {
    static const CharacterSet kAlphabet = alphabet();
    Part part;
    part.least = 1;
    const Regex regex(flags_ + std::string(atom), "pre-tokenizer");
    for (size_t c = 0; c < kAlphabet.size(); ++c) {
      if (!kAlphabet[c]) continue;
      const char text = static_cast<char>(c);
      part.may_hold.set(c, regex.find({&text, 1}, 0).has_value());
    }
    part.impossible = part.may_hold.none();
    part.any_digit_alone = (part.may_hold & digits()) == digits();
    return part;
  }

  std::string_view text_;
  size_t at_ = 0;
  std::string flags_;
  bool lost_ = false;
};

struct PatternCut {
  DigitCut cut = DigitCut::kNothing;
  bool one_kind = true;  ///< all matches are of digits, or all of other characters
};

PatternCut cut_of_pattern(std::string_view pattern) {
  constexpr size_t kLongest = 8192;  // published patterns have some hundred characters
  if (pattern.size() > kLongest) return {DigitCut::kUnknown, false};
  PatternCut result;
  bool digit_matches = false, other_matches = false;
  try {
    PatternReader reader(pattern);
    const std::vector<Part> alternatives = reader.alternatives();
    if (reader.lost()) return {DigitCut::kUnknown, false};
    for (const Part& part : alternatives) {
      if (part.impossible) continue;
      const CharacterSet held = part.may_hold & digits();
      const bool mixes = held.any() && held != part.may_hold;
      if (!part.understood || mixes || part.least == 0) return {DigitCut::kUnknown, false};
      (held.any() ? digit_matches : other_matches) = true;
      if (result.cut == DigitCut::kNothing) result.cut = DigitCut::kLocal;
      if (part.any_digit_alone) result.cut = DigitCut::kApart;
    }
  } catch (const Error&) {
    return {DigitCut::kUnknown, false};  // an atom that does not compile alone
  }
  result.one_kind = !(digit_matches && other_matches);
  return result;
}

PatternCut cut_of_literal(std::string_view literal) {
  static const CharacterSet kAlphabet = alphabet(), kDigits = digits();
  size_t digit_count = 0;
  for (const char c : literal) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte >= kAlphabet.size() || !kAlphabet[byte]) return {};
    digit_count += kDigits[byte];
  }
  const bool pure = digit_count == 0 || digit_count == literal.size();
  return {pure ? DigitCut::kLocal : DigitCut::kUnknown, pure};
}

DigitCut cut_of_step(const CutStep& step) {
  const auto* regex = std::get_if<Regex>(&step.pattern);
  const PatternCut pattern = regex != nullptr ? cut_of_pattern(regex->pattern())
                                              : cut_of_literal(std::get<std::string>(step.pattern));
  switch (step.behavior) {
    case SplitBehavior::kIsolated:
      return pattern.cut;
    case SplitBehavior::kContiguous:  // joins neighbouring matches
      return pattern.one_kind ? pattern.cut : DigitCut::kUnknown;
    case SplitBehavior::kRemoved:
    case SplitBehavior::kMergedWithPrevious:
    case SplitBehavior::kMergedWithNext:
      break;
  }
  // Without a match the text stays one piece; inverted it is one match.
  return pattern.cut == DigitCut::kNothing && !step.invert ? pattern.cut : DigitCut::kUnknown;
}

}  // namespace

DigitCut digit_cut_of(std::string_view pattern) {
  return cut_of_pattern(pattern).cut;
}

DigitCut digit_cut_of(std::span<const CutStep> steps) {
  DigitCut result = DigitCut::kNothing;
  for (const CutStep& step : steps) {
    const DigitCut cut = cut_of_step(step);
    // Later steps cut each piece by itself.
    if (cut == DigitCut::kApart || cut == DigitCut::kUnknown) return cut;
    if (cut == DigitCut::kLocal) result = cut;
  }
  return result;
}

}  // namespace molgen3d
