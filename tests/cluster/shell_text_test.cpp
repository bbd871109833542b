// What a user gave, on its way through a real shell and back.
#include "cluster/shell_text.h"

#include <gtest/gtest.h>

#include "base/error.h"
#include "cluster/command.h"

namespace molgen3d {
namespace {

const std::vector<std::string> kAwkward = {
    "",           "plain", "a blank",  "it's",        "'",         "''",       "\"",
    "$(touch x)", "`id`",  "$HOME",    "a;b",         "a&b|c>d<e", "*",        "~",
    "\\",         "\\n",   "!history", "#no comment", "[13CH4]",   "C/C=C\\C", "-n",
    "--x=y",      "{a,b}", "(a)",      "ümläut",      "a=b c",     "%x",       "\xff\xfe"};

TEST(ShellQuoted, ComesOutOfAShellAsItWentIn) {
  for (const std::string shell : {"bash", "sh"}) {
    std::string script = "printf '%s\\0'";
    std::string wanted;
    for (const std::string& text : kAwkward) {
      script += " " + shell_quoted(text);
      wanted += text + '\0';
    }
    const CommandResult said = run_command({shell}, script);
    EXPECT_EQ(said.code, 0) << said.error;
    EXPECT_EQ(said.output, wanted);
  }
}

TEST(ShellQuoted, RefusesWhatNoScriptCanShow) {
  for (const std::string& text : {std::string("a\nb"), std::string("a\rb"), std::string("\x1b["),
                                  std::string("a\0b", 3), std::string("\x7f")})
    EXPECT_THROW(shell_quoted(text), Error) << text;
}

TEST(DirectiveValue, TakesWordsOfSbatchOnly) {
  for (const char* good :
       {"gpu:h100:1", "40G", "1-12:00:00", "0-3,7%2", "a100&nvlink", "--comment=x"})
    EXPECT_EQ(directive_value(good, "value"), good);
  for (const char* bad : {"", "a b", "a'b", "a\"b", "$(id)", "a;b", "a\nb", "a\\b", "`id`"})
    EXPECT_THROW(directive_value(bad, "value"), Error) << bad;
}

TEST(OutputPattern, HasNoReplacementsOfItsOwn) {
  EXPECT_EQ(output_pattern("/a b/100%"), "/a b/100%%");
  EXPECT_THROW(output_pattern("/a\\b"), Error);
  EXPECT_THROW(output_pattern("/a\nb"), Error);
}

TEST(RunCommand, GivesCodesStreamsAndCauses) {
  const CommandResult done = run_command({"sh", "-c", "cat; echo oops >&2; exit 3"}, "input");
  EXPECT_EQ(done.code, 3);
  EXPECT_EQ(done.output, "input");
  EXPECT_EQ(done.error, "oops\n");
  EXPECT_EQ(run_command({"sh", "-c", "kill -9 $$"}).code, 128 + 9);
  EXPECT_THROW(run_command({"no such program"}), Error);
  const std::string much(1 << 20, 'x');
  EXPECT_EQ(run_command({"cat"}, much).output, much);
}

}  // namespace
}  // namespace molgen3d
