#include "generation/sampling_presets.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "generation/model.h"
#include "generation/run_settings.h"

namespace molgen3d {
namespace {

TEST(SamplingPreset, KnowsTheNamesOfTheStudy) {
  const GenerationConfig none;
  EXPECT_TRUE(sampling_preset("greedy", none).greedy);
  EXPECT_EQ(describe(sampling_preset("top_p_sampling1", none)), "T 1, top_k off, top_p 1");
  EXPECT_EQ(describe(sampling_preset("top_p_sampling8", none)), "T 1, top_k off, top_p 0.4");
  EXPECT_EQ(describe(sampling_preset("top_p_sampling11", none)), "T 1.2, top_k off, top_p 0.6");
  EXPECT_EQ(describe(sampling_preset("top_p_sampling14", none)), "T 1.4, top_k off, top_p 0.8");
  EXPECT_EQ(describe(sampling_preset("qwen3", none)), "T 0.7, top_k 20, top_p 0.8");
  EXPECT_EQ(describe(sampling_preset("min_p_sampling1", none)),
            "T 1.4, top_k off, top_p 1, min_p 0.1");
  EXPECT_EQ(describe(sampling_preset("min_p_sampling6", none)),
            "T 1.2, top_k off, top_p 1, min_p 0.05");
  EXPECT_EQ(describe(sampling_preset("min_p_sampling11", none)),
            "T 0.8, top_k off, top_p 1, min_p 0.075");
  for (const std::string& name : sampling_preset_names())
    EXPECT_NO_THROW(sampling_preset(name, none));
}

TEST(SamplingPreset, ReadsTheCheckpoint) {
  GenerationConfig config;
  config.do_sample = true;
  config.temperature = 0.8;
  config.top_p = 0.95;
  EXPECT_EQ(describe(sampling_preset("checkpoint", config)), "T 0.8, top_k off, top_p 0.95");
  config.min_p = 0.05;
  EXPECT_EQ(describe(sampling_preset("checkpoint", config)),
            "T 0.8, top_k off, top_p 0.95, min_p 0.05");
  config.do_sample = false;
  EXPECT_TRUE(sampling_preset("checkpoint", config).greedy);
  config.do_sample = true;
  config.temperature = 0;
  EXPECT_EQ(describe(sampling_preset("checkpoint", config)), "greedy");
}

TEST(SamplingPreset, OptionsOutOfRangeAreRefused) {
  const auto model = load_model(find_model("qwen3-conformer"));
  const auto refused = [&](auto set) {
    RunSettings settings;
    set(settings);
    EXPECT_THROW(sampling_of(settings, *model), Error);
  };
  refused([](RunSettings& s) { s.top_p = 0.0F; });
  refused([](RunSettings& s) { s.top_p = 1.5F; });
  refused([](RunSettings& s) { s.min_p = -0.1F; });
  refused([](RunSettings& s) { s.min_p = 1.1F; });
  refused([](RunSettings& s) { s.min_p = std::nanf(""); });
  refused([](RunSettings& s) { s.temperature = -1.0F; });
  RunSettings settings;
  settings.min_p = 0.2F;
  EXPECT_EQ(describe(sampling_of(settings, *model)), "T 0.7, top_k off, top_p 1, min_p 0.2");
}

TEST(SamplingPreset, ATemperatureOverridesAnyPreset) {
  const auto model = load_model(find_model("qwen3-conformer"));
  for (const std::string& name : sampling_preset_names()) {
    RunSettings settings;
    settings.sampling = name;
    settings.temperature = 0.7F;
    EXPECT_EQ(describe(sampling_of(settings, *model)).substr(0, 6), "T 0.7,") << name;
    settings.temperature = 0;
    EXPECT_TRUE(sampling_of(settings, *model).greedy) << name;
  }
}

TEST(SamplingPreset, ListsTheNamesWhenUnknown) {
  try {
    sampling_preset("beam", {});
    FAIL();
  } catch (const Error& error) {
    EXPECT_NE(std::string(error.what()).find("\"beam\""), std::string::npos);
    EXPECT_NE(std::string(error.what()).find("top_p_sampling1"), std::string::npos);
  }
}

}  // namespace
}  // namespace molgen3d
