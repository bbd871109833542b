#include "analysis/smoke_run.h"

#include <fmt/chrono.h>
#include <fmt/format.h>
#include <sys/resource.h>

#include <algorithm>
#include <chrono>
#include <numeric>

#include "analysis/sample_check.h"
#include "base/error.h"
#include "base/thread_pool.h"
#include "generation/conformer.h"
#include "generation/prompt_stream.h"

namespace molgen3d {

namespace {

using Clock = std::chrono::steady_clock;

double since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

double cpu_seconds() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  const auto seconds = [](const timeval& t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return seconds(usage.ru_utime) + seconds(usage.ru_stime);
}

// splitmix64 (Steele, Lea, Flood, 2014): one multiplication-free step per draw is all a shuffle
// needs, and it is the same on every platform.
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

void validate(const SmokeJob& job, const std::vector<Finished>& finished, RunReport& report) {
  std::vector<SampleCheck> checks(finished.size());
  ThreadPool pool(job.threads);
  pool.parallel_for(finished.size(), 8, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i)
      checks[i] = check_sample(*job.model, finished[i].sample, finished[i].answer);
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
    if (job.generation.samples > 1 && check.record.generation == 0) {
      for (size_t k = i; k < std::min(checks.size(), i + job.generation.samples); ++k)
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

RunMetadata fill_metadata(const SmokeJob& job, const Generator& generator, size_t prompts) {
  RunMetadata out = job.metadata;
  const GenerationOptions& generation = job.generation;
  const ConstraintRule rule = generation.rule;
  out.version = rule == ConstraintRule::kNone ? "none" : "molgen3d " MOLGEN3D_VERSION;
  out.processor_type = constraint_rule_name(rule);
  out.logit_processor_enabled = rule != ConstraintRule::kNone;
  out.timestamp = fmt::format("{:%Y-%m-%dT%H:%M:%SZ}", fmt::gmtime(std::time(nullptr)));
  out.num_generations = generation.samples;
  out.sample_size = prompts;
  out.total_generations = prompts * generation.samples;
  out.seed = generation.seed;
  out.max_new_tokens = generation.max_new_tokens;
  out.kv_cache = "paged";
  out.attention = "molgen3d";
  out.device = generator.backend().description();
  out.parameters = job.model->checkpoint->config().total_parameters();
  const DescriptorStyle style = descriptors_of(generation, *job.model);
  out.descriptors = descriptor_style_name(style);
  out.prompt_style = smiles_style_name(generation.prompt_style);
  out.versions = {{"molgen3d", MOLGEN3D_VERSION}, {"compiler", __VERSION__}};
  return out;
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

std::optional<RunReport> run_smoke(const SmokeJob& job, std::unique_ptr<Backend> backend) {
  SpanSink* const spans = backend->phases().sink;
  ScopedSpan loading(spans, RunPhase::kLoad);
  std::optional<Generator> engine(std::in_place, job.model, std::move(backend), job.generation);
  Generator& generator = *engine;
  loading.end();
  RunReport report;
  report.times.load = job.metadata.model_path.empty() ? 0 : job.model->load_seconds;

  if (job.warm_up) {
    const auto begin = Clock::now();
    const ScopedSpan warming(spans, RunPhase::kWarmUp);
    const PromptOptions options{
        .text_template = {.descriptors = descriptors_of(job.generation, *job.model)}};
    std::optional<Prompt> prompt = warm_up_prompt(job.prompts, options);
    GenerationCallbacks callbacks;
    callbacks.next = [&] { return std::exchange(prompt, std::nullopt); };
    callbacks.deliver = [](const Sample&) {};
    if (job.stop) callbacks.stop = job.stop;
    if (!generator.run(callbacks)) return std::nullopt;
    report.times.warm_up = since(begin);
  }

  // Copies of the statistics: those of the warm-up are not the run's.
  const GenerationStatistics before = generator.statistics();
  std::vector<Finished> finished;
  double detokenize = 0;
  size_t next = 0;
  size_t done = 0;
  size_t prompts = 0;
  GenerationCallbacks callbacks;
  callbacks.next = [&]() -> std::optional<Prompt> {
    while (next < job.prompts.size() && !job.prompts[next].ok()) ++next;
    if (next == job.prompts.size()) return std::nullopt;
    ++prompts;
    return job.prompts[next++];
  };
  callbacks.deliver = [&](const Sample& sample) {
    const auto begin = Clock::now();
    const ScopedSpan span(spans, RunPhase::kDetokenize);
    finished.push_back({sample, answer_text(*job.model, sample.completion)});
    detokenize += since(begin);
  };
  callbacks.finished = [&](const Sample& sample) {
    if (job.finished) job.finished(sample);
    if (job.progress) job.progress(++done);
  };
  if (job.restore) callbacks.restore = job.restore;
  if (job.stop) callbacks.stop = job.stop;
  const double cpu_begin = cpu_seconds();
  const auto begin = Clock::now();
  if (!generator.run(callbacks)) return std::nullopt;
  RunTimes& times = report.times;
  times.total = since(begin);
  times.cpu = cpu_seconds() - cpu_begin;

  const GenerationStatistics& after = generator.statistics();
  const auto phase = [&](Phase p) { return after.engine.phases[p] - before.engine.phases[p]; };
  times.template_building = after.template_seconds - before.template_seconds;
  times.prefill = phase(Phase::kPrefill);
  times.decode = phase(Phase::kDecode);
  times.output = phase(Phase::kOutput);
  times.sample = phase(Phase::kSample);
  times.detokenize = detokenize;
  times.other = std::max(0.0, times.total - times.in_parts());

  report.metadata = fill_metadata(job, generator, prompts);
  for (const Prompt& prompt : job.prompts) {
    if (!prompt.ok()) report.refused.push_back({prompt.source, prompt.input, prompt.refusal});
  }
  if (job.deliver) {
    const ScopedSpan span(spans, RunPhase::kWrite);
    for (const Finished& entry : finished) job.deliver(entry.sample);
  }
  {
    const ScopedSpan span(spans, RunPhase::kRelease);
    engine.reset();
  }
  const auto checking = Clock::now();
  const ScopedSpan span(spans, RunPhase::kValidate);
  validate(job, finished, report);
  collect_references(job.prompts, report);
  times.validate = since(checking);
  return report;
}

}  // namespace molgen3d
