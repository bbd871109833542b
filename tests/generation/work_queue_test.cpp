// The queue between a run and its devices: order, shares, what a lost device leaves.
#include "generation/work_queue.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace molgen3d {
namespace {

constexpr size_t kContext = 1000;

std::shared_ptr<const Request> request(uint64_t tag, uint32_t length, uint32_t samples = 1) {
  Request out;
  out.tag = tag;
  out.samples = samples;
  out.max_new_tokens = length;
  out.prompt = {1, 2, 3};
  return std::make_shared<const Request>(out);
}

Completion completion(uint64_t tag, uint32_t sample = 0) {
  Completion out;
  out.tag = tag;
  out.sample = sample;
  return out;
}

std::vector<uint64_t> tags_pulled(WorkQueue& queue, size_t worker) {
  std::vector<uint64_t> out;
  while (auto piece = queue.pull(worker, false)) out.push_back(piece->request->tag);
  return out;
}

TEST(WorkQueue, GivesTheLongestFirstButNoneWaitsForEver) {
  WorkQueue queue(1, 2, kContext);
  queue.join(0, {8, 1 << 20});
  queue.push({request(0, 10), request(1, 30), request(2, 90), request(3, 50)});
  EXPECT_EQ(tags_pulled(queue, 0), (std::vector<uint64_t>{1, 0, 2, 3}));
}

TEST(WorkQueue, SharesLittleWorkEvenlyAndKeepsRequestsWholeWhenThereIsMuch) {
  WorkQueue little(2, 64, kContext);
  for (const size_t worker : {0, 1}) little.join(worker, {8, 1 << 20});
  little.push({request(0, 10, 6)});
  EXPECT_EQ(little.pull(0, false)->samples, 3U);
  EXPECT_FALSE(little.pull(0, false));
  EXPECT_EQ(little.pull(1, false)->samples, 3U);

  WorkQueue much(2, 64, kContext);
  for (const size_t worker : {0, 1}) much.join(worker, {8, 1 << 20});
  much.push({request(0, 10, 12), request(1, 10, 12), request(2, 10, 12)});
  EXPECT_EQ(much.pull(0, false)->samples, 12U);
  EXPECT_FALSE(much.pull(0, false));  // its slots are taken
}

TEST(WorkQueue, TakesBackWhatALostWorkerHad) {
  WorkQueue queue(2, 64, kContext);
  for (const size_t worker : {0, 1}) queue.join(worker, {4, 1 << 20});
  queue.push({request(7, 10, 4)});
  const auto piece = queue.pull(0, false);
  ASSERT_TRUE(piece);
  EXPECT_EQ(piece->samples, 2U);
  queue.finish(0, completion(7, piece->first));
  queue.fail(0, {{piece->request, piece->first + 1, 1}},
             std::make_exception_ptr(Error("no memory")));
  const auto failures = queue.take_failures();
  ASSERT_EQ(failures.size(), 1U);
  EXPECT_EQ(failures[0].cause, "no memory");
  EXPECT_EQ(failures[0].given_back, 1U);
  size_t samples = 0;
  while (const auto rest = queue.pull(1, false)) samples += rest->samples;
  EXPECT_EQ(samples, 3U);
  EXPECT_EQ(queue.collect(std::chrono::milliseconds(0)).size(), 1U);
  queue.fail(1, {}, std::make_exception_ptr(Error("no memory either")));
  EXPECT_THROW(queue.collect(std::chrono::milliseconds(0)), Error);
}

// The bound of an answer is cut to what the cache holds, so the device must not matter.
TEST(WorkQueue, GivesLongAnswersToTheLargestCacheOnly) {
  WorkQueue queue(2, 64, kContext);
  queue.join(0, {4, 100});
  queue.join(1, {4, 200});
  queue.push({request(0, 300), request(1, 150), request(2, 50)});
  EXPECT_EQ(tags_pulled(queue, 0), (std::vector<uint64_t>{2}));
  EXPECT_EQ(tags_pulled(queue, 1), (std::vector<uint64_t>{0, 1}));
}

TEST(WorkQueue, CancelDropsWhatNobodyHas) {
  WorkQueue queue(1, 64, kContext);
  queue.join(0, {1, 1 << 20});
  queue.push({request(0, 10), request(1, 10)});
  ASSERT_TRUE(queue.pull(0, false));
  queue.cancel();
  EXPECT_FALSE(queue.idle());
  EXPECT_FALSE(queue.pull(0, false));
  queue.finish(0, completion(0));
  EXPECT_TRUE(queue.idle());
  EXPECT_FALSE(queue.pull(0, false));
}

}  // namespace
}  // namespace molgen3d
