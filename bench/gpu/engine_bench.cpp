// Checks and times the CUDA backend on the machine it runs on; bench/gpu.sh runs all of it.
//
//   engine_bench check      tokens equal across batch sizes, forced runs and backends; validity
//   engine_bench steps      time of one step at several batch sizes, share of the roofline
//   engine_bench kernels    time of each kernel of a step
//   engine_bench endtoend   1,000 molecules
//   engine_bench ablation   constraint rules and engine options, same molecules
//   engine_bench drafts     drafts off, of 1 .. 7 tokens, and as many as pay
//   engine_bench memory     plan against use
//
// Options: --shape NAME, --count MOLECULES, --kv-dtype fp8, --batch N (one batch only),
// --micro-batches 1|2 (never or always two), --speculate off|N, --model NAME, --models DIR,
// --molecules FILE.
#include <cuda_runtime.h>
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <iterator>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.h"
#include "bench/gpu/lines.h"
#include "constraint/compiler.h"
#include "engine/cpu/cpu_operations.h"
#include "engine/cuda/cuda_backend.h"
#include "engine/cuda/cuda_model.h"
#include "engine/cuda/cuda_operations.h"
#include "engine/cuda/gemm.h"
#include "engine/engine.h"
#include "geometry/token_text.h"
#include "testing/model_shapes.h"
#include "testing/random_weights.h"
#include "text/number_format.h"
#include "text/tags.h"
#include "text/template.h"
#include "tokenizer/tokenizer.h"

namespace molgen3d::bench {
namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point begin) {
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

/// Bytes per second that a copy reaches here (read + written).
double copy_bandwidth() {
  constexpr size_t kBytes = size_t{2} << 30;
  void *a = nullptr, *b = nullptr;
  cuda::check(cudaMalloc(&a, kBytes), "copy");
  cuda::check(cudaMalloc(&b, kBytes), "copy");
  cudaEvent_t begin, end;
  cudaEventCreate(&begin);
  cudaEventCreate(&end);
  std::vector<float> times;
  for (int i = 0; i < 9; ++i) {
    cudaEventRecord(begin);
    cuda::check(cudaMemcpyAsync(b, a, kBytes, cudaMemcpyDeviceToDevice), "copy");
    cudaEventRecord(end);
    cuda::check(cudaEventSynchronize(end), "copy");
    float ms = 0;
    cudaEventElapsedTime(&ms, begin, end);
    times.push_back(ms);
  }
  cudaFree(a);
  cudaFree(b);
  std::sort(times.begin(), times.end());
  return 2.0 * kBytes / (times[4] * 1e-3);
}

/// Tokenizer, molecules and compilers; the shape may be another one (random weights).
struct Workload {
  std::shared_ptr<const Checkpoint> checkpoint;
  std::shared_ptr<const Tokenizer> tokenizer;
  std::vector<TokenId> prefix;
  TokenId end = -1;
  NumberFormat format;
  std::vector<std::string> smiles;
  bool long_prompts = false;       ///< two other molecules in front: about 100 tokens
  bool fp8 = false;                ///< keys and values of the device
  int micro_batches = 0;           ///< BackendOptions
  std::optional<uint32_t> drafts;  ///< BackendOptions

  std::vector<TokenId> long_prompt(size_t i) const {
    std::vector<TokenId> ids;
    for (const size_t back : {2U, 1U, 0U}) {
      const std::vector<TokenId> part = prompt(smiles[(i + smiles.size() - back) % smiles.size()]);
      ids.insert(ids.end(), part.begin(), part.end());
    }
    return ids;
  }
  std::vector<TokenId> prompt(const std::string& s) const {
    std::vector<TokenId> ids = prefix;
    const std::vector<TokenId> text = tokenizer->encode(prompt_text(s));
    ids.insert(ids.end(), text.begin(), text.end());
    return ids;
  }
};

Workload load(const std::string& model, const std::string& shape, const std::string& smiles_file) {
  Workload w;
  const auto named = Checkpoint::open(model);
  w.tokenizer = Tokenizer::from_file(model + "/tokenizer.json");
  w.prefix.assign(w.tokenizer->prefix_tokens().begin(), w.tokenizer->prefix_tokens().end());
  w.end = named->generation().end_of_sequence.front();
  w.format = named->format().numbers;
  w.smiles = read_lines(smiles_file);
  w.checkpoint =
      shape.empty() ? named : random_checkpoint(*model_shape(shape), 7, DataType::kBFloat16);
  return w;
}

struct RunOptions {
  uint32_t slots = 256;
  ConstraintRule rule = ConstraintRule::kExact;
  bool merge = true, gather = true, stop = true;
  SamplingParams sampling;
  size_t molecules = 1000;
  std::vector<uint32_t> lengths;  ///< max_new_tokens per molecule; empty: the constraint's
  bool cpu = false;
  size_t kv_tokens = 0;
  std::optional<uint32_t> drafts;  ///< instead of the workload's
};

struct RunResult {
  std::vector<Completion> answers;  ///< by molecule
  double seconds = 0;               ///< compile, prompts, decoding; no load
  EngineStatistics statistics;
  uint64_t tokens = 0;
  DraftCounts drafts;
};

RunResult run(const Workload& w, const RunOptions& options) {
  BackendOptions backend;
  backend.slots = options.slots;
  backend.kv_tokens = options.kv_tokens;
  backend.merge_forced_runs = options.merge;
  backend.gather_output = options.gather;
  backend.fp8_cache = w.fp8;
  backend.micro_batches = w.micro_batches;
  backend.drafts = options.drafts ? options.drafts : w.drafts;
  backend.texts =
      std::make_shared<const geometry::TokenTexts>(geometry::token_texts(*w.tokenizer, w.format));
  if (options.stop) backend.end_of_sequence = {w.end};
  EngineOptions engine_options;
  engine_options.seed = 11;
  engine_options.sampling = options.sampling;
  Engine engine(options.cpu ? make_cpu_backend(w.checkpoint, backend)
                            : make_cuda_backend(w.checkpoint, backend),
                w.checkpoint->config(), engine_options);
  TemplateCompiler exact(w.tokenizer, w.format, w.end);
  std::unique_ptr<PositionRuleCompiler> positions;
  if (options.rule != ConstraintRule::kExact && options.rule != ConstraintRule::kNone) {
    positions = std::make_unique<PositionRuleCompiler>(
        w.tokenizer, options.rule, w.end, static_cast<size_t>(w.checkpoint->config().vocabulary));
  }
  RunResult result;
  const size_t count = std::min(options.molecules, w.smiles.size());
  result.answers.resize(count);
  const auto begin = Clock::now();
  for (size_t i = 0; i < count; ++i) {
    Request request;
    request.item = i;
    request.tag = i;
    request.prompt = w.long_prompts ? w.long_prompt(i) : w.prompt(w.smiles[i]);
    if (options.rule == ConstraintRule::kExact) {
      request.constraint = exact.compile(literals_of_smiles(w.smiles[i]));
    } else if (positions) {
      request.constraint = positions->compile(literals_of_smiles(w.smiles[i]));
    }
    if (!options.lengths.empty()) request.max_new_tokens = options.lengths[i];
    engine.submit(std::move(request));
  }
  while (engine.step([&](Completion&& c) { result.answers[c.tag] = std::move(c); })) {
  }
  result.seconds = seconds_since(begin);
  result.statistics = engine.statistics();
  result.drafts = engine.backend().drafts();
  for (const Completion& c : result.answers) result.tokens += c.tokens.size();
  return result;
}

/// The text is the template with numbers of the grammar in the holes.
bool is_valid(const Workload& w, const std::string& smiles, const Completion& answer) {
  if (answer.reason != FinishReason::kEndOfSequence || answer.tokens.empty()) return false;
  std::vector<TokenId> ids = answer.tokens;
  ids.pop_back();
  const std::string text = w.tokenizer->decode(ids);
  const std::vector<std::string> literals = literals_of_smiles(smiles);
  size_t at = 0;
  for (size_t i = 0; i < literals.size(); ++i) {
    if (text.compare(at, literals[i].size(), literals[i]) != 0) return false;
    at += literals[i].size();
    if (i + 1 == literals.size()) break;
    for (int axis = 0; axis < 3; ++axis) {
      const size_t stop = text.find(axis < 2 ? ',' : '>', at);
      if (stop == std::string::npos) return false;
      if (!is_coordinate(text.data() + at, text.data() + stop, w.format)) return false;
      at = axis < 2 ? stop + 1 : stop;
    }
  }
  return at == text.size();
}

size_t valid_count(const Workload& w, const RunResult& result) {
  size_t valid = 0;
  for (size_t i = 0; i < result.answers.size(); ++i)
    valid += is_valid(w, w.smiles[i], result.answers[i]);
  return valid;
}

size_t equal_count(const RunResult& a, const RunResult& b) {
  size_t equal = 0;
  const size_t count = std::min(a.answers.size(), b.answers.size());
  for (size_t i = 0; i < count; ++i) equal += a.answers[i].tokens == b.answers[i].tokens;
  return equal;
}

int failures = 0;
void report(const std::string& what, size_t good, size_t of) {
  if (good != of) ++failures;
  fmt::print("{:<74s} {:>6d} / {:<6d} {}\n", what, good, of, good == of ? "ok" : "WRONG");
  std::fflush(stdout);
}

/// Whether only near-ties differ: how often another computation chooses as fp32 does, by how far
/// the fp32 favourite is ahead of the second among the legal tokens.
struct MarginTally {
  static constexpr double kMargins[] = {0, 0.02, 0.05, 0.1};
  size_t choices[std::size(kMargins)] = {}, device[std::size(kMargins)] = {},
         bf16[std::size(kMargins)] = {};
  double largest_device = 0, largest_bf16 = 0;  ///< margins of choices that differ

  void add(double margin, bool device_agrees, bool bf16_agrees) {
    for (size_t i = 0; i < std::size(kMargins); ++i) {
      if (margin < kMargins[i]) continue;
      ++choices[i];
      device[i] += device_agrees;
      bf16[i] += bf16_agrees;
    }
    if (!device_agrees) largest_device = std::max(largest_device, margin);
    if (!bf16_agrees) largest_bf16 = std::max(largest_bf16, margin);
  }
  void print() const {
    fmt::print("choices of two or more by the margin of the CPU's fp32 favourite (nats):\n");
    for (size_t i = 0; i < std::size(kMargins); ++i) {
      const auto percent = [&](size_t n) {
        return 100 * static_cast<double>(n) / static_cast<double>(std::max<size_t>(choices[i], 1));
      };
      fmt::print(
          "  at least {:.2f}: {:>6d} choices, device agrees in {:.2f} %, CPU bf16 in {:.2f} %\n",
          kMargins[i], choices[i], percent(device[i]), percent(bf16[i]));
    }
    fmt::print("  largest margin where the choice differs: device {:.4f}, CPU bf16 {:.4f}\n",
               largest_device, largest_bf16);
  }
};

/// The greedy text of the CPU backend, given token by token to the device and to the CPU in fp32:
/// how often each makes the same choice. What bf16 itself costs is the yardstick for the device.
void check_teacher_forced(const Workload& w, size_t molecules) {
  RunOptions options;
  options.slots = 32;
  options.cpu = true;
  options.sampling.greedy = true;
  options.molecules = molecules;
  const RunResult cpu = run(w, options);
  TemplateCompiler exact(w.tokenizer, w.format, w.end);
  const size_t vocabulary = static_cast<size_t>(w.checkpoint->config().vocabulary);
  size_t choices = 0, device_is_cpu = 0, fp32_is_cpu = 0, fp32_is_device = 0, close = 0;
  size_t fp32_is_fp8 = 0, fp8_close = 0;
  double device_error = 0, cpu_error = 0, fp8_error = 0, norm = 0;
  MarginTally margins;
  for (size_t i = 0; i < molecules; ++i) {
    const auto constraint = exact.compile(literals_of_smiles(w.smiles[i]));
    std::vector<TokenId> text = w.prompt(w.smiles[i]);
    const size_t prompt = text.size();
    text.insert(text.end(), cpu.answers[i].tokens.begin(), cpu.answers[i].tokens.end());
    if (text.size() > 1024) continue;
    std::vector<uint32_t> pages(text.size() / kPageTokens + 1), rows;
    for (uint32_t p = 0; p < pages.size(); ++p) pages[p] = p;
    for (size_t t = prompt; t < text.size(); ++t) rows.push_back(static_cast<uint32_t>(t - 1));
    const PassSequence sequence{0, static_cast<uint32_t>(text.size()), 0, pages};
    const auto logits_of = [&](Operations& operations) {
      run_layers(operations, {text, {&sequence, 1}});
      std::vector<float> logits(rows.size() * vocabulary);
      operations.output(rows, {}, logits);
      return logits;
    };
    CpuOptions fp32, bf16;
    fp32.compute = DataType::kFloat32;
    fp32.pages = bf16.pages = pages.size();
    fp32.threads = bf16.threads = 0;
    const std::vector<float> on_device =
        logits_of(*make_cuda_operations(w.checkpoint, pages.size()));
    const std::vector<float> in_fp8 =
        logits_of(*make_cuda_operations(w.checkpoint, pages.size(), {.fp8 = true}));
    const std::vector<float> in_fp32 = logits_of(*make_cpu_operations(*w.checkpoint, fp32));
    const std::vector<float> in_bf16 = logits_of(*make_cpu_operations(*w.checkpoint, bf16));
    for (size_t k = 0; k < in_fp32.size(); ++k) {
      device_error += std::pow(on_device[k] - in_fp32[k], 2);
      cpu_error += std::pow(in_bf16[k] - in_fp32[k], 2);
      fp8_error += std::pow(in_fp8[k] - in_fp32[k], 2);
      norm += std::pow(in_fp32[k], 2);
    }
    ConstraintState state = constraint->start();
    for (size_t t = 0; t < rows.size(); ++t) {
      const TokenId token = text[prompt + t];
      const Choices legal = constraint->choices(state);
      if (legal.kind == Choices::Kind::kListed) {
        const auto favourite = [&](const std::vector<float>& logits) {
          const float* row = logits.data() + t * vocabulary;
          TokenId best = legal.listed.front();
          for (const TokenId id : legal.listed) best = row[id] > row[best] ? id : best;
          return best;
        };
        const TokenId device = favourite(on_device), exactly = favourite(in_fp32);
        const TokenId with_fp8 = favourite(in_fp8);
        ++choices;
        device_is_cpu += device == token;
        fp32_is_cpu += exactly == token;
        fp32_is_device += exactly == device;
        const float* row = in_fp32.data() + t * vocabulary;
        close += row[exactly] - row[device] <= 0.1F;
        fp32_is_fp8 += exactly == with_fp8;
        fp8_close += row[exactly] - row[with_fp8] <= 0.1F;
        if (legal.listed.size() > 1) {
          float second = -INFINITY;
          for (const TokenId id : legal.listed) {
            if (id != exactly) second = std::max(second, row[id]);
          }
          margins.add(row[exactly] - second, device == exactly, favourite(in_bf16) == exactly);
        }
      }
      state = constraint->advance(state, token);
    }
  }
  const auto percent = [&](size_t n) {
    return 100 * static_cast<double>(n) / static_cast<double>(choices);
  };
  fmt::print(
      "greedy choices on the CPU's text ({} of them): device = CPU bf16 {:.2f} %, CPU fp32 = CPU "
      "bf16 {:.2f} %, "
      "CPU fp32 = device {:.2f} %\n",
      choices, percent(device_is_cpu), percent(fp32_is_cpu), percent(fp32_is_device));
  margins.print();
  fmt::print("logits against CPU fp32, relative L2: device {:.2e}, CPU bf16 {:.2e}\n",
             std::sqrt(device_error / norm), std::sqrt(cpu_error / norm));
  fmt::print(
      "fp8 keys and values: logits against CPU fp32 {:.2e}; CPU fp32 = device {:.2f} %, within 0.1 "
      "nat {:.2f} %\n",
      std::sqrt(fp8_error / norm), percent(fp32_is_fp8), percent(fp8_close));
  report("the device's logits are as near to fp32 as the CPU's bf16",
         device_error <= 1.1 * cpu_error, 1);
  fmt::print("the device's choice is within 0.1 nat of the fp32 favourite in {:.2f} % of all\n",
             percent(close));
}

/// Keys and values in fp8: validity, independence of the batch, and what it costs in accuracy.
void check_fp8(Workload w, size_t count) {
  w.fp8 = true;
  RunOptions options;
  options.molecules = count;
  const RunResult all = run(w, options);
  fmt::print("\nfp8 keys and values, {} molecules\n", count);
  report("exact: text valid (template with numbers of the grammar)", valid_count(w, all), count);
  for (const uint32_t slots : {7U, 32U}) {
    RunOptions o = options;
    o.slots = slots;
    o.molecules = std::min<size_t>(count, slots * 8);
    const RunResult other = run(w, o);
    report(fmt::format("exact: tokens at batch {} equal those at batch 256", slots),
           equal_count(all, other), other.answers.size());
  }
}

void check(const std::string& models, const std::string& molecules, size_t count) {
  for (const std::string name : {"qwen3-conformer", "llama-conformer-undertrained"}) {
    const Workload w = load(models + "/" + name, "", molecules);
    const size_t n = std::min(count, w.smiles.size());
    fmt::print("\n{} ({} molecules of the ZINC test list, T = 1, seed 11)\n", name, n);
    RunOptions options;
    options.molecules = n;
    const RunResult all = run(w, options);
    report("exact: text valid (template with numbers of the grammar)", valid_count(w, all), n);
    const auto same = [&](const std::string& what, const RunOptions& o) {
      const RunResult other = run(w, o);
      report(what, equal_count(all, other), other.answers.size());
      return other;
    };
    for (const uint32_t slots : {1U, 7U, 32U}) {
      RunOptions o = options;
      o.slots = slots;
      o.molecules =
          slots == 1 ? std::min<size_t>(n, 24) : std::min<size_t>(n, slots == 7 ? 100 : 256);
      same(fmt::format("exact: tokens at batch {} equal those at batch 256", slots), o);
    }
    for (const uint32_t slots : {1U, 7U, 32U, 256U}) {
      for (const uint32_t drafts : {0U, 1U, 2U, 3U, 4U, 5U, 6U, 7U, 8U}) {
        RunOptions o = options;
        o.slots = slots;
        o.drafts = drafts;
        o.molecules = std::min<size_t>(n, slots * 2);
        same(fmt::format("exact: tokens at batch {} with {} drafts", slots, drafts), o);
      }
    }
    Workload one = w;
    one.micro_batches = 1;
    const RunResult undivided = run(one, options);
    report("exact: tokens of steps in one piece equal those in two micro-batches",
           equal_count(all, undivided), n);
    RunOptions o = options;
    o.merge = false;
    same("exact: tokens without forced runs equal those with", o);
    o = options;
    o.gather = false;
    same("exact: tokens with the whole output matrix equal those with the gathered one", o);
    o = options;
    o.rule = ConstraintRule::kNone;
    o.lengths.assign(n, 2000);
    const RunResult free_run = run(w, o);
    size_t valid = 0, canonical = 0, reproduced = 0;
    for (size_t i = 0; i < n; ++i) {
      if (!is_valid(w, w.smiles[i], free_run.answers[i])) continue;
      ++valid;
      // Valid text in tokens that the tokenizer itself would not give is no legal answer.
      std::vector<TokenId> ids = free_run.answers[i].tokens;
      ids.pop_back();
      if (w.tokenizer->encode(w.tokenizer->decode(ids)) != ids) continue;
      ++canonical;
      reproduced += free_run.answers[i].tokens == all.answers[i].tokens;
    }
    fmt::print("free: {} of {} valid ({:.1f} %), {} of them not in canonical tokens\n", valid, n,
               100.0 * static_cast<double>(valid) / static_cast<double>(n), valid - canonical);
    report("harmless: valid canonical free answers reproduced by the constrained run", reproduced,
           canonical);
    o = options;
    o.sampling.temperature = 0.7F;
    o.sampling.top_k = 20;
    o.sampling.top_p = 0.8F;
    o.molecules = std::min<size_t>(n, 64);
    const RunResult kept = run(w, o);
    report("exact: text valid at T 0.7, top-k 20, top-p 0.8", valid_count(w, kept),
           kept.answers.size());
    if (name == std::string("qwen3-conformer")) check_teacher_forced(w, 24);
    check_fp8(w, n);
  }
  for (const std::string shape : {"qwen3", "llama"}) {
    ModelConfig config = *model_shape(shape == "qwen3" ? "qwen3-0.6b" : "llama-380m");
    config.layers = 2;
    Workload w = load(models + "/qwen3-conformer", "", molecules);
    w.checkpoint = random_checkpoint(config, 3, DataType::kBFloat16);
    RunOptions options;
    options.molecules = std::min<size_t>(count, 1000);
    const RunResult result = run(w, options);
    report("random weights of the " + shape + " family (2 layers): text valid",
           valid_count(w, result), result.answers.size());
  }
}

struct Roofline {
  double copy;
  double weight_bytes;
  double kv_bytes_per_token;
};
Roofline roofline(const Workload& w, double copy) {
  const ModelConfig& config = w.checkpoint->config();
  // In fp8 a byte an element and a scale for each key and value.
  const double element = w.fp8 ? 1.0 + 4.0 / config.head_dim : 2.0;
  return {copy, 2.0 * static_cast<double>(config.layer_parameters()),
          element * static_cast<double>(config.kv_elements_per_token())};
}

/// Time of a step at a given batch and context: `tokens` single-token steps around the context.
double step_seconds(const Workload& w, uint32_t batch, int context, uint32_t tokens) {
  BackendOptions options;
  options.slots = batch;
  options.kv_tokens = static_cast<size_t>(batch) * (static_cast<size_t>(context) + tokens);
  options.merge_forced_runs = false;
  options.fp8_cache = w.fp8;
  options.micro_batches = w.micro_batches;
  auto backend = make_cuda_backend(w.checkpoint, options);
  TemplateCompiler exact(w.tokenizer, w.format, w.end);
  const std::string smiles = w.smiles.front();
  const auto constraint = exact.compile(literals_of_smiles(smiles));
  const uint32_t prompt_tokens = static_cast<uint32_t>(context) - tokens / 2;
  const uint32_t pages_each = (prompt_tokens + tokens + kPageTokens - 1) / kPageTokens;
  std::vector<SlotProgress> finished;
  double best = 1e9;
  for (int repeat = 0; repeat < 3; ++repeat) {
    finished.clear();
    for (uint32_t slot = 0; slot < batch; ++slot) {
      std::vector<TokenId> prompt(prompt_tokens);
      for (uint32_t i = 0; i < prompt_tokens; ++i)
        prompt[i] = static_cast<TokenId>((i * 7 + slot) % 400);
      std::vector<uint32_t> pages(pages_each);
      for (uint32_t i = 0; i < pages_each; ++i) pages[i] = i * batch + slot;
      SequenceStart start;
      start.slot = slot;
      start.prompt = prompt;
      start.constraint = constraint;
      start.noise_key = slot + 1;
      start.max_new_tokens = tokens;
      start.pages = pages;
      backend->start(start);
    }
    // From the end of the first chain, prompts included, to the last one in which nobody finished.
    double seconds = 0;
    size_t tokens_done = 0;
    backend->run(finished, nullptr);
    auto begin = Clock::now();
    while (finished.size() < batch) {
      size_t done = 0;
      backend->run(finished, &done);
      const auto end = Clock::now();
      if (finished.empty()) {
        seconds += std::chrono::duration<double>(end - begin).count();
        tokens_done += done;
      }
      begin = end;
    }
    if (repeat > 0) best = std::min(best, seconds * batch / static_cast<double>(tokens_done));
  }
  return best;
}

void steps(const Workload& w, const std::string& name, double copy,
           const std::vector<uint32_t>& batches) {
  const Roofline roof = roofline(w, copy);
  fmt::print(
      "\nstep time, {}, context 400 (336..464), gathered output, forced runs off, chained "
      "graphs{}\n",
      name, w.fp8 ? ", fp8 keys and values" : "");
  fmt::print("{:>6s} {:>9s} {:>9s} {:>10s} {:>8s} {:>10s}\n", "batch", "ms/step", "floor ms",
             "tokens/s", "TB/s", "% of copy");
  for (const uint32_t batch : batches) {
    const double time = step_seconds(w, batch, 400, 128);
    const double bytes = roof.weight_bytes + batch * 400.0 * roof.kv_bytes_per_token;
    fmt::print("{:>6d} {:>9.3f} {:>9.3f} {:>10.0f} {:>8.2f} {:>10.1f}\n", batch, time * 1e3,
               bytes / copy * 1e3, batch / time, bytes / time * 1e-12, 100 * bytes / time / copy);
    std::fflush(stdout);
  }
}

/// One kernel of a step over all layers, in a graph: microseconds a launch.
void kernels(const Workload& w, const std::string& name, uint32_t batch, int context, double copy) {
  const ModelConfig& config = w.checkpoint->config();
  cuda::Extent extent;
  extent.fp8 = w.fp8;
  extent.slots = batch;
  extent.context = context + 16;
  extent.pages = static_cast<size_t>(batch) * static_cast<size_t>((context + 31) / 16);
  extent.max_rows = std::max(256, cuda::padded(static_cast<int>(batch), 128) + 128);
  cudaStream_t stream;
  cuda::check(cudaStreamCreate(&stream), "stream");
  cuda::CudaModel model(*w.checkpoint, extent, BackendOptions{}, stream);
  cuda::check(cudaMemset(model.cache(), 0,
                         cuda::CudaModel::memory(config, extent).page_bytes * extent.pages),
              "memset");
  const cuda::Scratch& s = model.scratch();
  std::vector<cuda::SlotState> states(batch);
  std::vector<int> list = {static_cast<int>(batch)};
  std::vector<uint32_t> pages(static_cast<size_t>(batch) *
                              static_cast<size_t>(model.page_stride()));
  for (uint32_t i = 0; i < batch; ++i) {
    states[i].prompt_length = context;
    states[i].cached = context;
    states[i].known = context + 1;
    states[i].limit = context + 8;
    list.push_back(static_cast<int>(i));
    for (int p = 0; p < model.page_stride(); ++p) {
      pages[i * static_cast<size_t>(model.page_stride()) + static_cast<size_t>(p)] =
          static_cast<uint32_t>(p) * batch + i;
    }
  }
  cuda::check(cudaMemcpy(s.slots, states.data(), states.size() * sizeof(cuda::SlotState),
                         cudaMemcpyHostToDevice),
              "copy");
  cuda::check(cudaMemcpy(s.pages, pages.data(), pages.size() * 4, cudaMemcpyHostToDevice), "copy");
  cuda::check(cudaMemcpy(const_cast<int*>(model.active({}).count), list.data(), list.size() * 4,
                         cudaMemcpyHostToDevice),
              "copy");
  std::vector<TokenId> ids;
  for (int i = 0; i < 40; ++i) ids.push_back(i);
  model.gather(ids);
  cuda::StepShape shape;
  shape.max_active = static_cast<int>(batch);
  shape.row_budget =
      cuda::padded(static_cast<int>(batch), cuda::gemm_tile_rows(static_cast<int>(batch)));
  shape.sequence_rows = 1;
  shape.gathered = 64;
  shape.fused_append = cuda::CudaModel::fuses_append(shape.max_active);
  model.step(shape, true);  // fills the tables
  cuda::check(cudaStreamSynchronize(stream), "step");
  const auto time = [&](int launches, const auto& body) {
    cudaGraph_t graph;
    cudaGraphExec_t exec;
    cuda::check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "capture");
    for (int repeat = 0; repeat < 4; ++repeat) body();
    cuda::check(cudaStreamEndCapture(stream, &graph), "capture");
    cuda::check(cudaGraphInstantiate(&exec, graph, 0), "graph");
    cudaEvent_t begin, end;
    cudaEventCreate(&begin);
    cudaEventCreate(&end);
    std::vector<float> times;
    for (int i = 0; i < 7; ++i) {
      cudaEventRecord(begin, stream);
      cuda::check(cudaGraphLaunch(exec, stream), "graph");
      cudaEventRecord(end, stream);
      cuda::check(cudaEventSynchronize(end), "graph");
      float ms = 0;
      cudaEventElapsedTime(&ms, begin, end);
      times.push_back(ms);
    }
    cudaGraphExecDestroy(exec);
    cudaGraphDestroy(graph);
    std::sort(times.begin(), times.end());
    return times[3] * 1e3 / (4 * launches);
  };
  const double h = config.hidden, q = config.heads * config.head_dim,
               kv = config.kv_heads * config.head_dim, inner = config.intermediate;
  fmt::print(
      "\nkernels of a step, {}, batch {}, context {}, one new token each (graph of one kernel over "
      "all layers)\n",
      name, batch, context);
  fmt::print("{:<34s} {:>8s} {:>9s} {:>7s} {:>9s}\n", "kernel", "us", "TB/s", "% copy", "TFLOP/s");
  double sum = 0;
  const auto line = [&](const char* what, double us, double bytes, double flops, int times) {
    sum += us * times;
    fmt::print("{:<34s} {:>8.2f} {:>9.2f} {:>7.1f} {:>9.1f}\n", what, us, bytes / us * 1e-6,
               100 * bytes / (us * 1e-6) / copy, flops / us * 1e-6);
    std::fflush(stdout);
  };
  const int layers = config.layers;
  const auto over_layers = [&](auto op) {
    return time(layers, [&] {
      for (int layer = 0; layer < layers; ++layer) op(layer);
    });
  };
  line("query, key, value product", over_layers([&](int i) { model.project(i, shape); }),
       2 * h * (q + 2 * kv), 2.0 * batch * h * (q + 2 * kv), layers);
  if (!shape.fused_append) {
    line("norms, rotation, append", over_layers([&](int i) { model.append(i, shape); }),
         4.0 * batch * (q + 2 * kv), 0, layers);
  }
  line(shape.fused_append ? "norms, rotation, append, attention" : "attention",
       over_layers([&](int i) { model.attend(i, shape); }),
       roofline(w, copy).kv_bytes_per_token / layers * batch * (context + 1),
       4.0 * batch * (context + 1) * q, layers);
  line("attention out product + norm",
       over_layers([&](int i) { model.add_attention_output(i, shape); }), 2 * h * q,
       2.0 * batch * h * q, layers);
  line("gate, up product, SwiGLU", over_layers([&](int i) { model.feed_forward(i, shape); }),
       4 * h * inner, 4.0 * batch * h * inner, layers);
  line("down product + norm", over_layers([&](int i) { model.add_feed_forward(i, shape); }),
       2 * h * inner, 2.0 * batch * h * inner, layers);
  line("final norm, gathered output", time(1, [&] { model.output(shape); }), 2 * h * 64,
       2.0 * batch * h * 64, 1);
  line("final norm, whole output",
       time(1,
            [&] {
              auto full = shape;
              full.full_output = true;
              model.output(full);
            }),
       2 * h * config.vocabulary, 2.0 * batch * h * config.vocabulary, 0);
  fmt::print("{:<34s} {:>8.1f}\n", "sum over a step", sum);
  cudaStreamDestroy(stream);
}

void end_to_end(const Workload& w, const std::string& name, double copy) {
  fmt::print(
      "\n1,000 distinct molecules, {} (random weights{}), exact, T = 1, end to end without load\n",
      name, w.fp8 ? ", fp8 keys and values" : "");
  fmt::print("{:>6s} {:>8s} {:>9s} {:>9s} {:>9s} {:>10s} {:>10s} {:>8s} {:>9s}\n", "batch", "s",
             "prefill s", "decode s", "tokens", "tokens/s", "tok/pass", "valid", "% of copy");
  const Roofline roof = roofline(w, copy);
  for (const uint32_t slots : {256U, 1000U}) {
    RunOptions options;
    options.slots = slots;
    options.kv_tokens = static_cast<size_t>(slots) * 1024;
    const RunResult r = run(w, options);
    // Bytes that must move: every pass of a sequence reads its keys and values; weights once per
    // step.
    double kv = 0, prompt = 0;
    for (size_t i = 0; i < r.answers.size(); ++i) {
      const double p = static_cast<double>(w.long_prompt(i).size());
      prompt += p;
      kv += r.answers[i].passes * (p + static_cast<double>(r.answers[i].tokens.size()) / 2) *
            roof.kv_bytes_per_token;
    }
    const double steps = static_cast<double>(r.statistics.sequence_passes) / slots;
    const double bytes = kv + steps * roof.weight_bytes;
    fmt::print("{:>6d} {:>8.2f} {:>9.2f} {:>9.2f} {:>9d} {:>10.0f} {:>10.3f} {:>8d} {:>9.1f}\n",
               slots, r.seconds, r.statistics.phases[Phase::kPrefill],
               r.statistics.phases[Phase::kDecode], r.tokens,
               static_cast<double>(r.tokens) / r.seconds,
               static_cast<double>(r.tokens) / static_cast<double>(r.statistics.sequence_passes),
               valid_count(w, r), 100 * bytes / r.statistics.phases[Phase::kDecode] / copy);
    fmt::print(
        "       (mean prompt {:.0f} tokens, mean answer {:.0f}, forced {:.1f} %)\n", prompt / 1000,
        static_cast<double>(r.tokens) / 1000,
        100.0 * static_cast<double>(r.statistics.forced_tokens) / static_cast<double>(r.tokens));
    std::fflush(stdout);
  }
}

void ablation(const Workload& w, const std::string& name, const std::vector<uint32_t>& batches) {
  fmt::print(
      "\nconstraint rules and engine options, {} (random weights), same molecules and lengths\n",
      name);
  fmt::print("{:<44s}", "ms per molecule at batch");
  for (const uint32_t batch : batches) fmt::print(" {:>9d}", batch);
  fmt::print("\n");
  std::map<uint32_t, std::vector<uint32_t>> lengths;
  std::map<uint32_t, double> free_time;
  struct Row {
    const char* name;
    ConstraintRule rule;
    bool merge, gather;
  };
  const std::vector<Row> rows = {
      {"exact", ConstraintRule::kExact, true, true},
      {"none (same lengths, no stop)", ConstraintRule::kNone, true, true},
      {"exact, forced runs one token a pass", ConstraintRule::kExact, false, true},
      {"exact, whole output matrix", ConstraintRule::kExact, true, false},
      {"exact, neither (device automaton only)", ConstraintRule::kExact, false, false},
      {"generic (study v2.1)", ConstraintRule::kGeneric, false, true},
      {"qwen (study v3.8)", ConstraintRule::kQwen, false, true},
      {"allowlist (study v4.3)", ConstraintRule::kAllowlist, false, true}};
  std::map<std::pair<size_t, uint32_t>, double> times;
  for (size_t i = 0; i < rows.size(); ++i) {
    fmt::print("{:<44s}", rows[i].name);
    for (const uint32_t batch : batches) {
      RunOptions options;
      options.slots = batch;
      options.kv_tokens = static_cast<size_t>(batch) * 1024;
      options.rule = rows[i].rule;
      options.merge = rows[i].merge;
      options.gather = rows[i].gather;
      options.stop = false;
      options.molecules = batch == 1 ? 4 : batch == 8 ? 24 : batch * 2;
      if (rows[i].rule == ConstraintRule::kNone) options.lengths = lengths[batch];
      const RunResult r = run(w, options);
      if (rows[i].rule == ConstraintRule::kExact && lengths[batch].empty()) {
        for (const Completion& c : r.answers)
          lengths[batch].push_back(static_cast<uint32_t>(c.tokens.size()));
      }
      const double each = r.seconds * 1e3 / static_cast<double>(r.answers.size());
      times[{i, batch}] = each;
      fmt::print(" {:>9.2f}", each);
      std::fflush(stdout);
    }
    fmt::print("\n");
  }
  fmt::print("{:<44s}", "none / exact");
  for (const uint32_t batch : batches)
    fmt::print(" {:>9.2f}", times[{1, batch}] / times[{0, batch}]);
  fmt::print("\n");
}

/// Milliseconds a molecule with drafts of every kind; answers must be equal.
void drafts(const Workload& w, const std::string& name, const std::vector<uint32_t>& batches) {
  fmt::print("\ndrafts, {}, exact, T = 1{}\n", name, w.fp8 ? ", fp8 keys and values" : "");
  fmt::print("{:>6s} {:>7s} {:>9s} {:>7s} {:>10s} {:>9s} {:>9s} {:>7s} {:>8s}\n", "batch", "drafts",
             "ms/mol", "off /", "passes/mol", "tok/pass", "verified", "kept %", "prefill");
  for (const uint32_t batch : batches) {
    RunOptions options;
    options.slots = batch;
    options.kv_tokens = static_cast<size_t>(batch) * 1024;
    options.molecules = batch == 1 ? 6 : batch == 8 ? 32 : std::min<size_t>(batch * 3, 1000);
    std::optional<RunResult> off;
    for (const int kind : {0, 1, 2, 3, 4, 5, 7, -1}) {
      options.drafts.reset();
      if (kind >= 0) options.drafts = static_cast<uint32_t>(kind);
      const RunResult r = run(w, options);
      if (!off) off = r;
      const auto count = static_cast<double>(r.answers.size());
      const auto passes = static_cast<double>(r.statistics.sequence_passes);
      fmt::print("{:>6d} {:>7s} {:>9.3f} {:>7.2f} {:>10.1f} {:>9.2f} {:>9d} {:>7.1f} {:>7.0f}%\n",
                 batch, kind < 0 ? "auto" : std::to_string(kind), r.seconds * 1e3 / count,
                 off->seconds / r.seconds, passes / count, static_cast<double>(r.tokens) / passes,
                 r.drafts.verified,
                 100 * static_cast<double>(r.drafts.kept) /
                     static_cast<double>(std::max<uint64_t>(r.drafts.verified, 1)),
                 100 * r.statistics.phases[Phase::kPrefill] / r.seconds);
      if (equal_count(*off, r) != r.answers.size()) {
        report("tokens equal those without drafts", equal_count(*off, r), r.answers.size());
      }
      std::fflush(stdout);
    }
  }
}

void memory(const Workload& w, const std::string& name) {
  fmt::print("\nmemory, {}: plan against what the device reports\n", name);
  for (const auto& [slots, tokens] :
       std::vector<std::pair<uint32_t, size_t>>{{32, 32 * 704}, {256, 256 * 704}, {256, 0}}) {
    BackendOptions options;
    options.slots = slots;
    options.kv_tokens = tokens;
    size_t before = 0, after = 0, total = 0;
    cuda::check(cudaMemGetInfo(&before, &total), "memory");
    const MemoryPlan plan = plan_cuda_memory(w.checkpoint->config(), options);
    const auto backend = make_cuda_backend(w.checkpoint, options);
    cuda::check(cudaMemGetInfo(&after, &total), "memory");
    const double used = static_cast<double>(before - after),
                 planned = static_cast<double>(plan.total_bytes());
    fmt::print(
        "batch {:>4d}: plan {:.3f} GB (weights {:.3f}, {} pages {:.3f}, scratch {:.3f}), used "
        "{:.3f} GB, {:+.2f} %\n",
        plan.slots, planned * 1e-9, static_cast<double>(plan.weight_bytes) * 1e-9, plan.pages,
        static_cast<double>(plan.page_bytes * plan.pages) * 1e-9,
        static_cast<double>(plan.scratch_bytes) * 1e-9, used * 1e-9, 100 * (used / planned - 1));
    if (std::abs(used / planned - 1) > 0.02) ++failures;
  }
  BackendOptions huge;
  huge.slots = 1024;
  huge.kv_tokens = size_t{1024} * 40000;
  const MemoryPlan plan = plan_cuda_memory(w.checkpoint->config(), huge);
  fmt::print("asked for 1,024 sequences of 40,000 tokens: plan gives {} sequences\n", plan.slots);
}

int main_checked(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  std::string models = "models", molecules = "bench/gpu/molecules.smi", shape = "qwen3-0.6b", model;
  size_t count = 1000;
  uint32_t batch = 0;
  int micro_batches = 0;
  bool fp8 = false;
  std::string speculate = "auto";
  for (int i = 2; i + 1 < argc; i += 2) {
    const std::string flag = argv[i], value = argv[i + 1];
    if (flag == "--models") models = value;
    if (flag == "--molecules") molecules = value;
    if (flag == "--model") model = value, shape = "";
    if (flag == "--speculate") speculate = value;
    if (flag == "--shape") shape = value;
    if (flag == "--count") count = std::stoul(value);
    if (flag == "--kv-dtype") fp8 = value == "fp8";
    if (flag == "--micro-batches") micro_batches = std::stoi(value);
    if (flag == "--batch") batch = static_cast<uint32_t>(std::stoul(value));
  }
  cudaDeviceProp device;
  cuda::check(cudaGetDeviceProperties(&device, 0), "device");
  if (command == "check") {
    check(models, molecules, count);
  } else {
    const double copy = copy_bandwidth();
    fmt::print("{}, copy {:.2f} TB/s\n", device.name, copy * 1e-12);
    Workload w = load(model.empty() ? models + "/qwen3-conformer" : model, shape, molecules);
    if (!model.empty()) shape = model;
    if (speculate != "auto")
      w.drafts = speculate == "off" ? 0U : static_cast<uint32_t>(std::stoul(speculate));
    // Random weights end numbers early; four decimals always give answers of the usual length.
    w.format.zeros = NumberFormat::Zeros::kFixed;
    w.long_prompts = true;
    w.fp8 = fp8;
    w.micro_batches = micro_batches;
    const std::vector<uint32_t> usual = {1, 8, 32, 128, 256};
    const auto batches = [&](const std::vector<uint32_t>& otherwise) {
      return batch != 0 ? std::vector<uint32_t>{batch} : otherwise;
    };
    if (command == "steps")
      steps(w, shape, copy, batches(usual));
    else if (command == "kernels") {
      for (const uint32_t b : batches({1, 32, 128, 256})) kernels(w, shape, b, 400, copy);
    } else if (command == "endtoend")
      end_to_end(w, shape, copy);
    else if (command == "ablation")
      ablation(w, shape, batches(usual));
    else if (command == "drafts")
      drafts(w, shape, batches({1, 8, 32, 128, 256, 1000}));
    else if (command == "memory")
      memory(w, shape);
    else if (command == "all") {
      steps(w, shape, copy, usual);
      end_to_end(w, shape, copy);
    } else
      throw Error::format("unknown command {}", in_quotes(command));
  }
  if (failures != 0) fmt::print("{} checks FAILED\n", failures);
  return failures == 0 ? 0 : 1;
}

}  // namespace
}  // namespace molgen3d::bench

int main(int argc, char** argv) {
  try {
    return molgen3d::bench::main_checked(argc, argv);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
