#include "cluster/task_state.h"

#include <fmt/format.h>

#include <cstdio>
#include <nlohmann/json.hpp>

#include "base/error.h"

namespace molgen3d {

namespace {

using Json = nlohmann::ordered_json;

constexpr uint32_t kMostBarren = 2;
constexpr uint32_t kMostDeaths = 20;
constexpr size_t kMostAside = 100;
constexpr uint32_t kMostStrikes = 2;
constexpr uint64_t kFew = 32;
constexpr uint32_t kMostFruitless = 2;
// Between the stop that the clock asked for and the question what comes next.
constexpr double kSlack = 5;

const char* const kPhases[] = {"open", "done", "gave up"};

void give_up(TaskState& state, const std::string& cause) {
  state.phase = TaskPhase::kGaveUp;
  state.cause = cause;
}

void set_aside(TaskState& state, uint64_t record, const std::string& cause) {
  state.aside[record] =
      fmt::format("set aside: the program died on it {} times, last of {}", kMostStrikes, cause);
  state.mode = {};
  state.deaths = 0;
  if (state.aside.size() > kMostAside)
    give_up(state, fmt::format("more than {} records were set aside; last: {}", kMostAside, cause));
}

}  // namespace

std::string progress_line(const TaskProgress& p) {
  return fmt::format("{:20} {:20} {:20} {} {:17.3f} {:17.3f}\n", p.read, p.done, p.before,
                     p.finishing ? 'f' : 'r', p.begun, p.now);
}

std::optional<TaskProgress> progress_of(const std::string& line) {
  TaskProgress p;
  unsigned long long read = 0, done = 0, before = 0;
  char phase = 0;
  if (std::sscanf(line.c_str(), "%llu %llu %llu %c %lf %lf", &read, &done, &before, &phase,
                  &p.begun, &p.now) != 6 ||
      (phase != 'f' && phase != 'r'))
    return std::nullopt;
  p.read = read;
  p.done = done;
  p.before = before;
  p.finishing = phase == 'f';
  return p;
}

std::string task_state_json(const TaskState& s) {
  Json out = {{"phase", kPhases[static_cast<size_t>(s.phase)]},
              {"cause", s.cause},
              {"attempts", s.attempts},
              {"deaths", s.deaths},
              {"barren", s.barren},
              {"requeues", s.requeues},
              {"fruitless", s.fruitless},
              {"done", s.done},
              {"careful_until", s.mode.careful_until},
              {"at_a_time", s.mode.at_a_time},
              {"strikes", Json::object()},
              {"aside", Json::object()}};
  for (const auto& [record, count] : s.strikes) out["strikes"][std::to_string(record)] = count;
  for (const auto& [record, cause] : s.aside) out["aside"][std::to_string(record)] = cause;
  return out.dump(1, ' ', false, Json::error_handler_t::replace) + "\n";
}

TaskState task_state_of(const std::string& text, const std::string& place) {
  TaskState s;
  try {
    const Json json = Json::parse(text);
    const std::string phase = json.at("phase");
    size_t known = 0;
    while (known < 3 && phase != kPhases[known]) ++known;
    if (known == 3) throw Error::format("{}: no phase of a task: {}", place, in_quotes(phase));
    s.phase = static_cast<TaskPhase>(known);
    s.cause = json.at("cause");
    s.attempts = json.at("attempts");
    s.deaths = json.at("deaths");
    s.barren = json.at("barren");
    s.requeues = json.at("requeues");
    s.fruitless = json.at("fruitless");
    s.done = json.at("done");
    s.mode = {json.at("careful_until"), json.at("at_a_time")};
    for (const auto& [record, count] : json.at("strikes").items())
      s.strikes[std::stoull(record)] = count;
    for (const auto& [record, cause] : json.at("aside").items())
      s.aside[std::stoull(record)] = cause;
  } catch (const Json::exception& error) {
    throw Error::format("{}: no state of a task: {}", place, error.what());
  } catch (const std::logic_error& error) {
    throw Error::format("{}: no state of a task: {}", place, error.what());
  }
  return s;
}

void after_death(TaskState& s, const TaskProgress& progress, const std::string& cause) {
  s.cause = cause;
  // Not over a record: a checkpoint that is gone, a full disk, a defect at the end.
  if (progress.read == 0 || progress.finishing) {
    if (++s.barren >= kMostBarren) give_up(s, cause);
    return;
  }
  s.barren = 0;
  if (++s.deaths >= kMostDeaths)
    return give_up(s, fmt::format("died {} times, last of {}", kMostDeaths, cause));
  const bool careful = s.mode.at_a_time > 0 && progress.read <= s.mode.careful_until;
  if (!careful) {
    // The first death may be the machine's.
    if (s.deaths > 1) s.mode = {progress.read, kFew};
    return;
  }
  if (s.mode.at_a_time > 1) {
    s.mode = {progress.read, 1};
    return;
  }
  const uint64_t record = progress.read - 1;
  // One that is set aside is not touched again: it was not the record.
  if (s.aside.contains(record)) {
    s.mode = {};
    return;
  }
  if (++s.strikes[record] >= kMostStrikes) set_aside(s, record, cause);
}

JobEnd after_stop(TaskState& s, uint64_t done, std::optional<double> left, double margin,
                  uint32_t most_requeues) {
  const bool more = done > s.done;
  s.done = done;
  if (!left || *left > margin + kSlack) return JobEnd::kLeave;
  s.fruitless = more ? 0 : s.fruitless + 1;
  if (s.fruitless >= kMostFruitless) {
    give_up(s, "ran out of time twice with no new sample; a longer time limit is needed");
    return JobEnd::kGaveUp;
  }
  if (s.requeues >= most_requeues) {
    give_up(s, fmt::format("ran out of time {} times (--requeues)", most_requeues + 1));
    return JobEnd::kGaveUp;
  }
  ++s.requeues;
  return JobEnd::kRequeue;
}

}  // namespace molgen3d
