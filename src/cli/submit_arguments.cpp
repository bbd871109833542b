#include "cli/submit_arguments.h"

#include <algorithm>
#include <iterator>
#include <string_view>

namespace molgen3d {

namespace {

constexpr std::string_view kCommands[] = {"generate", "smoke", "study", "dataset", "evaluate"};

std::vector<std::string> all, submitted;

bool is_command(std::string_view word) {
  return std::find(std::begin(kCommands), std::end(kCommands), word) != std::end(kCommands);
}

}  // namespace

std::vector<char*> keep_arguments(int argc, char** argv) {
  all.assign(argv + 1, argv + argc);
  std::vector<char*> parsed(argv, argv + argc);
  if (all.empty() || all[0] != "submit") return parsed;
  const auto command = std::find_if(all.begin() + 1, all.end(), is_command);
  submitted.assign(command, all.end());
  parsed.resize(parsed.size() - submitted.size());
  return parsed;
}

const std::vector<std::string>& all_arguments() {
  return all;
}

const std::vector<std::string>& submitted_arguments() {
  return submitted;
}

std::vector<std::string> without_option(const std::vector<std::string>& words,
                                        const std::string& option) {
  std::vector<std::string> out;
  for (size_t i = 0; i < words.size(); ++i) {
    if (words[i] == option) {
      ++i;
    } else if (!words[i].starts_with(option + "=")) {
      out.push_back(words[i]);
    }
  }
  return out;
}

}  // namespace molgen3d
