#include "cli/smoke_options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

#include "base/error.h"
#include "base/thread_pool.h"
#include "cli/interrupt.h"
#include "cli/messages.h"
#include "cli/progress.h"
#include "embedded/cli_data.h"
#include "generation/prompt_stream.h"
#include "generation/record_stream.h"
#include "generation/sampling_presets.h"
#include "text/tags.h"

namespace molgen3d {

namespace {

constexpr const char* kBuiltIn = "built-in: 256 ZINC molecules";

struct SourcedRecord {
  InputRecord record;
  std::string source;
};

std::vector<SourcedRecord> all_records(const SmokeOptions& options) {
  ReaderOptions reader;
  reader.smiles_column = options.smiles_column;
  reader.note = say;
  std::vector<SourcedRecord> out;
  SourcedRecord next;
  if (options.dataset.empty()) {
    auto records = RecordReader::from_text(std::string(cli_data::kStudyMoleculesSmi), "built-in");
    while (records.next(next.record)) {
      next.source = fmt::format("built-in:{}", next.record.line);
      out.push_back(next);
    }
    return out;
  }
  RecordStream records({options.dataset}, reader);
  while (records.next(next.record, next.source)) out.push_back(next);
  return out;
}

std::string host_description() {
  return fmt::format("{} cores", sysconf(_SC_NPROCESSORS_ONLN));
}

RunMetadata metadata_of(const SmokeOptions& options, const Model& model,
                        const GenerationOptions& generation, const BackendOptions& backend,
                        const std::string& label) {
  RunMetadata metadata;
  metadata.label = label;
  metadata.model_alias = options.model_alias;
  metadata.model_step = options.model_step;
  metadata.model_path = model.checkpoint->directory().string();
  metadata.tokenizer_name = options.tokenizer.empty() ? model.name : options.tokenizer;
  metadata.tokenizer_path = model.tokenizer->name();
  metadata.sampling = options.run.sampling;
  metadata.sampling_description = describe(generation.sampling);
  metadata.batch_size = backend.slots;
  metadata.threads = options.run.threads;
  metadata.dtype = options.run.dtype + (backend.fp8_cache ? ", keys and values in fp8" : "");
  metadata.dataset = dataset_name(options);
  metadata.host = host_description();
  metadata.audit = options.run.audit;
  return metadata;
}

}  // namespace

void add_smoke_options(CLI::App& command, SmokeOptions& options) {
  command.add_option("--dataset", options.dataset,
                     "File of molecules: .smi .csv .sdf, also .gz (an SDF's coordinates serve as "
                     "reference) [default: 256 ZINC molecules, built in]");
  command.add_option("--smiles-column", options.smiles_column,
                     "CSV: name or number of the SMILES column");
  command
      .add_option("--sample-size", options.sample_size,
                  "Molecules, drawn by the seed; 0: all, in the file's order")
      ->capture_default_str();
  command.add_option("--num-generations", options.samples, "Answers per molecule; all are checked")
      ->capture_default_str()
      ->check(CLI::Range(1U, 100000U));
  command
      .add_option("--batch-size,--batch", options.run.batch,
                  "Sequences at once; does not change results [default: 32 on a CPU, 256 on a GPU]")
      ->check(CLI::Range(1U, 65536U));
  command
      .add_option("--sampling-config,--sampling", options.run.sampling,
                  "greedy, top_p_sampling1, qwen3, checkpoint (generation_config.json), ...")
      ->capture_default_str();
  command.add_option("--temperature", options.run.temperature, "Overrides the preset");
  command.add_option("--top-k", options.run.top_k, "Overrides the preset; 0: off");
  command.add_option("--top-p", options.run.top_p, "Overrides the preset; 1: off");
  command.add_option("--min-p", options.run.min_p, "Overrides the preset; 0: off");
  command.add_option("--max-new-tokens", options.run.max_new_tokens,
                     "Bound on generated tokens [default: what the molecule can need]");
  command
      .add_option("--seed", options.run.seed, "Seed of the draw of molecules and of all sampling")
      ->capture_default_str();
  command.add_option("--device", options.run.device, "auto, cpu, cuda or cuda:INDEX")
      ->capture_default_str();
  command.add_option("--torch-dtype,--dtype", options.run.dtype, "bfloat16 or float32 (CPU only)")
      ->capture_default_str()
      ->check(CLI::IsMember({"bfloat16", "float32"}));
  command.add_option("--threads", options.run.threads,
                     "CPU threads; does not change results [default: all cores]");
  command
      .add_option("--prompt", options.run.prompt,
                  "canonical, or as-given: keep the SMILES as typed")
      ->capture_default_str()
      ->check(CLI::IsMember({"canonical", "as-given"}));
  options.run.geometry = "off";  // the study measures what models write
  command.add_option("--geometry", options.run.geometry,
                     "What must hold in space, with the exact rule: off, stereo, full, posebusters "
                     "[default: off]");
  command.add_flag("--resume", options.resume, "Complete an interrupted run of the same command");
  command.add_flag("--overwrite", options.overwrite, "Forget an interrupted run and start anew");
  command.add_flag("-q,--quiet", options.quiet, "Only errors on standard error");
}

std::string dataset_name(const SmokeOptions& options) {
  return options.dataset.empty() ? kBuiltIn : options.dataset;
}

std::vector<Prompt> smoke_prompts(const SmokeOptions& options,
                                  const PromptOptions& prompt_options) {
  const std::vector<SourcedRecord> records = all_records(options);
  if (records.empty()) throw Error::format("{}: no records", options.dataset);
  const size_t size = options.sample_size == 0 ? records.size() : options.sample_size;
  const std::vector<size_t> chosen = draw_sample(records.size(), size, options.run.seed);
  std::vector<Prompt> prompts(chosen.size());
  ThreadPool pool(options.run.threads);
  pool.parallel_for(chosen.size(), 16, [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i)
      prompts[i] =
          make_prompt(records[chosen[i]].record, records[chosen[i]].source, prompt_options);
  });
  return prompts;
}

std::shared_ptr<const Model> with_tokenizer(const std::shared_ptr<const Model>& model,
                                            const std::string& tokenizer) {
  if (tokenizer.empty()) return model;
  namespace fs = std::filesystem;
  const fs::path path = fs::is_regular_file(tokenizer) ? fs::path(tokenizer)
                                                       : find_model(tokenizer) / "tokenizer.json";
  auto out = std::make_shared<Model>(*model);
  out->tokenizer = Tokenizer::from_file(path);
  const auto rows = static_cast<size_t>(model->checkpoint->config().vocabulary);
  if (out->tokenizer->vocabulary_size() > rows) {
    throw Error::format("{}: {} tokens, but the model has {} vocabulary rows", path.string(),
                        out->tokenizer->vocabulary_size(), rows);
  }
  for (const std::string_view tag : kTags) {
    if (out->tokenizer->token_id(tag) != model->tokenizer->token_id(tag)) {
      throw Error::format("{}: {} is not the token that the model was trained with", path.string(),
                          tag);
    }
  }
  const auto prefix = out->tokenizer->prefix_tokens();
  out->prompt_prefix.assign(prefix.begin(), prefix.end());
  out->templates = make_templates(*out);
  return out;
}

void SmokeJournal::open(Journal::Start start, const RunIdentity& identity,
                        const SampleBounds& bounds) {
  if (path_.empty()) return;
  journal_.emplace(Journal::open(path_, start, identity));
  finished_ = FinishedSamples(journal_->take_lines(), bounds, path_);
  if (journal_->damaged() > 0) {
    say(fmt::format("{}: {} damaged lines; their samples are made again", path_,
                    journal_->damaged()));
  }
}

GenerationOptions smoke_generation(const SmokeOptions& options, const Model& model) {
  GenerationOptions generation = generation_options_of(options.run, model);
  generation.samples = options.samples;
  return generation;
}

RunIdentity smoke_identity(const SmokeOptions& options, const Model& model,
                           const GenerationOptions& generation, const std::string& device) {
  RunIdentity identity = run_identity(options.run, generation, model, device);
  identity.emplace_back("sample_size", std::to_string(options.sample_size));
  identity.emplace_back("dataset", dataset_name(options));
  identity.emplace_back("dataset content",
                        options.dataset.empty() ? "" : content_of_files({options.dataset}));
  identity.emplace_back("smiles column", options.smiles_column);
  identity.insert(identity.end(), options.more.begin(), options.more.end());
  return identity;
}

std::optional<RunReport> finished_report(const SmokeOptions& options, const Model& model,
                                         const std::filesystem::path& file) {
  if (!options.resume || options.overwrite || !std::filesystem::exists(file) ||
      std::filesystem::exists(file.string() + ".journal")) {
    return std::nullopt;
  }
  RunReport report = read_run_report(file);
  if (report.metadata.identity.empty()) {
    throw Error::format(
        "{}: does not say what it was made with; use --overwrite, or another --output",
        file.string());
  }
  const std::string device = resolve_device(options.run, nullptr);
  require_same_identity(report.metadata.identity,
                        smoke_identity(options, model, smoke_generation(options, model), device),
                        file.string());
  return report;
}

std::optional<RunReport> smoke(const SmokeOptions& options,
                               const std::shared_ptr<const Model>& model,
                               std::vector<Prompt> prompts, const std::string& label,
                               SmokeJournal& journal, SpanSink* spans,
                               const std::function<void(const Sample&)>& deliver) {
  ScopedSpan loading(spans, RunPhase::kLoad);
  SmokeJob job;
  job.model = model;
  job.prompts = std::move(prompts);
  job.generation = smoke_generation(options, *model);
  job.threads = options.run.threads;
  job.warm_up = options.warm_up;
  job.deliver = deliver;
  std::string note;
  const std::string device = resolve_device(options.run, &note);
  BackendOptions backend = backend_options_of(options.run, device, *model);
  backend.spans = spans;
  job.metadata = metadata_of(options, *model, job.generation, backend, label);
  job.metadata.profiled = spans != nullptr;
  job.metadata.identity = smoke_identity(options, *model, job.generation, device);
  std::unique_ptr<Backend> engine = make_backend(device, *model, backend);

  // Nothing can keep the run from starting now.
  journal.open(options.overwrite ? Journal::Start::kOverwrite
               : options.resume  ? Journal::Start::kResume
                                 : Journal::Start::kNew,
               job.metadata.identity,
               sample_bounds(*model, job.generation.samples, options.run.audit));
  job.finished = [&](const Sample& sample) { journal.append(sample); };
  job.restore = [&](const Prompt& prompt, uint32_t sample) {
    return journal.finished().find(prompt, sample);
  };
  const auto ready = static_cast<size_t>(std::count_if(job.prompts.begin(), job.prompts.end(),
                                                       [](const Prompt& p) { return p.ok(); }));
  Progress progress(ready * options.samples, "samples", options.quiet);
  const size_t restored = journal.finished().size();
  job.progress = [&](size_t done) { progress.update(done + restored, label); };
  job.stop = [] { return interrupted(); };
  if (!options.quiet) {
    const std::string fewer = batch_note(engine->memory(), backend);
    for (const std::string& line :
         {options.run.device != "auto" ? note : std::string(), model->warning,
          sampling_note(options.run, *model),
          job.generation.rule == ConstraintRule::kExact ? model->templates->fallback_warning()
                                                        : std::string(),
          fewer}) {
      if (!line.empty()) say(line);
    }
    say(fmt::format("{}: {} molecules x {}, {}, seed {}", label, ready, options.samples,
                    job.metadata.sampling_description, options.run.seed));
    FailureLines refusals{FailureLimits()};
    for (const Prompt& prompt : job.prompts) {
      if (!prompt.ok()) refusals.add(prompt.refusal);
    }
    refusals.finish();
    if (restored > 0) say(fmt::format("resuming: {} samples are done", restored));
  }
  loading.end();
  std::optional<RunReport> report = run_smoke(job, std::move(engine));
  progress.clear();
  if (!report) journal.sync();
  return report;
}

}  // namespace molgen3d
