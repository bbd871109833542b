#include "engine/key_value_pages.h"

#include <gtest/gtest.h>

#include <set>

namespace molgen3d {
namespace {

TEST(KeyValuePages, SharedPagesAreFreeAfterTheirLastUser) {
  KeyValuePages pages(5);
  std::vector<uint32_t> first;
  ASSERT_TRUE(pages.allocate(3, first));
  EXPECT_EQ(std::set<uint32_t>(first.begin(), first.end()).size(), 3U);
  EXPECT_EQ(pages.free(), 2U);
  const std::span<const uint32_t> shared(first.data(), 2);
  pages.retain(shared);
  pages.release(first);
  EXPECT_EQ(pages.free(), 3U);
  pages.release(shared);
  EXPECT_EQ(pages.free(), 5U);
}

TEST(KeyValuePages, AllOrNothing) {
  KeyValuePages pages(2);
  std::vector<uint32_t> got;
  EXPECT_FALSE(pages.allocate(3, got));
  EXPECT_TRUE(got.empty());
  EXPECT_EQ(pages.free(), 2U);
  EXPECT_TRUE(pages.allocate(2, got));
  EXPECT_FALSE(pages.allocate(1, got));
}

}  // namespace
}  // namespace molgen3d
