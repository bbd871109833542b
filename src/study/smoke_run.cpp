#include "study/smoke_run.h"

#include <fmt/chrono.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <numeric>

#include "base/error.h"
#include "base/thread_pool.h"
#include "generation/conformer.h"
#include "generation/sampling_presets.h"
#include "study/sample_check.h"

namespace molgen3d {

namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

// splitmix64 (Steele, Lea, Flood, 2014): one step per draw is all a shuffle needs, and it is
// the same on every platform.
uint64_t next_random(uint64_t& state) {
  uint64_t z = state += 0x9e3779b97f4a7c15ULL;
  z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
  z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
  return z ^ (z >> 31);
}

// A chain that is not among the prompts: repeats of a prompt draw other noise, so that warming up
// with one of them would change its samples.
Prompt warm_up_prompt(const std::vector<Prompt>& prompts, const PromptOptions& options) {
  std::string smiles = "CCCC";
  const auto taken = [&] {
    return std::any_of(prompts.begin(), prompts.end(),
                       [&](const Prompt& p) { return p.text_template.smiles == smiles; });
  };
  while (taken()) smiles += 'C';
  InputRecord record;
  record.smiles = smiles;
  return make_prompt(record, "warm-up", options);
}

struct Finished {
  Sample sample;
  std::string answer;
};

double median_of(std::vector<double>& values) {
  if (values.empty()) return 0;
  const auto middle = values.begin() + static_cast<std::ptrdiff_t>(values.size() / 2);
  std::nth_element(values.begin(), middle, values.end());
  return *middle;
}

void validate(const RunPlan& plan, const std::vector<Finished>& finished, RunReport& report) {
  std::vector<SampleCheck> checks(finished.size());
  ThreadPool pool(plan.settings.threads);
  pool.parallel_for(finished.size(), 8, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i)
      checks[i] = check_sample(*plan.model, finished[i].sample, finished[i].answer);
  });

  BondSummary bonds;
  std::vector<double> errors;
  TokenStatistics coordinates;
  RemovedMass removed;
  bool by_reference = false;
  for (size_t i = 0; i < checks.size(); ++i) {
    SampleCheck& check = checks[i];
    coordinates.add(check.coordinates);
    removed.add(finished[i].sample.completion, check.places);
    if (check.record.bonds_checked) {
      ++bonds.samples;
      bonds.all_within += check.record.off_bonds.empty();
      for (const BondLength& bond : check.bonds) errors.push_back(bond.error());
      by_reference |= check.by_reference;
    }
    const size_t samples = plan.generation.samples;
    if (samples > 1 && check.record.generation == 0) {
      for (size_t k = i; k < std::min(checks.size(), i + samples); ++k)
        check.record.all_generations.push_back(checks[k].record.decoded_text);
    }
  }
  bonds.bonds = errors.size();
  if (!errors.empty()) {
    bonds.mean_error =
        std::accumulate(errors.begin(), errors.end(), 0.0) / static_cast<double>(errors.size());
    bonds.median_error = median_of(errors);
  }
  bonds.expected = by_reference ? "reference" : "UFF rest lengths";
  for (SampleCheck& check : checks) report.samples.push_back(std::move(check.record));
  report.coordinates = std::move(coordinates);
  report.bonds = bonds;
  if (removed.samples > 0) report.removed = std::move(removed);
}

void collect_references(const std::vector<Prompt>& prompts, RunReport& report) {
  for (const Prompt& prompt : prompts) {
    if (!prompt.ok() || !prompt.molecule->has_coordinates()) continue;
    // text order: place[i] is where the input's atom i stands
    report.references.emplace_back(
        prompt.text_template.smiles,
        to_text_order(prompt.text_template, prompt.molecule->coordinates()));
  }
}

RunMetadata fill_metadata(RunMetadata out, const RunPlan& plan, const std::string& device,
                          size_t prompts) {
  const GenerationOptions& generation = plan.generation;
  const ConstraintRule rule = generation.rule;
  out.version = rule == ConstraintRule::kNone ? "none" : "molgen3d " MOLGEN3D_VERSION;
  out.processor_type = constraint_rule_name(rule);
  out.logit_processor_enabled = rule != ConstraintRule::kNone;
  out.timestamp = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  out.model_path = plan.model->checkpoint->directory().string();
  out.tokenizer_path = plan.model->tokenizer->name();
  out.sampling = plan.settings.sampling;
  out.sampling_description = describe(generation.sampling);
  out.batch_size = plan.backend.slots;
  out.threads = plan.settings.threads;
  out.dtype = plan.settings.dtype + (plan.backend.fp8_cache ? ", keys and values in fp8" : "");
  out.audit = plan.settings.audit;
  out.profiled = plan.backend.spans != nullptr;
  out.identity = plan.journal.identity;
  out.num_generations = generation.samples;
  out.sample_size = prompts;
  out.total_generations = prompts * generation.samples;
  out.seed = generation.seed;
  out.max_new_tokens = generation.max_new_tokens;
  out.kv_cache = "paged";
  out.attention = "molgen3d";
  out.device = device;
  out.parameters = plan.model->checkpoint->config().total_parameters();
  out.descriptors = descriptor_style_name(descriptors_of(generation, *plan.model));
  out.prompt_style = smiles_style_name(generation.prompt_style);
  out.versions = {{"molgen3d", MOLGEN3D_VERSION}, {"compiler", __VERSION__}};
  return out;
}

// The study's clock: what happened between the first prompt and the last answer.
void set_times(const RunOutcome& outcome, double detokenize, RunTimes& times) {
  const GenerationStatistics& statistics = outcome.statistics;
  const auto phase = [&](Phase p) { return statistics.engine.phases[p]; };
  times.total = statistics.wall_seconds;
  times.cpu = outcome.cpu_seconds;
  times.template_building = statistics.template_seconds;
  times.prefill = phase(Phase::kPrefill);
  times.decode = phase(Phase::kDecode);
  times.output = phase(Phase::kOutput);
  times.sample = phase(Phase::kSample);
  times.detokenize = detokenize;
  times.other = std::max(0.0, times.total - times.in_parts());
}

// Collects the answers; judges them when all are there, outside of the clock.
class SmokeSink : public RunSink {
 public:
  explicit SmokeSink(const SmokeJob& job) : job_(job), spans_(job.plan.backend.spans) {}

  Acceptance accept(const Sample& sample, Conformer&) override {
    const auto begin = Clock::now();
    const ScopedSpan span(spans_, RunPhase::kDetokenize);
    finished_.push_back({sample, answer_text(*job_.plan.model, sample.completion)});
    detokenize_ += since(begin);
    return Acceptance::kKeep;
  }

  bool finish(const RunOutcome& outcome) override {
    set_times(outcome, detokenize_, report.times);
    report.times.load = job_.plan.model->load_seconds;
    report.metadata = fill_metadata(job_.metadata, job_.plan, device, outcome.statistics.prompts);
    for (const Prompt& prompt : job_.prompts) {
      if (!prompt.ok()) report.refused.push_back({prompt.source, prompt.input, prompt.refusal});
    }
    if (job_.deliver) {
      const ScopedSpan span(spans_, RunPhase::kWrite);
      for (const Finished& entry : finished_) job_.deliver(entry.sample);
    }
    judge();
    return !job_.publish || job_.publish(report);
  }

  RunReport report;
  std::string device;  ///< the backend's description

 private:
  void judge() {
    const auto begin = Clock::now();
    const ScopedSpan span(spans_, RunPhase::kValidate);
    validate(job_.plan, finished_, report);
    collect_references(job_.prompts, report);
    report.times.validate = since(begin);
  }

  const SmokeJob& job_;
  SpanSink* spans_;
  std::vector<Finished> finished_;
  double detokenize_ = 0;
};

// What can be generated; refused records are counted elsewhere.
PromptSource usable_prompts(const std::vector<Prompt>& prompts) {
  return [&prompts, next = size_t{0}]() mutable -> std::optional<Prompt> {
    while (next < prompts.size() && !prompts[next].ok()) ++next;
    if (next == prompts.size()) return std::nullopt;
    return prompts[next++];
  };
}

// Nothing when stopped, else how long it took.
std::optional<double> warm_up(Run& run, const SmokeJob& job, const RunControl& control) {
  const auto begin = Clock::now();
  const ScopedSpan warming(job.plan.backend.spans, RunPhase::kWarmUp);
  const PromptOptions options{
      .text_template = {.descriptors = descriptors_of(job.plan.generation, *job.plan.model)}};
  if (!run.warm_up(warm_up_prompt(job.prompts, options), control)) return std::nullopt;
  return since(begin);
}

}  // namespace

std::vector<size_t> draw_sample(size_t count, size_t size, uint64_t seed) {
  if (size > count) {
    throw Error::format("--sample-size {}: the data set has only {} records", size, count);
  }
  std::vector<size_t> order(count);
  std::iota(order.begin(), order.end(), size_t{0});
  if (size == count) return order;
  uint64_t state = seed;
  for (size_t i = 0; i < size; ++i)
    std::swap(order[i], order[i + next_random(state) % (count - i)]);
  order.resize(size);
  return order;
}

std::optional<RunReport> run_smoke(SmokeJob job, const RunControl& control) {
  job.plan.source = usable_prompts(job.prompts);
  job.plan.conformers = false;  // judged outside of the clock
  ScopedSpan loading(job.plan.backend.spans, RunPhase::kLoad);
  SmokeSink sink(job);
  Run run(job.plan, sink);
  sink.device = run.description();
  if (job.begin) job.begin(run);
  loading.end();
  if (job.warm_up) {
    const std::optional<double> seconds = warm_up(run, job, control);
    if (!seconds) return std::nullopt;
    sink.report.times.warm_up = *seconds;
  }
  if (!run.go(control).complete()) return std::nullopt;
  return std::move(sink.report);
}

}  // namespace molgen3d
