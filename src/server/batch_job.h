// POST /v1/batch: a file of requests, one a line, answered line by line in its order.
#pragma once

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>

#include "server/admission.h"
#include "server/http_message.h"
#include "server/sample_job.h"

namespace molgen3d {

/// Runs a few lines at a time and writes their answers as they come to be the next in order. Holds
/// one answer of each of them in memory.
class BatchJob : public std::enable_shared_from_this<BatchJob> {
 public:
  /// Begins the request of a line, whose answer goes to the responder. Throws as Service::work().
  using Begin = std::function<std::weak_ptr<SampleJob>(
      const std::string& url, const std::string& body, std::shared_ptr<Responder> responder)>;

  BatchJob(std::string lines, std::shared_ptr<Responder> responder,
           std::unique_ptr<Admission::Place> place, Workers& workers, Begin begin);

  void start();
  /// Breaks off: the reader left (kGone), or the server ends.
  void end(SampleJob::End end);

 private:
  class LineAnswer;
  struct Line {
    std::weak_ptr<SampleJob> job;
    bool answered = false;
    std::string text;  ///< of the output, when it is answered
  };

  void go_on();
  /// False at the end of the file.
  bool next_line(std::string& line);
  void begin_line(size_t number, const std::string& line);
  void answered(size_t number, std::string text);

  const std::string lines_;
  size_t at_ = 0;
  const std::shared_ptr<Responder> responder_;
  std::unique_ptr<Admission::Place> place_;
  Workers& workers_;
  const Begin begin_;

  std::mutex mutex_;
  bool begun_ = false, ended_ = false;
  size_t taken_ = 0, written_ = 0;
  std::map<size_t, Line> open_;
};

}  // namespace molgen3d
