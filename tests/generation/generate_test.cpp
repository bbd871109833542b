// One call from SMILES to conformers: order, refusals, progress, and what results depend on.
#include "generation/generate.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace molgen3d {
namespace {

const std::shared_ptr<const Model>& model() {
  static const auto opened = open_model("qwen3-conformer");
  return opened;
}

RunSettings settings_of(uint32_t samples, uint32_t batch) {
  RunSettings settings;
  settings.device = "cpu";
  settings.seed = 3;
  settings.samples = samples;
  settings.batch = batch;
  return settings;
}

TEST(Generate, GivesEverySampleInOrder) {
  const std::vector<std::string> smiles = {"CCO", "C1CC", "OC(=O)C"};
  const auto found = generate(model(), smiles, settings_of(2, 8));
  ASSERT_EQ(found.size(), 6U);
  for (size_t i = 0; i < found.size(); ++i) {
    SCOPED_TRACE(i);
    EXPECT_EQ(found[i].molecule, i / 2);
    EXPECT_EQ(found[i].sample, i % 2);
    EXPECT_EQ(found[i].smiles, smiles[i / 2]);
    EXPECT_EQ(found[i].ok, i / 2 != 1) << found[i].cause;
  }
  EXPECT_NE(found[2].cause.find("ring 1 is never closed"), std::string::npos) << found[2].cause;
  EXPECT_TRUE(found[2].sdf.empty());
  // As typed, not in the order of the canonical SMILES.
  EXPECT_EQ(found[4].elements, (std::vector<std::string>{"O", "C", "O", "C"}));
  EXPECT_EQ(found[4].coordinates.size(), 4U);
  EXPECT_EQ(found[4].stereo, "none specified");
  EXPECT_LT(found[4].log_probability, 0);
  EXPECT_TRUE(found[4].sdf.ends_with("$$$$\n"));
}

TEST(Generate, DoesNotDependOnTheBatch) {
  const std::vector<std::string> smiles = {"CCO", "c1ccccc1", "CC(N)=O"};
  const auto one = generate(model(), smiles, settings_of(2, 1));
  const auto many = generate(model(), smiles, settings_of(2, 8));
  ASSERT_EQ(one.size(), many.size());
  for (size_t i = 0; i < one.size(); ++i) EXPECT_EQ(one[i].sdf, many[i].sdf);
}

TEST(Generate, StopsWhenProgressSaysSo) {
  const std::vector<std::string> smiles(50, "CCCCCCCC");
  const auto found =
      generate(model(), smiles, settings_of(4, 2), [](size_t done, size_t) { return done < 3; });
  EXPECT_LT(found.size(), 200U);
}

TEST(Generate, NamesASettingThatCannotBeUsed) {
  RunSettings settings = settings_of(1, 1);
  settings.device = "abacus";
  EXPECT_THROW(generate(model(), {"C"}, settings), Error);
  EXPECT_THROW(open_model("no such model"), Error);
}

}  // namespace
}  // namespace molgen3d
