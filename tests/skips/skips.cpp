// What happens to a skipped test, for every GoogleTest program of the project: it is noted in the
// file that MOLGEN3D_SKIP_LIST names, and with MOLGEN3D_NO_SKIP=1 it fails, unless its reason
// matches the regular expression MOLGEN3D_MAY_SKIP. skips.py does the same for Python.
#include <gtest/gtest.h>
#include <regex.h>  // POSIX: GCC 12 warns of std::regex under sanitizers

#include <cstdlib>
#include <fstream>
#include <string>

namespace {

std::string setting(const char* name) {
  const char* value = std::getenv(name);
  return value != nullptr ? value : "";
}

/// An expression that is none matches nothing.
bool matches(const std::string& text, const std::string& expression) {
  regex_t compiled;
  if (regcomp(&compiled, expression.c_str(), REG_EXTENDED | REG_NOSUB) != 0) return false;
  const bool found = regexec(&compiled, text.c_str(), 0, nullptr, 0) == 0;
  regfree(&compiled);
  return found;
}

class Skips : public testing::EmptyTestEventListener {
  void OnTestEnd(const testing::TestInfo& test) override {
    if (!test.result()->Skipped()) return;
    std::string reason;
    for (int i = 0; i < test.result()->total_part_count(); ++i) {
      const testing::TestPartResult& part = test.result()->GetTestPartResult(i);
      if (part.skipped()) reason = part.message();
    }
    while (!reason.empty() && reason.back() == '\n') reason.pop_back();
    if (const std::string list = setting("MOLGEN3D_SKIP_LIST"); !list.empty()) {
      std::ofstream(list, std::ios::app)
          << test.test_suite_name() << '.' << test.name() << ": " << reason << '\n';
    }
    if (setting("MOLGEN3D_NO_SKIP") != "1") return;
    const std::string allowed = setting("MOLGEN3D_MAY_SKIP");
    if (!allowed.empty() && matches(reason, allowed)) return;
    ADD_FAILURE() << "skipped, and MOLGEN3D_NO_SKIP=1: " << reason;
  }
};

const bool kInstalled = [] {
  testing::UnitTest::GetInstance()->listeners().Append(new Skips);  // GoogleTest deletes it
  return true;
}();

}  // namespace
