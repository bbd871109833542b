// Time of a decode step and of each of its operations on the CPU, with the share of what the
// machine can do, measured in the same run: GFLOP/s against the peak of the product kernel on data
// in the first cache level, GB/s against a plain read of a large array.
//   bench_operations [model=qwen3-0.6b|default] [threads=0] [context=400] [repeats=5] [batches...]
#include <fmt/core.h>
#include <time.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <functional>
#include <numeric>
#include <string>
#include <vector>

#include "base/thread_pool.h"
#include "engine/cpu/cpu_operations.h"
#include "engine/cpu/kernels.h"
#include "testing/random_weights.h"

namespace molgen3d {
namespace {

// Wall clock; with one thread the processor's time, which other programs do not disturb.
bool one_thread = false;
double now() {
  timespec time{};
  clock_gettime(one_thread ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double median(std::vector<double> v) {
  std::nth_element(v.begin(), v.begin() + static_cast<long>(v.size() / 2), v.end());
  return v[v.size() / 2];
}

ModelConfig model_config(const std::string& name) {
  ModelConfig c;
  c.architecture = ModelConfig::Architecture::kQwen3;
  c.tied_embeddings = true;
  c.rope_theta = 1e6;
  c.max_positions = 2048;
  if (name == "default") {  // models/qwen3-conformer
    c.layers = 10, c.hidden = 384, c.intermediate = 1024, c.heads = 6, c.kv_heads = 2;
    c.head_dim = 64, c.vocabulary = 472;
  } else {
    c.layers = 28, c.hidden = 1024, c.intermediate = 3072, c.heads = 16, c.kv_heads = 8;
    c.head_dim = 128, c.vocabulary = 151936;
  }
  return c;
}

/// GFLOP/s of the product kernel, all threads, operands in the first cache level.
double peak_flops(ThreadPool& pool) {
  constexpr size_t kRows = 12, kInner = 256;
  std::atomic<float> sink{0};
  double best = 0;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const double start = now();
    constexpr int kCalls = 4000;
    pool.parallel_for(pool.size(), 1, [&](size_t, size_t) {
      std::vector<cpu::BFloat16> x(kRows * kInner, 0x3C00), w(kInner * cpu::kPanel + 4096, 0x3C00);
      std::vector<float> out(kRows * cpu::kPanel);
      for (int i = 0; i < kCalls; ++i) {
        cpu::bfloat16_kernels().product(
            {x.data(), kInner, kRows, kInner, w.data(), 1, out.data(), cpu::kPanel});
      }
      sink.store(out[0]);
    });
    const double flops =
        2.0 * kRows * kInner * cpu::kPanel * kCalls * static_cast<double>(pool.size());
    best = std::max(best, flops / (now() - start) / 1e9);
  }
  return best;
}

/// GB/s of reading 512 MiB, all threads.
double read_bandwidth(ThreadPool& pool) {
  std::vector<uint64_t> data(size_t{64} << 20, 1);
  std::atomic<uint64_t> sink{0};
  double best = 0;
  for (int repeat = 0; repeat < 5; ++repeat) {
    const double start = now();
    pool.parallel_for(data.size(), size_t{1} << 20, [&](size_t begin, size_t end) {
      sink += std::accumulate(data.data() + begin, data.data() + end, uint64_t{0});
    });
    best = std::max(best, static_cast<double>(data.size() * 8) / (now() - start) / 1e9);
  }
  return best;
}

void run(int argc, char** argv) {
  const std::string name = argc > 1 ? argv[1] : "qwen3-0.6b";
  const size_t threads = argc > 2 ? std::strtoul(argv[2], nullptr, 10) : 0;
  one_thread = threads == 1;
  const uint32_t context = argc > 3 ? static_cast<uint32_t>(std::atoi(argv[3])) : 400;
  const int repeats = argc > 4 ? std::atoi(argv[4]) : 5;
  std::vector<uint32_t> batches;
  for (int i = 5; i < argc; ++i) batches.push_back(static_cast<uint32_t>(std::atoi(argv[i])));
  if (batches.empty()) batches = {1, 8, 32, 64};
  const ModelConfig config = model_config(name);
  const uint32_t most = *std::max_element(batches.begin(), batches.end());
  const uint32_t pages_each = context / kPageTokens + 1;

  CpuOptions options;
  options.threads = threads;
  options.pages = static_cast<size_t>(most) * pages_each;
  ThreadPool pool(threads);
  const double peak = peak_flops(pool), bandwidth = read_bandwidth(pool);
  fmt::print("{}, {} threads, {}, context {}, bf16, medians of {} steps, {} time\n", name,
             pool.size(), cpu_kernels_description(options), context, repeats,
             one_thread ? "processor" : "wall");
  fmt::print(
      "peak {:.0f} GFLOP/s (product kernel, first cache level), {:.1f} GB/s (read, 512 MiB)\n\n",
      peak, bandwidth);
  const auto operations =
      make_cpu_operations(*random_checkpoint(config, 1, DataType::kBFloat16), options);
  const auto as_double = [](int n) { return static_cast<double>(n); };
  const double layers = as_double(config.layers), hidden = as_double(config.hidden),
               wide = as_double(config.intermediate), dim = as_double(config.head_dim),
               heads = as_double(config.heads), kv = as_double(config.kv_heads);
  fmt::print("{:>5} {:<12} {:>9} {:>9} {:>7} {:>8} {:>7}\n", "batch", "operation", "ms", "GFLOP/s",
             "% peak", "GB/s", "% read");
  for (const uint32_t batch : batches) {
    std::vector<std::vector<uint32_t>> pages(batch);
    for (uint32_t i = 0; i < batch * pages_each; ++i) pages[i % batch].push_back(i);
    std::vector<TokenId> tokens(batch);
    std::vector<uint32_t> rows(batch);
    std::vector<PassSequence> sequences;
    for (uint32_t s = 0; s < batch; ++s) {
      tokens[s] = static_cast<TokenId>(s * 7 % 464);
      rows[s] = s;
      sequences.push_back({s, 1, context - 1, pages[s]});
    }
    std::vector<float> logits(batch * static_cast<size_t>(config.vocabulary));
    std::vector<double> times[7];
    for (int repeat = -1; repeat < repeats; ++repeat) {
      double t[7] = {};
      double last = now();
      const auto lap = [&](int part) {
        const double time = now();
        t[part] += time - last;
        last = time;
      };
      operations->embed({tokens, sequences});
      lap(0);
      for (int layer = 0; layer < config.layers; ++layer) {
        operations->project_and_append(layer), lap(1);
        operations->attend(layer), lap(2);
        operations->add_attention_output(layer), lap(3);
        operations->gated_feed_forward(layer), lap(4);
        operations->add_feed_forward(layer), lap(5);
      }
      operations->output(rows, {}, logits), lap(6);
      for (int part = 0; part < 7 && repeat >= 0; ++part) times[part].push_back(t[part]);
    }
    const double attention_width = heads * dim, kv_width = kv * dim;
    // Multiply-adds per row; elements read once per step.
    const double weights[7] = {0,
                               layers * hidden * (attention_width + 2 * kv_width),
                               0,
                               layers * hidden * attention_width,
                               layers * hidden * 2 * wide,
                               layers * hidden * wide,
                               hidden * as_double(config.vocabulary)};
    const char* names[7] = {"embed", "qkv", "attention", "o", "gate/up", "down", "output"};
    double total = 0;
    for (int part = 0; part < 7; ++part) {
      const double time = median(times[part]);
      total += time;
      double flops = 2 * weights[part] * batch, bytes = 2 * weights[part];
      if (part == 2) {
        flops = 4 * layers * batch * context * attention_width;
        bytes = 4 * layers * batch * context * kv_width;
      }
      fmt::print("{:>5} {:<12} {:>9.3f} {:>9.1f} {:>6.0f}% {:>8.1f} {:>6.0f}%\n", batch,
                 names[part], time * 1e3, flops / time / 1e9, flops / time / 1e7 / peak,
                 bytes / time / 1e9, bytes / time / 1e7 / bandwidth);
    }
    fmt::print("{:>5} {:<12} {:>9.3f}   {:.1f} tokens/s\n\n", batch, "step", total * 1e3,
               batch / total);
  }
}

}  // namespace
}  // namespace molgen3d

int main(int argc, char** argv) {
  molgen3d::run(argc, argv);
}
