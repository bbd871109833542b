#include "base/thread_pool.h"

#include <gtest/gtest.h>

#include <atomic>
#include <stdexcept>
#include <vector>

namespace molgen3d {
namespace {

TEST(ThreadPool, CoversEveryIndexOnce) {
  for (const size_t threads : {1, 2, 5}) {
    ThreadPool pool(threads);
    EXPECT_EQ(pool.size(), threads);
    for (const size_t count : {0, 1, 7, 1000}) {
      std::vector<std::atomic<int>> seen(count);
      pool.parallel_for(count, 3, [&](size_t begin, size_t end) {
        EXPECT_LE(end - begin, 3U);
        for (size_t i = begin; i < end; ++i) ++seen[i];
      });
      for (const auto& times : seen) EXPECT_EQ(times, 1);
    }
  }
}

TEST(ThreadPool, SurvivesManyShortLoops) {
  ThreadPool pool(3);
  size_t total = 0;
  for (int loop = 0; loop < 5000; ++loop) {
    std::atomic<size_t> sum{0};
    pool.parallel_for(8, 1, [&](size_t begin, size_t) { sum += begin; });
    total += sum;
  }
  EXPECT_EQ(total, 5000U * 28U);
}

TEST(ThreadPool, RethrowsAndStaysUsable) {
  ThreadPool pool(2);
  EXPECT_THROW(pool.parallel_for(10, 1,
                                 [](size_t begin, size_t) {
                                   if (begin == 4) throw std::runtime_error("four");
                                 }),
               std::runtime_error);
  std::atomic<int> calls{0};
  pool.parallel_for(10, 1, [&](size_t, size_t) { ++calls; });
  EXPECT_EQ(calls, 10);
}

}  // namespace
}  // namespace molgen3d
