// The tables: no dead ends, exact bounds, shared states, threads, and what is refused.
#include "constraint/compiler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <set>
#include <thread>

#include "base/error.h"
#include "constraint/template_program.h"
#include "constraint/test_templates.h"
#include "constraint/test_tokenizers.h"
#include "text/template.h"

namespace molgen3d {
namespace {

std::shared_ptr<const TemplateProgram> program_of(const TemplateCompiler& compiler,
                                                  const std::vector<std::string>& literals) {
  return std::dynamic_pointer_cast<const TemplateProgram>(compiler.compile(literals));
}

struct Bounds {
  size_t least;
  size_t most;
};

/// Shortest and longest way to the end by brute force over the program's own steps.
class Explorer {
 public:
  explicit Explorer(const Constraint& constraint) : constraint_(constraint) {}

  Bounds bounds(ConstraintState state) {
    if (constraint_.finished(state)) return {0, 0};
    const auto key = std::pair(state.segment, state.node);
    if (const auto it = known_.find(key); it != known_.end()) return it->second;
    Bounds result{SIZE_MAX, 0};
    const Choices choices = constraint_.choices(state);
    std::vector<TokenId> tokens(choices.listed.begin(), choices.listed.end());
    if (choices.kind == Choices::Kind::kForced) tokens = {choices.forced};
    EXPECT_FALSE(tokens.empty()) << "dead end";
    EXPECT_TRUE(std::is_sorted(tokens.begin(), tokens.end()));
    EXPECT_EQ(std::adjacent_find(tokens.begin(), tokens.end()), tokens.end());
    for (TokenId token : tokens) {
      if (tokens.size() > 1) sampled_.insert(token);
      const Bounds rest = bounds(constraint_.advance(state, token));
      result.least = std::min(result.least, rest.least + 1);
      result.most = std::max(result.most, rest.most + 1);
    }
    known_.emplace(key, result);
    return result;
  }
  const std::set<TokenId>& sampled() const { return sampled_; }

 private:
  const Constraint& constraint_;
  std::map<std::pair<uint32_t, uint32_t>, Bounds> known_;
  std::set<TokenId> sampled_;
};

TEST(TemplateCompiler, BoundsAndReachableIdsAreExactAndNothingIsADeadEnd) {
  for (const TestTokenizer& tokenizer : small_tokenizers()) {
    for (auto zeros :
         {NumberFormat::Zeros::kStrip, NumberFormat::Zeros::kFixed, NumberFormat::Zeros::kEither}) {
      SCOPED_TRACE(tokenizer.name);
      const TemplateCompiler compiler(tokenizer.tokenizer, {4, zeros, 3},
                                      tokenizer.end_of_sequence);
      for (const std::string& smiles : {kMolecules[1], kMolecules[5], kMolecules[10]}) {
        const auto program = program_of(compiler, literals_of_smiles(smiles));
        Explorer explorer(*program);
        const Bounds bounds = explorer.bounds(program->start());
        EXPECT_EQ(program->min_tokens(), bounds.least);
        EXPECT_EQ(program->max_tokens(), bounds.most);
        const std::vector<TokenId> reachable(program->reachable().begin(),
                                             program->reachable().end());
        EXPECT_EQ(reachable,
                  std::vector<TokenId>(explorer.sampled().begin(), explorer.sampled().end()));
      }
    }
  }
}

TEST(TemplateCompiler, EveryStateOfTheTablesCanLeaveItsHole) {
  std::vector<TestTokenizer> tokenizers = small_tokenizers();
  for (const TestTokenizer& real : {real_qwen3(), real_llama31()}) {
    if (real.tokenizer) tokenizers.push_back(real);
  }
  for (const TestTokenizer& tokenizer : tokenizers) {
    SCOPED_TRACE(tokenizer.name);
    const TemplateCompiler compiler(tokenizer.tokenizer, {}, tokenizer.end_of_sequence);
    TestRandom random(1);
    std::shared_ptr<const TemplateProgram> program;
    for (int i = 0; i < 200; ++i) program = program_of(compiler, random_literals(random, 8));
    const HoleTables& tables = *program->holes;
    const size_t states = tables.row_begin.size() - 1;
    ASSERT_EQ(tables.row_begin.back(), tables.edge_token.size());
    ASSERT_EQ(tables.edge_next.size(), tables.edge_token.size());
    std::set<std::vector<std::pair<TokenId, uint32_t>>> rows;
    for (size_t s = 0; s < states; ++s) {
      std::vector<std::pair<TokenId, uint32_t>> row;
      for (uint32_t e = tables.row_begin[s]; e < tables.row_begin[s + 1]; ++e) {
        row.emplace_back(tables.edge_token[e], tables.edge_next[e]);
        // Rows are added children first, so that each edge leads to a smaller number or out: no
        // cycle, and with a non-empty row in each state, every way ends outside.
        ASSERT_TRUE(tables.edge_next[e] == HoleTables::kLeaveHole || tables.edge_next[e] < s);
      }
      ASSERT_FALSE(row.empty());
      ASSERT_TRUE(std::is_sorted(row.begin(), row.end()));
      ASSERT_TRUE(rows.insert(row).second) << "two equal states";
    }
  }
}

TEST(TemplateCompiler, RowsKeepTheirMeaningWhileTheTablesGrow) {
  const TestTokenizer tokenizer = qwen_like();
  const TemplateCompiler compiler(tokenizer.tokenizer, {}, tokenizer.end_of_sequence);
  const auto before = program_of(compiler, literals_of_smiles("CCO"));
  // A first token that no warmed literal has.
  const auto after = program_of(
      compiler, {"[CONFORMER][C]<", ">%12/[C]<", ">-[C]<", ">:[C]<", ">.[C]<", ">@[/CONFORMER]"});
  const HoleTables& old_tables = *before->holes;
  const HoleTables& new_tables = *after->holes;
  ASSERT_LE(old_tables.row_begin.size(), new_tables.row_begin.size());
  EXPECT_TRUE(std::equal(old_tables.row_begin.begin(), old_tables.row_begin.end(),
                         new_tables.row_begin.begin()));
  EXPECT_TRUE(std::equal(old_tables.edge_token.begin(), old_tables.edge_token.end(),
                         new_tables.edge_token.begin()));
  EXPECT_TRUE(std::equal(old_tables.edge_next.begin(), old_tables.edge_next.end(),
                         new_tables.edge_next.begin()));
}

TEST(TemplateCompiler, AnEntryBranchesWhereTheSignJoinsTheBracket) {
  const TestTokenizer tokenizer = joined_sign_like();
  const TemplateCompiler compiler(tokenizer.tokenizer, {}, tokenizer.end_of_sequence);
  const auto program = program_of(compiler, literals_of_smiles("C"));
  ConstraintState state = program->start();
  std::string forced;
  Choices choices = program->choices(state);
  while (choices.kind == Choices::Kind::kForced) {
    forced += tokenizer.tokenizer->token_bytes(choices.forced);
    state = program->advance(state, choices.forced);
    choices = program->choices(state);
  }
  EXPECT_EQ(forced, "[CONFORMER][C");
  std::set<std::string_view> texts;
  for (TokenId token : choices.listed) texts.insert(tokenizer.tokenizer->token_bytes(token));
  EXPECT_EQ(texts, (std::set<std::string_view>{"]<", "]"}));
}

TEST(TemplateCompiler, AnIllegalTokenLeavesTheStateAsItIs) {
  const TestTokenizer tokenizer = qwen_like();
  const TemplateCompiler compiler(tokenizer.tokenizer, {}, tokenizer.end_of_sequence);
  const auto program = program_of(compiler, literals_of_smiles("CO"));
  TestRandom random(5);
  ConstraintState state = program->start();
  while (!program->finished(state)) {
    const Choices choices = program->choices(state);
    for (TokenId token = -1; token < 140; ++token) {
      if (allows(choices, token)) continue;
      ASSERT_EQ(program->advance(state, token), state);
    }
    state = program->advance(state, choices.kind == Choices::Kind::kForced
                                        ? choices.forced
                                        : choices.listed[random.below(choices.listed.size())]);
  }
  EXPECT_EQ(program->choices(state).forced, tokenizer.end_of_sequence);
  EXPECT_EQ(program->advance(state, tokenizer.end_of_sequence), state);
}

TEST(TemplateCompiler, ThreadsGetTheSamePrograms) {
  const TestTokenizer tokenizer = llama_like();
  const TemplateCompiler shared(tokenizer.tokenizer, {}, tokenizer.end_of_sequence);
  const auto compile_all = [](const TemplateCompiler& compiler, uint64_t seed) {
    TestRandom random(seed);
    std::vector<std::vector<TokenId>> walks;
    for (int i = 0; i < 300; ++i) {
      const auto program = compiler.compile(random_literals(random, 3));
      walks.push_back(random_walk(random, *program));
    }
    return walks;
  };
  std::vector<std::vector<TokenId>> results[4];
  std::vector<std::thread> threads;
  for (size_t t = 0; t < 4; ++t) {
    threads.emplace_back([&, t] { results[t] = compile_all(shared, 100 + t % 2); });
  }
  for (std::thread& thread : threads) thread.join();
  for (size_t t = 0; t < 4; ++t) {
    const TemplateCompiler own(tokenizer.tokenizer, {}, tokenizer.end_of_sequence);
    EXPECT_EQ(results[t], compile_all(own, 100 + t % 2));
  }
}

TEST(TemplateCompiler, RefusesWhatCannotStandInATemplate) {
  const TestTokenizer tokenizer = qwen_like();
  const TemplateCompiler compiler(tokenizer.tokenizer, {}, tokenizer.end_of_sequence);
  const std::string first = "[CONFORMER][C]<", last = ">[/CONFORMER]";
  const std::vector<std::vector<std::string>> bad = {
      {},
      {first},
      {"[C]<", last},
      {first, "[C]<", last},
      {first, ">[C]", last},
      {first, ">[C]<"},
      {first, ">[C] <", last},
      {first, ">['C]<", last},
      {first, ">[C\xC3\xA9]<", last},
      {first, last, last},
      {first, ">[C]<", ">[C]<"},
  };
  for (const auto& literals : bad) EXPECT_THROW(compiler.compile(literals), Error);
  // A failure spoils nothing.
  const std::vector<std::string> good = {first, ">[C]<", last};
  EXPECT_NE(compiler.compile(good), nullptr);
  try {
    compiler.compile(bad[6]);
  } catch (const Error& error) {
    EXPECT_STREQ(error.what(),
                 "template literal \">[C] <\": holds a space, which enriched text never does");
  }
}

}  // namespace
}  // namespace molgen3d
