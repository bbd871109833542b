#include "generation/run_identity.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>

namespace molgen3d {
namespace {

namespace fs = std::filesystem;

std::map<std::string, std::string> as_map(const RunIdentity& identity) {
  return {identity.begin(), identity.end()};
}

// A copy of the shipped model to change.
class ModelCopy : public ::testing::Test {
 protected:
  ModelCopy()
      : folder_(fs::temp_directory_path() / ("molgen3d_identity_" + std::to_string(::getpid()))) {
    fs::remove_all(folder_);
    fs::copy(fs::path(MOLGEN3D_SOURCE_DIR) / "models/qwen3-conformer", folder_,
             fs::copy_options::recursive);
  }
  ~ModelCopy() override { fs::remove_all(folder_); }

  std::map<std::string, std::string> identity(const RunSettings& settings = {}) const {
    const auto model = load_model(folder_);
    return as_map(run_identity(settings, generation_options_of(settings, *model), *model, "cpu"));
  }
  // The names of the settings that differ.
  static std::vector<std::string> changed(const std::map<std::string, std::string>& a,
                                          const std::map<std::string, std::string>& b) {
    std::vector<std::string> names;
    for (const auto& [name, value] : a) {
      if (b.at(name) != value) names.push_back(name);
    }
    return names;
  }

  fs::path folder_;
};

using Names = std::vector<std::string>;

TEST_F(ModelCopy, IsKnownByContentNotByPlace) {
  const auto before = identity();
  const fs::path moved = folder_.string() + "_moved";
  fs::rename(folder_, moved);
  folder_ = moved;
  EXPECT_EQ(identity(), before);

  {
    std::fstream weights(folder_ / "model.safetensors",
                         std::ios::in | std::ios::out | std::ios::binary);
    weights.seekp(-2, std::ios::end);
    weights.write("\x01\x3c", 2);
  }
  EXPECT_EQ(changed(before, identity()), Names{"weights"});
  const auto with_weights = identity();
  std::ofstream(folder_ / "generation_config.json", std::ios::app) << "\n";
  EXPECT_EQ(changed(with_weights, identity()), Names{"config"});
}

TEST_F(ModelCopy, HoldsEverySetting) {
  const auto before = identity();
  RunSettings settings;
  settings.seed = 3;
  EXPECT_EQ(changed(before, identity(settings)), Names{"seed"});
  settings = {};
  settings.prompt = "as-given";
  EXPECT_EQ(changed(before, identity(settings)), Names{"prompt"});
  settings = {};
  settings.batch = 3;
  settings.threads = 1;
  EXPECT_EQ(identity(settings), before);
}

TEST(InputIdentity, SeesContent) {
  const fs::path file =
      fs::temp_directory_path() / ("molgen3d_in_" + std::to_string(::getpid()) + ".smi");
  const auto of_text = [&](const std::string& text) {
    std::ofstream(file, std::ios::trunc) << text;
    return as_map(input_identity({file.string(), "CCO"}, {}, 0)).at("input content");
  };
  const std::string before = of_text("CCO\n");
  EXPECT_NE(of_text("CCN\n"), before);
  EXPECT_EQ(of_text("CCO\n"), before);
  fs::remove(file);
}

}  // namespace
}  // namespace molgen3d
