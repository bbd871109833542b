#include "dataset/splits.h"

#include <gtest/gtest.h>

#include <cmath>

#include "base/error.h"
#include "base/text_hash.h"

namespace molgen3d {
namespace {

TEST(TextHash, IsTheSameForEver) {
  // Computed independently: FNV-1a 64 (offset basis, "C"), then splitmix64's finalizer.
  EXPECT_EQ(text_hash(""), mix64(0xCBF29CE484222325ULL));
  EXPECT_EQ(text_hash("a"), mix64(0xAF63DC4C8601EC8CULL));
  EXPECT_EQ(mix64(0), 0xE220A8397B1DCDAFULL);
}

TEST(Splits, SharesAreMet) {
  const Splits splits = Splits::parse("train=0.8,valid=0.15,test=0.05");
  ASSERT_EQ(splits.names(), (std::vector<std::string>{"train", "valid", "test"}));
  size_t count[3] = {};
  constexpr size_t kMolecules = 20000;
  for (size_t i = 0; i < kMolecules; ++i) ++count[splits.part_of(fmt::format("C{}", i))];
  const double share[3] = {0.8, 0.15, 0.05};
  for (int i = 0; i < 3; ++i) {
    const double spread = std::sqrt(kMolecules * share[i] * (1 - share[i]));
    EXPECT_NEAR(static_cast<double>(count[i]), kMolecules * share[i], 4 * spread);
  }
}

TEST(Splits, NewPartsTakeFromTheEnd) {
  // A molecule of the first part stays there when the rest is cut differently.
  const Splits two = Splits::parse("train=0.9,test=0.1");
  const Splits three = Splits::parse("train=0.9,valid=0.05,test=0.05");
  for (int i = 0; i < 2000; ++i) {
    const std::string key = fmt::format("CC{}", i);
    EXPECT_EQ(two.part_of(key) == 0, three.part_of(key) == 0);
  }
}

TEST(Splits, BadTextIsNamed) {
  for (const char* text : {"", "train", "train=x", "train=0.5", "a=0.5,a=0.5", "a=1.5,b=-0.5",
                           "a b=1", "failed=1", "a=0.5,b=0.6", "a=1,", "../x=1"}) {
    EXPECT_THROW(Splits::parse(text), Error) << text;
  }
  EXPECT_EQ(Splits().part_of("CCO"), 0U);
}

}  // namespace
}  // namespace molgen3d
