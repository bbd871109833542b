#include "dataset/worker_pool.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <stdexcept>
#include <thread>

namespace molgen3d {
namespace {

using Status = WorkerPool::Result::Status;
using std::chrono::milliseconds;
using std::chrono::seconds;

std::map<uint64_t, WorkerPool::Result> run_all(WorkerPool& pool,
                                               const std::vector<std::string>& tasks) {
  for (size_t i = 0; i < tasks.size(); ++i) pool.submit(i, tasks[i]);
  std::map<uint64_t, WorkerPool::Result> results;
  while (pool.outstanding() > 0) {
    if (auto result = pool.wait(seconds(10))) {
      const uint64_t id = result->id;
      EXPECT_TRUE(results.emplace(id, std::move(*result)).second) << "twice: " << id;
    }
  }
  return results;
}

std::string handle(const std::string& task) {
  if (task == "hang") std::this_thread::sleep_for(seconds(3600));
  if (task == "loop") {
    volatile bool for_ever = true;
    while (for_ever) {
    }
  }
  if (task == "crash") std::abort();
  if (task == "leave") ::_exit(7);
  if (task == "throw") throw std::runtime_error("no good");
  return task + task;
}

TEST(WorkerPool, EveryTaskComesBackOnce) {
  WorkerPool pool(3, seconds(60), handle);
  std::vector<std::string> tasks;
  for (int i = 0; i < 500; ++i) tasks.push_back(std::to_string(i));
  tasks.emplace_back(5 << 20, 'x');  // larger than any socket buffer
  tasks.emplace_back();
  const auto results = run_all(pool, tasks);
  ASSERT_EQ(results.size(), tasks.size());
  for (size_t i = 0; i < tasks.size(); ++i) {
    EXPECT_EQ(results.at(i).status, Status::kDone);
    EXPECT_EQ(results.at(i).reply, tasks[i] + tasks[i]);
  }
}

TEST(WorkerPool, AHangCostsItsTimeoutAndNothingElse) {
  WorkerPool pool(2, milliseconds(2500), handle);
  const auto begin = std::chrono::steady_clock::now();
  const auto results = run_all(pool, {"hang", "a", "loop", "b", "c"});
  EXPECT_GE(std::chrono::steady_clock::now() - begin, milliseconds(2500));
  EXPECT_EQ(results.at(0).status, Status::kTimeout);
  EXPECT_EQ(results.at(0).cause, "killed after 2.5 s");
  EXPECT_EQ(results.at(2).status, Status::kTimeout);
  for (const int i : {1, 3, 4}) EXPECT_EQ(results.at(i).status, Status::kDone) << i;
}

TEST(WorkerPool, CrashesAreNamedAndReplaced) {
  WorkerPool pool(1, seconds(60), handle);
  const auto results = run_all(pool, {"crash", "a", "leave", "b", "throw", "c"});
  EXPECT_EQ(results.at(0).status, Status::kCrashed);
  EXPECT_NE(results.at(0).cause.find("signal 6"), std::string::npos) << results.at(0).cause;
  EXPECT_EQ(results.at(2).status, Status::kCrashed);
  EXPECT_EQ(results.at(2).cause, "the worker process ended with code 7");
  EXPECT_EQ(results.at(4).status, Status::kFailed);
  EXPECT_EQ(results.at(4).cause, "no good");
  for (const int i : {1, 3, 5}) EXPECT_EQ(results.at(i).status, Status::kDone) << i;
}

TEST(WorkerPool, WaitingTasksCanBeForgotten) {
  WorkerPool pool(1, seconds(60), handle);
  for (uint64_t i = 0; i < 10; ++i) pool.submit(i, "x");
  pool.drop_waiting();
  EXPECT_EQ(pool.outstanding(), 1U);
  const auto result = pool.wait(seconds(60));
  ASSERT_TRUE(result);
  EXPECT_EQ(result->id, 0U);
  EXPECT_FALSE(pool.wait(seconds(1)));
}

}  // namespace
}  // namespace molgen3d
