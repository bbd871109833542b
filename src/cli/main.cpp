// molgen3d: one table of subcommands, one place where errors become a line and an exit code.
#include <CLI/CLI.hpp>

#include <cstdio>
#include <exception>
#include <new>
#include <string>
#include <vector>

#include "base/error.h"
#include "base/plain_text.h"
#include "cli/command.h"
#include "cli/commands.h"
#include "cli/input_options.h"
#include "cli/messages.h"
#include "cli/process.h"
#include "cli/submit_arguments.h"

namespace {

constexpr const char* kDescription =
    "molgen3d: 3D molecules from language models, exact by construction.\n"
    "Example: molgen3d generate \"CC(=O)Oc1ccccc1C(=O)O\" -n 10 --seed 7 -o aspirin.sdf";

int run(int argc, char** argv) {
  CLI::App app{kDescription, "molgen3d"};
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("molgen3d ") + MOLGEN3D_VERSION);
  int exit_code = molgen3d::kExitDone;
  for (const molgen3d::AddCommand add : molgen3d::kCommands) add(app, exit_code);
  molgen3d::take_texts_as_typed(app);
  app.failure_message([](const CLI::App*, const CLI::Error& error) {
    // It quotes what was typed, or what a pattern of file names became.
    return molgen3d::with_controls_escaped(error.what()) +
           "\nRun with --help for more information.\n";
  });
  try {
    std::vector<char*> words = molgen3d::keep_arguments(argc, argv);
    app.parse(molgen3d::protect_texts(static_cast<int>(words.size()), words.data()));
  } catch (const CLI::ParseError& error) {
    // CLI11 prints help to stdout with code 0 and usage errors to stderr; ours are always code 2.
    return app.exit(error) == 0 ? molgen3d::kExitDone : molgen3d::kExitBadInput;
  } catch (const molgen3d::Error& error) {
    molgen3d::say(error.what());
    return molgen3d::kExitBadInput;
  } catch (const std::bad_alloc&) {
    molgen3d::say("out of memory; a smaller --batch needs less");
    return molgen3d::kExitInternal;
  } catch (const std::exception& error) {
    // fmt::print throws when standard output fails, which is said at the end.
    if (std::ferror(stdout) != 0) return molgen3d::kExitBadInput;
    molgen3d::say(std::string("internal error: ") + error.what());
    return molgen3d::kExitInternal;
  }
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  molgen3d::prepare_process();
  const int exit_code = run(argc, argv);
  if (!molgen3d::finish_standard_output() && exit_code == molgen3d::kExitDone)
    return molgen3d::kExitBadInput;
  return exit_code;
}
