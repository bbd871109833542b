// What recording a run on the device costs, and what the record says. profile.sh runs all of it.
//
//   profile_bench record off|none|graph|node [--rule exact|none] [--trace FILE] [--shape S]
//                                            [--molecules N] [--batch B] [--lengths FILE]
//                                  FILE: written by exact, read by none, which has no end of its
//                                  own
//   profile_bench report FILE        strict check, phases, device, launches, operations
//   profile_bench compare A B        trace compare of two such files
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "base/error.h"
#include "bench/gpu/lines.h"
#include "constraint/compiler.h"
#include "engine/cuda/cuda_backend.h"
#include "engine/engine.h"
#include "testing/model_shapes.h"
#include "testing/random_weights.h"
#include "text/tags.h"
#include "text/template.h"
#include "tokenizer/tokenizer.h"
#include "trace/read/trace_reader.h"
#include "trace/record/device_recorder.h"
#include "trace/record/span_writer.h"
#include "trace/reports/compare.h"
#include "trace/reports/print_tables.h"
#include "trace/reports/reports.h"
#include "trace/reports/trace_check.h"
#include "trace/store/args_store.h"

namespace molgen3d::bench {
namespace {

using Clock = std::chrono::steady_clock;

struct Settings {
  std::string models = "models", molecules_file = "bench/gpu/molecules.smi", shape = "qwen3-0.6b";
  std::string detail = "off", rule = "exact", trace, lengths;
  size_t molecules = 64;
  uint32_t batch = 32;
  int repeats = 3;
};

struct Measured {
  double seconds = 0;
  uint64_t tokens = 0;
  std::vector<uint32_t> lengths;
};

// The workload of engine_bench: long answers with four decimals, one per molecule, T 1, seed 11.
struct Workload {
  std::shared_ptr<const Checkpoint> checkpoint;
  std::shared_ptr<const Tokenizer> tokenizer;
  std::vector<TokenId> prefix;
  TokenId end = -1;
  NumberFormat format;
  std::vector<std::string> smiles;
};

Workload load(const Settings& settings) {
  Workload w;
  const std::string directory = settings.models + "/qwen3-conformer";
  const auto named = Checkpoint::open(directory);
  w.tokenizer = Tokenizer::from_file(directory + "/tokenizer.json");
  w.prefix.assign(w.tokenizer->prefix_tokens().begin(), w.tokenizer->prefix_tokens().end());
  w.end = named->generation().end_of_sequence.front();
  w.format = named->format().numbers;
  w.format.zeros = NumberFormat::Zeros::kFixed;
  w.smiles = read_lines(settings.molecules_file);
  w.smiles.resize(std::min(w.smiles.size(), settings.molecules));
  w.checkpoint = random_checkpoint(*model_shape(settings.shape), 7, DataType::kBFloat16);
  return w;
}

/// Decodes all molecules once. `lengths`: of a free run, which has no end of its own.
Measured decode(const Workload& w, const Settings& settings, SpanSink* spans,
                const std::vector<uint32_t>& lengths) {
  BackendOptions options;
  options.slots = settings.batch;
  options.kv_tokens = static_cast<size_t>(settings.batch) * 1024;
  options.spans = spans;
  ScopedSpan loading(spans, RunPhase::kLoad);
  Engine engine(make_cuda_backend(w.checkpoint, options), w.checkpoint->config(), {.seed = 11});
  TemplateCompiler exact(w.tokenizer, w.format, w.end);
  loading.end();
  Measured out;
  out.lengths.resize(w.smiles.size());
  const auto begin = Clock::now();
  for (size_t i = 0; i < w.smiles.size(); ++i) {
    Request request;
    request.item = i;
    request.tag = i;
    {
      const ScopedSpan span(spans, RunPhase::kTokenize);
      request.prompt = w.prefix;
      const auto text = w.tokenizer->encode(prompt_text(w.smiles[i]));
      request.prompt.insert(request.prompt.end(), text.begin(), text.end());
    }
    if (lengths.empty()) {
      const ScopedSpan span(spans, RunPhase::kTemplate);
      request.constraint = exact.compile(literals_of_smiles(w.smiles[i]));
    } else {
      request.max_new_tokens = lengths[i];
    }
    engine.submit(std::move(request));
  }
  while (engine.step([&](Completion&& c) {
    if (c.reason == FinishReason::kFailed) throw Error(c.error);
    out.tokens += c.tokens.size();
    out.lengths[c.tag] = static_cast<uint32_t>(c.tokens.size());
  })) {
  }
  out.seconds = std::chrono::duration<double>(Clock::now() - begin).count();
  const ScopedSpan freeing(spans, RunPhase::kLoad);
  return out;
}

int record(const Settings& settings) {
  std::unique_ptr<TraceRecorder> recorder;
  std::unique_ptr<DeviceRecorder> device;
  if (settings.detail != "off") {
    recorder = std::make_unique<TraceRecorder>(
        TraceRecorderOptions{.path = settings.trace, .metadata = {{"rule", settings.rule}}});
    if (settings.detail != "none") {
      std::string why_not;
      device = DeviceRecorder::start(
          *recorder, settings.detail == "node" ? KernelDetail::kNode : KernelDetail::kGraph,
          &why_not);
      if (!device) throw Error::format("no device work: {}", why_not);
    }
  }
  ScopedSpan run(recorder.get(), RunPhase::kRun);
  ScopedSpan loading(recorder.get(), RunPhase::kLoad);
  const Workload w = load(settings);
  loading.end();
  std::vector<uint32_t> lengths;
  if (settings.rule == "none") {
    std::ifstream file(settings.lengths);
    for (uint32_t length = 0; file >> length;) lengths.push_back(length);
    if (lengths.size() != w.smiles.size()) throw Error("--lengths: of another run");
  }
  Measured best;
  std::vector<double> all;
  for (int repeat = 0; repeat < settings.repeats; ++repeat) {
    Measured one = decode(w, settings, recorder.get(), lengths);
    all.push_back(one.seconds);
    if (best.tokens == 0 || one.seconds < best.seconds) best = std::move(one);
  }
  if (settings.rule == "exact" && !settings.lengths.empty()) {
    std::ofstream file(settings.lengths);
    for (const uint32_t length : best.lengths) file << length << "\n";
  }
  fmt::print("{:<6s} {:<6s} best {:.4f} s, {:.0f} tokens/s; runs", settings.detail, settings.rule,
             best.seconds, static_cast<double>(best.tokens) / best.seconds);
  for (const double seconds : all) fmt::print(" {:.4f}", seconds);
  if (recorder) {
    run.end();
    if (device) device->stop();
    recorder->close();
    const TraceRecorderCounts counts = recorder->counts();
    fmt::print("; spans {}, dropped {}, without valid time {}", counts.written, counts.dropped,
               counts.rejected_device);
    if (device) {
      fmt::print(", device records {}, dropped by CUPTI {}", device->counts().records,
                 device->counts().dropped);
    }
  }
  fmt::print("\n");
  return 0;
}

trace::Trace read(const std::string& path) {
  trace::ReadOptions options;
  options.use_cache = false;
  return trace::read_trace(path, options);
}

/// Time of the kernels by the operation that they were captured for.
void print_operations(const trace::Trace& t) {
  struct Total {
    int64_t count = 0, ns = 0;
  };
  std::map<std::string, Total> operations;
  for (const uint32_t row : t.slices.gpu_rows) {
    std::string operation = "(outside graphs)";
    for (const trace::ArgLeaf& leaf : trace::parse_args(trace::args_text(t, row))) {
      if (leaf.key == "graph node id" && operation.front() == '(') operation = "(no operation)";
      if (leaf.key == "operation") operation = leaf.text;
    }
    Total& total = operations[operation];
    ++total.count;
    total.ns += t.slices.dur[row];
  }
  fmt::print("{:<24s} {:>9s} {:>10s}\n", "operation", "kernels", "ms");
  for (const auto& [name, total] : operations)
    fmt::print("{:<24s} {:>9d} {:>10.3f}\n", name, total.count,
               static_cast<double>(total.ns) * 1e-6);
}

int report(const std::string& path) {
  const trace::Trace t = read(path);
  const std::vector<std::string> broken = trace::check_importable(t);
  fmt::print("{}: {} slices; strict reader: {}\n", path, t.slices.size(),
             broken.empty() ? "clean" : broken.front());
  trace::ReportOptions options;
  options.limit = 12;
  const auto print = [](const std::vector<Table>& tables) {
    std::fputs(trace::print_tables(tables, trace::TableFormat::kText, 60).c_str(), stdout);
  };
  print({trace::report_steps(t, options).front()});
  print(trace::report_gpu(t, options));
  print(trace::report_launches(t, options));
  options.gpu_only = true;
  print(trace::report_top(t, options));
  print_operations(t);
  return broken.empty() ? 0 : 1;
}

int main_checked(int argc, char** argv) {
  const std::string command = argc > 1 ? argv[1] : "";
  if (command == "report" && argc == 3) return report(argv[2]);
  if (command == "compare" && argc == 4) {
    const auto tables = trace::compare_traces(read(argv[2]), read(argv[3]), {.limit = 12});
    std::fputs(trace::print_tables(tables, trace::TableFormat::kText, 60).c_str(), stdout);
    return 0;
  }
  if (command != "record" || argc < 3) throw Error("usage: see the top of profile_bench.cpp");
  Settings settings;
  settings.detail = argv[2];
  for (int i = 3; i + 1 < argc; i += 2) {
    const std::string flag = argv[i], value = argv[i + 1];
    if (flag == "--rule") settings.rule = value;
    if (flag == "--lengths") settings.lengths = value;
    if (flag == "--trace") settings.trace = value;
    if (flag == "--shape") settings.shape = value;
    if (flag == "--models") settings.models = value;
    if (flag == "--molecules-file") settings.molecules_file = value;
    if (flag == "--molecules") settings.molecules = std::stoul(value);
    if (flag == "--repeats") settings.repeats = std::stoi(value);
    if (flag == "--batch") settings.batch = static_cast<uint32_t>(std::stoul(value));
  }
  if (settings.detail != "off" && settings.trace.empty()) throw Error("--trace FILE is missing");
  return record(settings);
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
