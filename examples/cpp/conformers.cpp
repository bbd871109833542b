// Conformers of the SMILES on the command line, as an SD file on standard output.
#include <molgen3d/base/error.h>
#include <molgen3d/generation/generate.h>

#include <cstdio>
#include <string>
#include <vector>

int main(int argc, char** argv) {
  const std::vector<std::string> smiles(argv + 1, argv + argc);
  try {
    const auto model = molgen3d::open_model(MODELS "/qwen3-conformer");
    molgen3d::RunSettings settings;
    settings.seed = 7;
    settings.samples = 2;
    int failed = 0;
    for (const auto& conformer : molgen3d::generate(model, smiles, settings)) {
      if (conformer.ok) {
        std::fputs(conformer.sdf.c_str(), stdout);
      } else {
        std::fprintf(stderr, "%s: %s\n", conformer.smiles.c_str(), conformer.cause.c_str());
        ++failed;
      }
    }
    return failed == 0 ? 0 : 2;
  } catch (const molgen3d::Error& error) {
    std::fprintf(stderr, "conformers: %s\n", error.what());
    return 2;
  }
}
