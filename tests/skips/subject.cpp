// A program whose only test skips: skips_test.py looks at what becomes of it.
#include <gtest/gtest.h>

TEST(Subject, Skips) {
  GTEST_SKIP() << "no such thing here";
}
