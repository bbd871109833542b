// Decode speed of a prebuilt llama.cpp, for the comparison of cpu.sh: tokens per second of steps
// that give every sequence of a batch one token, each with a context of its own.
//   bench_llama LIBRARY_FOLDER MODEL.gguf [threads=2] [context=400] [repeats=5] [batches...]
// Only functions of llama.h whose signatures have been stable are called. The two parameter structs
// grow with every release, so they are handled as opaque blocks larger than any of them: the System
// V ABI passes and returns such structs in memory, where the callee touches only its own part. The
// fields that are set are the first four of llama_context_params, checked by their defaults.
#include <dlfcn.h>
#include <fmt/core.h>
#include <time.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

#include "base/error.h"

namespace molgen3d {
namespace {

struct Params {
  uint32_t word[512];
};
struct Batch {  // llama_batch
  int32_t n_tokens;
  int32_t* token;
  float* embd;
  int32_t* pos;
  int32_t* n_seq_id;
  int32_t** seq_id;
  int8_t* logits;
};

class Library {
 public:
  explicit Library(const std::string& path)
      : handle_(dlopen(path.c_str(), RTLD_NOW | RTLD_GLOBAL)) {
    if (handle_ == nullptr) throw Error::format("{}", dlerror());
  }
  template <typename F>
  F* find(const char* name) const {
    void* symbol = dlsym(handle_, name);
    if (symbol == nullptr) throw Error::format("the library has no {}", name);
    return reinterpret_cast<F*>(symbol);
  }

 private:
  void* handle_;
};

std::string library_in(const std::string& folder, const std::string& stem) {
  for (const char* suffix : {".so", ".v0.5.0.so"}) {
    const std::string path = folder + "/" + stem + suffix;
    if (FILE* file = std::fopen(path.c_str(), "rb")) {
      std::fclose(file);
      return path;
    }
  }
  throw Error::format("{}: no {}", folder, stem);
}

// Wall clock; with one thread the processor's time, which other programs do not disturb.
bool one_thread = false;
double now() {
  timespec time{};
  clock_gettime(one_thread ? CLOCK_PROCESS_CPUTIME_ID : CLOCK_MONOTONIC, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

void quiet(int level, const char* text, void*) {
  if (level >= 4) std::fputs(text, stderr);  // errors
}

void run(int argc, char** argv) {
  if (argc < 3)
    throw Error("usage: bench_llama LIBRARY_FOLDER MODEL [threads context repeats batches...]");
  const std::string folder = argv[1];
  const int threads = argc > 3 ? std::atoi(argv[3]) : 2;
  one_thread = threads == 1;
  const int context = argc > 4 ? std::atoi(argv[4]) : 400;
  const int repeats = argc > 5 ? std::atoi(argv[5]) : 5;
  std::vector<uint32_t> batches;
  for (int i = 6; i < argc; ++i) batches.push_back(static_cast<uint32_t>(std::atoi(argv[i])));
  if (batches.empty()) batches = {1, 8, 32};

  const Library ggml(library_in(folder, "libggml")), llama(library_in(folder, "libllama"));
  llama.find<void(void (*)(int, const char*, void*), void*)>("llama_log_set")(quiet, nullptr);
  ggml.find<void(const char*)>("ggml_backend_load_all_from_path")(folder.c_str());
  llama.find<void()>("llama_backend_init")();
  void* model = llama.find<void*(const char*, Params)>("llama_model_load_from_file")(
      argv[2], llama.find<Params()>("llama_model_default_params")());
  if (model == nullptr) throw Error::format("{}: llama.cpp cannot load it", argv[2]);
  fmt::print("llama.cpp {}, {} threads, context {}, medians of {} steps, {} time\n", argv[2],
             threads, context, repeats, one_thread ? "processor" : "wall");

  for (const uint32_t batch : batches) {
    Params params = llama.find<Params()>("llama_context_default_params")();
    if (params.word[0] != 512 || params.word[1] != 2048 || params.word[2] != 512 ||
        params.word[3] != 1) {
      throw Error("llama_context_params does not begin as expected");
    }
    const int room = (context + repeats + 2 + 255) / 256 * 256;
    params.word[0] = batch * static_cast<uint32_t>(room);
    params.word[3] = batch;
    void* state = llama.find<void*(void*, Params)>("llama_init_from_model")(model, params);
    if (state == nullptr) throw Error("llama.cpp makes no context");
    llama.find<void(void*, int32_t, int32_t)>("llama_set_n_threads")(state, threads, threads);
    const auto decode = llama.find<int32_t(void*, Batch)>("llama_decode");

    // The first sequence is computed, the others are copies of it.
    const size_t most = std::max<size_t>(batch, static_cast<size_t>(context));
    std::vector<int32_t> tokens(most), positions(most), counts(most, 1), ids(most, 0);
    std::vector<int32_t*> id_lists(most);
    std::vector<int8_t> logits(most, 0);
    for (size_t i = 0; i < most; ++i) {
      tokens[i] = static_cast<int32_t>(i * 7 % 464), positions[i] = static_cast<int32_t>(i);
      id_lists[i] = &ids[i];
    }
    const auto step = [&](int32_t n) {
      const Batch b{n,
                    tokens.data(),
                    nullptr,
                    positions.data(),
                    counts.data(),
                    id_lists.data(),
                    logits.data()};
      if (decode(state, b) != 0) throw Error("llama_decode failed");
      // Makes the call complete, were it to return early.
      llama.find<void(void*)>("llama_synchronize")(state);
    };
    step(context);
    void* memory = llama.find<void*(void*)>("llama_get_memory")(state);
    const auto copy =
        llama.find<void(void*, int32_t, int32_t, int32_t, int32_t)>("llama_memory_seq_cp");
    for (uint32_t s = 1; s < batch; ++s) copy(memory, 0, static_cast<int32_t>(s), -1, -1);
    std::fill(logits.begin(), logits.end(), int8_t{1});
    for (uint32_t s = 0; s < batch; ++s) ids[s] = static_cast<int32_t>(s);
    std::vector<double> times;
    for (int repeat = -1; repeat < repeats; ++repeat) {
      for (uint32_t s = 0; s < batch; ++s) positions[s] = context + 1 + repeat;
      const double start = now();
      step(static_cast<int32_t>(batch));
      if (repeat >= 0) times.push_back(now() - start);
    }
    std::nth_element(times.begin(), times.begin() + repeats / 2, times.end());
    const double time = times[static_cast<size_t>(repeats / 2)];
    fmt::print("{:>5} {:<12} {:>9.3f}   {:.1f} tokens/s\n", batch, "step", time * 1e3,
               batch / time);
    std::fflush(stdout);
    llama.find<void(void*)>("llama_free")(state);
  }
}

}  // namespace
}  // namespace molgen3d

int main(int argc, char** argv) {
  try {
    molgen3d::run(argc, argv);
  } catch (const std::exception& error) {
    fmt::print(stderr, "bench_llama: {}\n", error.what());
    return 1;
  }
}
