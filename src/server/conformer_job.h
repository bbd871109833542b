// POST /v1/conformers: the records that `generate` would write for the same molecules.
#pragma once

#include "generation/prompt_stream.h"
#include "generation/request_maker.h"
#include "server/request_bodies.h"
#include "server/sample_job.h"

namespace molgen3d {

class ConformerJob : public SampleJob {
 public:
  struct Work {
    std::shared_ptr<const Model> model;
    ConformersBody body;
  };

  /// Throws Error for a setting that cannot be used.
  ConformerJob(JobResources& resources, std::shared_ptr<Responder> responder,
               std::unique_ptr<Admission::Place> place, Work work, const ServerLimits& limits);

 protected:
  Prepared prepare(size_t prompt) override;
  Product read(const Prepared& prepared, size_t prompt, uint32_t sample,
               Completion&& completion) override;
  void deliver(const Prepared& prepared, size_t prompt, uint32_t sample,
               Product&& product) override;
  void finish(End end, const std::string& cause) override;

 private:
  void begin();

  Work work_;
  RequestMaker maker_;
  PromptOptions prompt_options_;
  size_t most_atoms_;
  bool begun_ = false;
  size_t kept_ = 0, failed_ = 0;
  std::string first_cause_;
};

}  // namespace molgen3d
