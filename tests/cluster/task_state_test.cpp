// What a task does after a death and after a stop.
#include "cluster/task_state.h"

#include <gtest/gtest.h>

#include "base/error.h"

namespace molgen3d {
namespace {

TaskProgress at(uint64_t read, bool finishing = false) {
  TaskProgress out;
  out.read = read;
  out.finishing = finishing;
  return out;
}

// A program that dies whenever it has record `bad`: `window` records are in flight, and more are
// read ahead in steps of 64 unless it is careful.
TaskProgress run_into(const TaskState& state, uint64_t bad) {
  if (state.mode.at_a_time > 0 && bad < state.mode.careful_until) return at(bad + 1);
  return at((bad / 64 + 1) * 64);
}

TEST(TaskState, FindsTheRecordThatKillsAndSetsItAside) {
  for (const uint64_t bad : {0U, 5U, 63U, 64U, 700U}) {
    TaskState state;
    int deaths = 0;
    while (!state.aside.contains(bad)) {
      ASSERT_LT(++deaths, 10);
      after_death(state, run_into(state, bad), "signal 11 (Segmentation fault)");
      ASSERT_EQ(state.phase, TaskPhase::kOpen);
    }
    EXPECT_EQ(deaths, 5);
    EXPECT_EQ(state.aside.size(), 1U);
    EXPECT_EQ(state.strikes.at(bad), 2U);
    EXPECT_NE(state.aside.at(bad).find("signal 11"), std::string::npos);
    EXPECT_EQ(state.mode.at_a_time, 0U);
  }
}

TEST(TaskState, SeveralBadRecordsAreSetAsideOneAfterTheOther) {
  TaskState state;
  for (const uint64_t bad : {3U, 4U, 200U}) {
    for (int deaths = 0; !state.aside.contains(bad); ++deaths) {
      ASSERT_LT(deaths, 10);
      after_death(state, run_into(state, bad), "signal 9 (Killed)");
    }
  }
  EXPECT_EQ(state.aside.size(), 3U);
  EXPECT_EQ(state.phase, TaskPhase::kOpen);
}

TEST(TaskState, OneDeathMayBeTheMachines) {
  TaskState state;
  after_death(state, at(128), "signal 9 (Killed)");
  EXPECT_EQ(state.mode.at_a_time, 0U);
  EXPECT_TRUE(state.aside.empty());
}

TEST(TaskState, GivesUpWhenItDiesWithoutARecord) {
  for (const TaskProgress& where : {at(0), at(500, true)}) {
    TaskState state;
    after_death(state, where, "exit code 1");
    EXPECT_EQ(state.phase, TaskPhase::kOpen);
    after_death(state, where, "exit code 1");
    EXPECT_EQ(state.phase, TaskPhase::kGaveUp);
    EXPECT_EQ(state.cause, "exit code 1");
  }
}

TEST(TaskState, GivesUpWhenARecordThatIsSetAsideIsNotToBlame) {
  TaskState state;
  for (int deaths = 0; state.phase == TaskPhase::kOpen; ++deaths) {
    ASSERT_LT(deaths, 100);
    after_death(state, run_into(state, 7), "exit code 1");
  }
  EXPECT_EQ(state.aside.size(), 1U);
}

TEST(TaskState, GivesUpInTheEnd) {
  TaskState state;
  uint64_t n = 0;
  // Dies somewhere else each time: no record is to blame.
  for (; state.phase == TaskPhase::kOpen; ++n) {
    ASSERT_LT(n, 100U);
    after_death(state, at(64 * (n + 1)), "exit code 1");
  }
  EXPECT_NE(state.cause.find("20 times"), std::string::npos) << state.cause;
}

TEST(AfterStop, GoesByTheClock) {
  const double margin = 60;
  TaskState state;
  // Time left: somebody wanted the node. Slurm queues a preempted job itself.
  EXPECT_EQ(after_stop(state, 10, 1000.0, margin, 5), JobEnd::kLeave);
  EXPECT_EQ(after_stop(state, 10, std::nullopt, margin, 5), JobEnd::kLeave);
  EXPECT_EQ(after_stop(state, 10, 66.0, margin, 5), JobEnd::kLeave);
  EXPECT_EQ(after_stop(state, 20, 59.5, margin, 5), JobEnd::kRequeue);
  EXPECT_EQ(after_stop(state, 30, -3.0, margin, 5), JobEnd::kRequeue);
  EXPECT_EQ(state.requeues, 2U);
}

TEST(AfterStop, IsBounded) {
  TaskState stuck;
  EXPECT_EQ(after_stop(stuck, 5, 1.0, 10, 5), JobEnd::kRequeue);
  EXPECT_EQ(after_stop(stuck, 5, 1.0, 10, 5), JobEnd::kRequeue);
  EXPECT_EQ(after_stop(stuck, 5, 1.0, 10, 5), JobEnd::kGaveUp);
  EXPECT_EQ(stuck.phase, TaskPhase::kGaveUp);
  TaskState slow;
  for (uint64_t i = 1; i <= 5; ++i) EXPECT_EQ(after_stop(slow, i, 1.0, 10, 5), JobEnd::kRequeue);
  EXPECT_EQ(after_stop(slow, 6, 1.0, 10, 5), JobEnd::kGaveUp);
}

TEST(TaskState, IsReadBackAsWritten) {
  TaskState state;
  state.phase = TaskPhase::kGaveUp;
  state.cause = "a \"cause\"\n";
  state.attempts = 3;
  state.requeues = 2;
  state.done = 77;
  state.mode = {640, 32};
  state.strikes[17] = 2;
  state.aside[17] = "set aside";
  const TaskState back = task_state_of(task_state_json(state), "here");
  EXPECT_EQ(task_state_json(back), task_state_json(state));
  EXPECT_THROW(task_state_of("{}", "here"), Error);
  EXPECT_THROW(task_state_of("", "here"), Error);
}

TEST(TaskProgress, IsReadBackAsWritten) {
  TaskProgress p = at(640, true);
  p.done = 12;
  p.before = 4;
  p.begun = 1.5e9;
  p.now = 1.5e9 + 20.25;
  const auto back = progress_of(progress_line(p));
  ASSERT_TRUE(back);
  EXPECT_EQ(progress_line(*back), progress_line(p));
  EXPECT_TRUE(back->finishing);
  EXPECT_EQ(progress_line(at(0)).size(), progress_line(p).size());
  EXPECT_FALSE(progress_of("1 2 x"));
  EXPECT_FALSE(progress_of(""));
}

}  // namespace
}  // namespace molgen3d
