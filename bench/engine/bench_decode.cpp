// Tokens per second of whole answers: constrained and free decoding of the same molecules, lengths
// and engine, with what each part of the constraint contributes. usage: bench_decode
// [default|qwen3-0.6b|llama-380m] [batch ...] [--profile PREFIX]
// --profile adds a turn that is recorded, so that its cost shows, and keeps its trace and one of
// free decoding: PREFIX_exact_BATCH.json.gz, PREFIX_none_BATCH.json.gz.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>
#include <vector>

#include "constraint/compiler.h"
#include "engine/backend.h"
#include "engine/engine.h"
#include "generation/model.h"
#include "molecule/make_template.h"
#include "testing/model_shapes.h"
#include "testing/random_weights.h"
#include "trace/record/span_writer.h"

namespace {

using namespace molgen3d;

struct Variant {
  const char* name;
  bool constrained;
  bool merge;
  bool gather;
};
constexpr Variant kVariants[] = {
    {"none", false, true, true},
    {"exact, whole output matrix, one token a pass", true, false, false},
    {"exact, gathered output", true, false, true},
    {"exact, gathered output, forced runs", true, true, true}};

struct Measured {
  double seconds = 0;
  size_t tokens = 0;
  size_t passes = 0;
};

// Every variant writes answers of the same lengths: the free run is cut at the length of the
// constrained one (its end-of-sequence is switched off), so that the times can be compared token by
// token.
Measured measure(const std::shared_ptr<const Checkpoint>& checkpoint, const Variant& variant,
                 uint32_t batch, const std::vector<Request>& requests,
                 std::vector<uint32_t>& lengths, const std::string& trace = "") {
  std::unique_ptr<TraceRecorder> recorder;
  if (!trace.empty())
    recorder = std::make_unique<TraceRecorder>(TraceRecorderOptions{.path = trace});
  BackendOptions options;
  options.spans = recorder.get();
  options.slots = batch;
  options.merge_forced_runs = variant.merge;
  options.gather_output = variant.gather;
  options.kv_tokens = static_cast<size_t>(batch) * 512;
  Engine engine(make_cpu_backend(checkpoint, options), checkpoint->config(),
                {.seed = 1, .sampling = {}});
  size_t next = 0;
  Measured out;
  const auto begin = std::chrono::steady_clock::now();
  engine.run(
      [&]() -> std::optional<Request> {
        if (next == requests.size()) return std::nullopt;
        Request request = requests[next];
        request.tag = next;
        if (!variant.constrained) {
          request.constraint = nullptr;
          request.max_new_tokens = lengths[next];
        }
        ++next;
        return request;
      },
      [&](Completion&& done) {
        if (done.reason == FinishReason::kFailed) {
          fmt::print(stderr, "{}\n", done.error);
          std::exit(1);
        }
        out.tokens += done.tokens.size();
        out.passes += done.passes;
        if (variant.constrained) lengths[done.tag] = static_cast<uint32_t>(done.tokens.size());
      });
  out.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
  return out;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string shape = argc > 1 ? argv[1] : "default";
  std::vector<uint32_t> batches;
  std::string profile;
  for (int i = 2; i < argc; ++i) {
    if (std::string(argv[i]) == "--profile" && i + 1 < argc) {
      profile = argv[++i];
      continue;
    }
    batches.push_back(static_cast<uint32_t>(std::strtoul(argv[i], nullptr, 10)));
  }
  if (batches.empty()) batches = {1, 8, 32};
  const bool small = shape == "default";
  const int turns = small ? 5 : 1;
  const auto model = load_model(find_model(kDefaultModel));
  const auto checkpoint =
      shape == "default" ? model->checkpoint
                         : random_checkpoint(model_shape(shape).value(), 1, DataType::kBFloat16);
  const TemplateCompiler compiler(model->tokenizer, model->checkpoint->format().numbers,
                                  model->end_of_sequence.front());
  // Small molecules keep the slow rows short; what is compared is the ratio at equal lengths.
  const std::vector<std::string> molecules = {"CCO",  "CC(N)=O", "CC(C)O", "C1CCOC1",
                                              "CC#N", "CCOC",    "OCCO",   "CC(=O)O"};
  fmt::print(
      "{} | CPU, {} threads, bfloat16, T 1; random weights have no natural end, so `none` is cut "
      "at the lengths of `exact`\n"
      "| batch | variant | tokens/s | of none | passes per token |\n| --- | --- | --- | --- | --- "
      "|\n",
      shape, std::max(1U, std::thread::hardware_concurrency()));
  for (const uint32_t batch : batches) {
    std::vector<Request> requests;
    for (uint32_t i = 0; i < std::max(2U, small ? 2 * batch : batch); ++i) {
      const Template text_template = make_template(molecules[i % molecules.size()]).text_template;
      Request request;
      request.item = i;
      request.prompt = model->prompt_tokens(text_template.smiles);
      request.constraint = compiler.compile(tagged_literals(text_template));
      requests.push_back(std::move(request));
    }
    std::vector<uint32_t> lengths(requests.size(), 1);
    measure(checkpoint, kVariants[3], batch, requests, lengths);  // warm-up, and the lengths
    // The variants take turns, and each keeps its best: the machine's own load disturbs
    // all alike.
    std::vector<Variant> variants(std::begin(kVariants), std::end(kVariants));
    if (!profile.empty()) {
      variants.push_back(kVariants[3]);
      variants.back().name = "the same, recorded";
    }
    std::vector<Measured> best(variants.size());
    for (int turn = 0; turn < turns; ++turn) {
      for (size_t v = 0; v < variants.size(); ++v) {
        const std::string trace =
            v < std::size(kVariants) ? "" : fmt::format("{}_exact_{}.json.gz", profile, batch);
        const Measured one = measure(checkpoint, variants[v], batch, requests, lengths, trace);
        if (best[v].seconds == 0 || one.seconds < best[v].seconds) best[v] = one;
      }
    }
    const double none = static_cast<double>(best[0].tokens) / best[0].seconds;
    if (!profile.empty()) {
      measure(checkpoint, kVariants[0], batch, requests, lengths,
              fmt::format("{}_none_{}.json.gz", profile, batch));
    }
    for (size_t v = 0; v < variants.size(); ++v) {
      const double rate = static_cast<double>(best[v].tokens) / best[v].seconds;
      fmt::print("| {} | {} | {:.0f} | {:.2f} x | {:.2f} |\n", batch, variants[v].name, rate,
                 rate / none,
                 static_cast<double>(best[v].passes) / static_cast<double>(best[v].tokens));
      std::fflush(stdout);
    }
  }
  return 0;
}
