// What a task remembers between its attempts, and what it does next. Decisions depend on what the
// journal holds and on the clock, never on which signal came.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>

namespace molgen3d {

/// How far the program got, as it writes it into a file of its own while it runs.
struct TaskProgress {
  uint64_t read = 0;          ///< records taken from the shard
  uint64_t done = 0;          ///< samples finished, those of earlier attempts included
  bool finishing = false;     ///< all samples are there
  double begun = 0, now = 0;  ///< seconds since 1970: of the attempt, of this writing
  uint64_t before = 0;        ///< samples that were finished when the attempt began
};
/// One line of fixed length, and back (nothing when it is none).
std::string progress_line(const TaskProgress& progress);
std::optional<TaskProgress> progress_of(const std::string& line);

/// How the next attempt takes its records.
struct AttemptMode {
  uint64_t careful_until = 0;  ///< records before this place are taken ...
  uint64_t at_a_time = 0;      ///< ... so many at a time; 0: as always
};

enum class TaskPhase : uint8_t { kOpen, kDone, kGaveUp };

struct TaskState {
  TaskPhase phase = TaskPhase::kOpen;
  std::string cause;       ///< of the last death, or of giving up
  uint32_t attempts = 0;   ///< of the program
  uint32_t deaths = 0;     ///< attempts that died, since a record was set aside
  uint32_t barren = 0;     ///< deaths in a row before any record was read, or when all were done
  uint32_t requeues = 0;   ///< at the end of a job's time
  uint32_t fruitless = 0;  ///< jobs in a row that ran out of time with nothing new
  uint64_t done = 0;       ///< samples, when it stopped last
  AttemptMode mode;
  std::map<uint64_t, uint32_t> strikes;   ///< record: deaths while it was alone
  std::map<uint64_t, std::string> aside;  ///< record: why it is not tried again
};
std::string task_state_json(const TaskState& state);
/// Throws Error naming `place` for text that is none.
TaskState task_state_of(const std::string& json, const std::string& place);

/// The program died of `cause` (a signal, an exit code) without being told to stop. Narrows the
/// records that can have done it: once more as always, then few at a time, then one at a time; the
/// second death over one record sets it aside. Gives up when it dies before it reads anything,
/// twice, or too often.
void after_death(TaskState& state, const TaskProgress& progress, const std::string& cause);

enum class JobEnd : uint8_t {
  kDone,     ///< nothing is left
  kGaveUp,   ///< and nothing is to be tried again
  kRequeue,  ///< time is up: Slurm is asked to run it again
  kLeave,  ///< stopped with time left: by preemption, which queues it again itself, or by somebody
};

/// What becomes of a job whose task was stopped with `left` seconds of its time limit to go
/// (nothing: there is no limit), of which `margin` were to be left.
JobEnd after_stop(TaskState& state, uint64_t done, std::optional<double> left, double margin,
                  uint32_t most_requeues);

}  // namespace molgen3d
