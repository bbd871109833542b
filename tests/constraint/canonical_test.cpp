// The proof obligations: accepted paths are the encoder's own tokens, and the other way round.
#include <gtest/gtest.h>

#include <map>
#include <set>
#include <unordered_map>

#include "constraint/compiler.h"
#include "constraint/template_program.h"
#include "constraint/test_templates.h"
#include "constraint/test_tokenizers.h"
#include "text/template.h"

namespace molgen3d {
namespace {

using Zeros = NumberFormat::Zeros;

struct Case {
  TestTokenizer tokenizer;
  NumberFormat format;
};

std::string describe(const Case& c) {
  return c.tokenizer.name + ", zeros " + std::to_string(static_cast<int>(c.format.zeros)) + ", " +
         std::to_string(c.format.max_integer_digits) + " integer digits, " +
         std::to_string(c.format.decimals) + " decimals";
}

std::vector<TestTokenizer> all_tokenizers() {
  std::vector<TestTokenizer> all = small_tokenizers();
  for (const TestTokenizer& real : {real_qwen3(), real_llama31()}) {
    if (real.tokenizer) all.push_back(real);
  }
  return all;
}

std::vector<Case> all_cases() {
  std::vector<Case> cases;
  for (const TestTokenizer& tokenizer : all_tokenizers()) {
    for (Zeros zeros : {Zeros::kStrip, Zeros::kFixed, Zeros::kEither}) {
      for (int digits : {1, 2, 3}) cases.push_back({tokenizer, {4, zeros, digits}});
    }
    cases.push_back({tokenizer, {2, Zeros::kEither, 2}});
  }
  return cases;
}

std::shared_ptr<const TemplateProgram> compile(const Case& c,
                                               const std::vector<std::string>& literals) {
  const TemplateCompiler compiler(c.tokenizer.tokenizer, c.format, c.tokenizer.end_of_sequence);
  EXPECT_EQ(compiler.fallback_reason(), "");
  return std::dynamic_pointer_cast<const TemplateProgram>(compiler.compile(literals));
}

const std::vector<std::string> kTwoAtoms = {"[CONFORMER][C]<", ">=[O]<", ">[/CONFORMER]"};

/// Walks the tokens of one number after another.
class NumberWalk {
 public:
  NumberWalk(const TestTokenizer& tokenizer, const TemplateProgram& program)
      : tokenizer_(*tokenizer.tokenizer), program_(program) {}

  struct Run {
    std::vector<TokenId> tokens;
    ConstraintState end;
  };

  /// Every run of digit tokens from `state` that something else can follow, by its text.
  std::map<std::string, Run> digit_runs(ConstraintState state) const {
    std::map<std::string, Run> runs;
    collect(state, "", {}, runs);
    return runs;
  }

  /// The state after the tokens of `text`, if they are all legal.
  bool follow(ConstraintState& state, std::string_view text) const {
    for (TokenId token : tokenizer_.encode(text)) {
      if (!allows(program_.choices(state), token)) return false;
      state = program_.advance(state, token);
    }
    return true;
  }

  /// Texts of the legal tokens that are no digits.
  std::set<std::string> others(ConstraintState state) const {
    std::set<std::string> texts;
    for_each_choice(state, [&](TokenId token) {
      if (!is_digits(token)) texts.emplace(tokenizer_.token_bytes(token));
    });
    return texts;
  }

 private:
  bool is_digits(TokenId token) const {
    return tokenizer_.token_bytes(token).find_first_not_of("0123456789") == std::string_view::npos;
  }
  template <typename Visit>
  void for_each_choice(ConstraintState state, Visit visit) const {
    const Choices choices = program_.choices(state);
    if (choices.kind == Choices::Kind::kForced) return visit(choices.forced);
    for (TokenId token : choices.listed) visit(token);
  }
  void collect(ConstraintState state, const std::string& text, std::vector<TokenId> tokens,
               std::map<std::string, Run>& runs) const {
    if (!text.empty() && !others(state).empty()) {
      const bool fresh = runs.emplace(text, Run{tokens, state}).second;
      EXPECT_TRUE(fresh) << "two ways to write " << text;
    }
    for_each_choice(state, [&](TokenId token) {
      if (!is_digits(token)) return;
      tokens.push_back(token);
      collect(program_.advance(state, token), text + std::string(tokenizer_.token_bytes(token)),
              tokens, runs);
      tokens.pop_back();
    });
  }

  const Tokenizer& tokenizer_;
  const TemplateProgram& program_;
};

bool is_number(const std::string& text, const NumberFormat& format) {
  return is_coordinate(text.data(), text.data() + text.size(), format);
}

/// Sanitizers look for faults of memory, which repeat: with them one text in 16 is encoded.
#ifdef __SANITIZE_ADDRESS__
constexpr size_t kEvery = 16;
#else
constexpr size_t kEvery = 1;
#endif

/// encode(), each text once: the tokens of a run of digits do not depend on where it stands.
class EncodeOnce {
 public:
  explicit EncodeOnce(const Tokenizer& tokenizer) : tokenizer_(&tokenizer) {}
  const std::vector<TokenId>& operator()(const std::string& text) {
    const auto [entry, fresh] = known_.try_emplace(text);
    if (fresh) entry->second = tokenizer_->encode(text);
    return entry->second;
  }

 private:
  const Tokenizer* tokenizer_;
  std::unordered_map<std::string, std::vector<TokenId>> known_;
};

// Every number of the grammar, for every component, is one path, its tokens are the encoder's, and
// there is no other path. Exhaustive: all integer parts, and all decimals behind each distinct
// state that follows a dot (the automaton is deterministic, so that states stand for their
// futures).
TEST(Canonical, EveryNumberIsOnePathAndNothingElseIs) {
  std::map<const Tokenizer*, EncodeOnce> encoders;
  for (const Case& c : all_cases()) {
    SCOPED_TRACE(describe(c));
    const auto program = compile(c, kTwoAtoms);
    ASSERT_NE(program, nullptr);
    const NumberWalk walk(c.tokenizer, *program);
    const Tokenizer& tokenizer = *c.tokenizer.tokenizer;
    EncodeOnce& encoded = encoders.try_emplace(&tokenizer, tokenizer).first->second;
    const std::string first = c.format.zeros == Zeros::kFixed
                                  ? "1." + std::string(static_cast<size_t>(c.format.decimals), '2')
                                  : "1";
    for (int component = 0; component < 3; ++component) {
      for (const std::string sign : {"", "-"}) {
        std::string before = kTwoAtoms[0];
        for (int i = 0; i < component; ++i) before += first + ",";
        // The tokens before a digit: of the text with a digit, less the digit.
        std::vector<TokenId> prefix = tokenizer.encode(before + sign + "1");
        prefix.pop_back();
        ConstraintState start = program->start();
        for (TokenId token : prefix) {
          ASSERT_TRUE(allows(program->choices(start), token));
          start = program->advance(start, token);
        }
        std::map<ConstraintState, std::set<bool>, bool (*)(ConstraintState, ConstraintState)>
            after_dot([](ConstraintState a, ConstraintState b) { return a.node < b.node; });
        std::set<std::string> integers;
        for (const auto& [text, run] : walk.digit_runs(start)) {
          integers.insert(text);
          ASSERT_EQ(run.tokens, encoded(text)) << text;
          const std::set<std::string> others = walk.others(run.end);
          ASSERT_EQ(others.size() > others.count("."), is_number(sign + text, c.format)) << text;
          ASSERT_TRUE(others.contains(".")) << text;
          ConstraintState state = run.end;
          ASSERT_TRUE(walk.follow(state, "."));
          after_dot[state].insert(text == "0");
        }
        std::set<std::string> expected;
        for (int value = 0; value < 1000; ++value) {
          const std::string text = std::to_string(value);
          if (static_cast<int>(text.size()) <= c.format.max_integer_digits) expected.insert(text);
        }
        ASSERT_EQ(integers, expected);
        for (const auto& [state, zero_integers] : after_dot) {
          const auto runs = walk.digit_runs(state);
          for (bool zero : zero_integers) {
            size_t valid = 0;
            for (int digits = 1; digits <= c.format.decimals; ++digits) {
              int count = 1;
              for (int i = 0; i < digits; ++i) count *= 10;
              for (int value = 0; value < count; ++value) {
                std::string text = std::to_string(value);
                text.insert(0, static_cast<size_t>(digits) - text.size(), '0');
                if (!is_number(sign + (zero ? "0." : "7.") + text, c.format)) continue;
                ++valid;
                if (static_cast<size_t>(value) % kEvery != 0) continue;
                const auto it = runs.find(text);
                ASSERT_NE(it, runs.end()) << text;
                ASSERT_EQ(it->second.tokens, encoded(text)) << text;
              }
            }
            ASSERT_EQ(runs.size(), valid);
          }
        }
      }
    }
  }
}

/// Numbers of every shape: sign, count of integer digits, count of decimals, zeros at each end.
std::vector<std::string> shapes(const NumberFormat& format) {
  std::vector<std::string> result;
  for (const std::string sign : {"", "-"}) {
    for (const std::string integer : {"0", "5", "10", "99", "407"}) {
      for (const std::string decimals :
           {"", ".5", ".05", ".25", ".005", ".125", ".0000", ".0001", ".7704", ".7700"}) {
        if (is_number(sign + integer + decimals, format)) {
          result.push_back(sign + integer + decimals);
        }
      }
    }
  }
  return result;
}

// Every pair of neighbours in both places, and a seventeenth of all triples.
TEST(Canonical, EveryPairOfShapesIsAccepted) {
  for (const TestTokenizer& tokenizer : all_tokenizers()) {
    for (Zeros zeros : {Zeros::kStrip, Zeros::kFixed}) {
      const Case c{tokenizer, {4, zeros, 3}};
      SCOPED_TRACE(describe(c));
      const std::vector<std::string> literals = {"[CONFORMER][C]<", ">[/CONFORMER]"};
      const auto program = compile(c, literals);
      const std::vector<std::string> numbers = shapes(c.format);
      size_t refused = 0, tried = 0, index = 0;
      for (const std::string& x : numbers) {
        for (const std::string& y : numbers) {
          for (const std::string& z : numbers) {
            const bool pair = &x == &numbers.front() || &z == &numbers.front();
            if (!pair && ++index % (17 * kEvery) != 0) continue;
            ++tried;
            const std::string text = literals[0] + x + "," + y + "," + z + literals[1];
            refused +=
                !accepts(*program, tokenizer.tokenizer->encode(text), tokenizer.end_of_sequence);
          }
        }
      }
      EXPECT_EQ(refused, 0U) << "of " << tried;
      EXPECT_GE(tried, 2 * numbers.size() * numbers.size() - numbers.size());
    }
  }
}

/// Every literal of the molecules between holes, in place, with both signs on either side.
TEST(Canonical, EverySeamIsAcceptedAndWalksReEncode) {
  std::set<std::string> seams;
  for (const std::string& smiles : kMolecules) {
    const std::vector<std::string> literals = literals_of_smiles(smiles);
    seams.insert(literals.begin() + 1, literals.end() - 1);
  }
  ASSERT_GT(seams.size(), 60U);
  for (const Case& c : all_cases()) {
    SCOPED_TRACE(describe(c));
    const TemplateCompiler compiler(c.tokenizer.tokenizer, c.format, c.tokenizer.end_of_sequence);
    const Tokenizer& tokenizer = *c.tokenizer.tokenizer;
    const std::vector<std::string> numbers = shapes(c.format);
    TestRandom random(7);
    for (const std::string& seam : seams) {
      const std::vector<std::string> literals = {"[CONFORMER][C]<", seam, ">1[/CONFORMER]"};
      const auto program = compiler.compile(literals);
      for (size_t n = 0; n < numbers.size(); n += kEvery) {
        const std::string& last = numbers[n];
        const std::string& first = numbers[random.below(numbers.size())];
        const std::string& other = numbers[random.below(numbers.size())];
        for (const std::string& x : {first, other}) {
          const std::string text = literals[0] + other + "," + first + "," + last + seam + x + "," +
                                   other + "," + first + literals[2];
          ASSERT_TRUE(accepts(*program, tokenizer.encode(text), c.tokenizer.end_of_sequence))
              << text;
        }
      }
      for (int i = 0; i < 5; ++i) {
        const std::vector<TokenId> walk = random_walk(random, *program);
        const std::string text = tokenizer.decode(walk);
        ASSERT_EQ(tokenizer.encode(text), walk) << text;
        ASSERT_TRUE(is_valid_answer(text, literals, c.format)) << text;
      }
    }
  }
}

// Text with one character changed: accepted exactly when it is still valid.
TEST(Canonical, ChangedTextIsAcceptedExactlyWhenValid) {
  constexpr std::string_view kCharacters = "0123456789.,-<>[]()C=";
  for (const Case& c : all_cases()) {
    SCOPED_TRACE(describe(c));
    const auto program = compile(c, kTwoAtoms);
    TestRandom random(11);
    size_t valid = 0;
    for (int i = 0; i < 3000; ++i) {
      std::string text = random_answer(random, kTwoAtoms, c.format);
      const size_t at = kTwoAtoms[0].size() + random.below(text.size() - kTwoAtoms[0].size() - 14);
      const char other = kCharacters[random.below(kCharacters.size())];
      switch (random.below(3)) {
        case 0:
          text[at] = other;
          break;
        case 1:
          text.insert(at, 1, other);
          break;
        default:
          text.erase(at, 1);
      }
      const bool expected = is_valid_answer(text, kTwoAtoms, c.format);
      valid += expected;
      ASSERT_EQ(accepts(*program, c.tokenizer.tokenizer->encode(text), c.tokenizer.end_of_sequence),
                expected)
          << text;
    }
    EXPECT_GT(valid, 100U);
    EXPECT_LT(valid, 2900U);
  }
}

TEST(Canonical, RandomTemplates) {
  for (const TestTokenizer& tokenizer : all_tokenizers()) {
    SCOPED_TRACE(tokenizer.name);
    const NumberFormat format;
    const TemplateCompiler compiler(tokenizer.tokenizer, format, tokenizer.end_of_sequence);
    TestRandom random(3);
    for (int i = 0; i < 3000; ++i) {
      const std::vector<std::string> literals = random_literals(random, 1 + random.below(4));
      const auto program = compiler.compile(literals);
      const std::string text = random_answer(random, literals, format);
      const std::vector<TokenId> ids = tokenizer.tokenizer->encode(text);
      ASSERT_TRUE(accepts(*program, ids, tokenizer.end_of_sequence)) << text;
      ASSERT_LE(program->min_tokens(), ids.size() + 1);
      ASSERT_GE(program->max_tokens(), ids.size() + 1);
      const std::vector<TokenId> walk = random_walk(random, *program);
      const std::string walked = tokenizer.tokenizer->decode(walk);
      ASSERT_EQ(tokenizer.tokenizer->encode(walked), walk) << walked;
      ASSERT_TRUE(is_valid_answer(walked, literals, format)) << walked;
    }
  }
}

TEST(Canonical, RealTokenizersAreHere) {
  if (!real_qwen3().tokenizer || !real_llama31().tokenizer) {
    GTEST_SKIP() << "scripts/fetch_test_tokenizers.sh brings the real Qwen3 and Llama-3.1";
  }
  // In Qwen3 a comma before a negative number is one token with its sign.
  EXPECT_EQ(real_qwen3().tokenizer->encode("0,-0").size(), 3U);
  EXPECT_EQ(real_llama31().tokenizer->encode("7704").size(), 2U);
}

}  // namespace
}  // namespace molgen3d
