// Matrix products of one Qwen3-0.6B layer at several batch sizes: correctness against double
// precision, equality of bits between batch sizes and between the forms for throughput and for
// latency (early start), time, bytes per second. Also the copy bandwidth that every share of the
// roofline refers to.
#include <cuda_runtime.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <random>
#include <vector>

#include "engine/cuda/gemm.h"

using namespace molgen3d::cuda;

namespace {

std::vector<float> host_random(size_t count, uint64_t seed, float scale) {
  std::mt19937_64 generator(seed);
  std::normal_distribution<float> normal(0, scale);
  std::vector<float> values(count);
  for (float& v : values) v = __bfloat162float(__float2bfloat16(normal(generator)));
  return values;
}

std::vector<__nv_bfloat16> pack_weights(const std::vector<float>& w, int features, int depth) {
  std::vector<__nv_bfloat16> out(static_cast<size_t>(padded(features, 64)) * depth);
  for (int f = 0; f < features; ++f) {
    for (int k = 0; k < depth; ++k) {
      const size_t block = static_cast<size_t>(f / 64) * (depth / 64) + k / 64;
      const int at = ((f % 64 / 8 * 8 + k % 64 / 8) * 8 + f % 8) * 8 + k % 8;
      out[block * 4096 + at] = __float2bfloat16(w[static_cast<size_t>(f) * depth + k]);
    }
  }
  return out;
}

std::vector<__nv_bfloat16> pack_rows(const std::vector<float>& x, int rows, int depth, int tile) {
  std::vector<__nv_bfloat16> out(static_cast<size_t>(padded(rows, tile)) * depth);
  for (int r = 0; r < rows; ++r) {
    for (int k = 0; k < depth; ++k) {
      out[activation_offset(r, k, tile, depth)] =
          __float2bfloat16(x[static_cast<size_t>(r) * depth + k]);
    }
  }
  return out;
}

template <typename T>
T* device_copy(const std::vector<T>& host) {
  T* p = nullptr;
  check(cudaMalloc(&p, host.size() * sizeof(T)), "cudaMalloc");
  check(cudaMemcpy(p, host.data(), host.size() * sizeof(T), cudaMemcpyHostToDevice), "copy");
  return p;
}

double copy_bandwidth() {
  constexpr size_t kBytes = size_t{4} << 30;
  void *a = nullptr, *b = nullptr;
  check(cudaMalloc(&a, kBytes), "cudaMalloc");
  check(cudaMalloc(&b, kBytes), "cudaMalloc");
  check(cudaMemset(a, 1, kBytes), "memset");
  cudaEvent_t begin, end;
  cudaEventCreate(&begin);
  cudaEventCreate(&end);
  std::vector<float> times;
  for (int i = 0; i < 8; ++i) {
    cudaEventRecord(begin);
    check(cudaMemcpyAsync(b, a, kBytes, cudaMemcpyDeviceToDevice), "copy");
    cudaEventRecord(end);
    check(cudaEventSynchronize(end), "copy");
    float ms = 0;
    cudaEventElapsedTime(&ms, begin, end);
    times.push_back(ms);
  }
  std::sort(times.begin(), times.end());
  cudaFree(a);
  cudaFree(b);
  return 2.0 * kBytes / (times[times.size() / 2] * 1e-3) * 1e-12;
}

struct Shape {
  const char* name;
  int features, depth;
  Epilogue epilogue;
};

}  // namespace

int main() {
  cudaDeviceProp device;
  check(cudaGetDeviceProperties(&device, 0), "device");
  const double ceiling = copy_bandwidth();
  std::printf("%s, %d multiprocessors, copy %.2f TB/s (read + written)\n", device.name,
              device.multiProcessorCount, ceiling);
  prepare_gemm();
  cudaStream_t stream;
  check(cudaStreamCreate(&stream), "stream");
  int failures = 0;
  const int kBatches[] = {1, 7, 8, 16, 32, 48, 64, 96, 128, 176, 256, 352};
  for (const Shape shape : {Shape{"qkv", 4096, 1024, Epilogue::kBf16},
                            Shape{"attention out", 1024, 2048, Epilogue::kPartial},
                            Shape{"gate+up", 6144, 1024, Epilogue::kSwiGlu},
                            Shape{"down", 1024, 3072, Epilogue::kPartial}}) {
    const int rows = 352, copies = 16;
    const std::vector<float> w =
        host_random(static_cast<size_t>(shape.features) * shape.depth, 1, 0.02F);
    const std::vector<float> x = host_random(static_cast<size_t>(rows) * shape.depth, 2, 1.0F);
    const auto packed_w = pack_weights(w, shape.features, shape.depth);
    std::vector<__nv_bfloat16*> weights;
    for (int i = 0; i < copies; ++i) weights.push_back(device_copy(packed_w));
    __nv_bfloat16* activations = nullptr;
    check(cudaMalloc(&activations, static_cast<size_t>(512) * shape.depth * 2), "cudaMalloc");
    const auto use_batch = [&](int n, GemmArguments& a) {
      a.tile_rows = gemm_tile_rows(n);
      const auto packed = pack_rows(x, n, shape.depth, a.tile_rows);
      check(cudaMemcpy(activations, packed.data(), packed.size() * 2, cudaMemcpyHostToDevice),
            "copy");
      check(cudaMemcpy(const_cast<int*>(a.row_count), &n, sizeof(int), cudaMemcpyHostToDevice),
            "copy");
    };
    const int splits = shape.epilogue == Epilogue::kPartial ? gemm_splits(shape.depth) : 1;
    const size_t out_bytes = static_cast<size_t>(splits) * 384 * shape.features * 4;
    void* out = nullptr;
    check(cudaMalloc(&out, out_bytes), "cudaMalloc");
    int* row_count = nullptr;
    check(cudaMalloc(&row_count, sizeof(int)), "cudaMalloc");
    GemmArguments a;
    a.activations = activations;
    a.row_count = row_count;
    a.depth = shape.depth;
    a.features = shape.features;
    a.splits = splits;
    a.out = out;
    a.out_stride = shape.epilogue == Epilogue::kSwiGlu ? shape.features / 2 : shape.features;
    a.split_stride = static_cast<size_t>(384) * shape.features;
    std::vector<uint8_t> whole(out_bytes), part(out_bytes);
    const auto compute = [&](int n, std::vector<uint8_t>& result) {
      a.weights = weights[0];
      check(cudaMemset(out, 0xFF, out_bytes), "memset");
      use_batch(n, a);
      gemm({stream, true}, shape.epilogue, a, n);
      check(cudaStreamSynchronize(stream), shape.name);
      check(cudaMemcpy(result.data(), out, out_bytes, cudaMemcpyDeviceToHost), "copy");
    };
    const auto value = [&](const std::vector<uint8_t>& buffer, int tile, int row,
                           int feature) -> double {
      if (shape.epilogue == Epilogue::kPartial) {
        const float* p = reinterpret_cast<const float*>(buffer.data());
        double sum = 0;
        for (int s = 0; s < splits; ++s) {
          sum += p[s * a.split_stride + static_cast<size_t>(row) * a.out_stride + feature];
        }
        return sum;
      }
      const auto* p = reinterpret_cast<const __nv_bfloat16*>(buffer.data());
      if (shape.epilogue == Epilogue::kBf16) {
        return __bfloat162float(p[static_cast<size_t>(row) * a.out_stride + feature]);
      }
      const size_t at = activation_offset(row, feature, tile, a.out_stride);
      return __bfloat162float(p[at]);
    };
    compute(rows, whole);
    double error = 0, norm = 0;
    const auto dot = [&](int row, int feature) {
      double sum = 0;
      for (int k = 0; k < shape.depth; ++k) {
        sum += static_cast<double>(x[static_cast<size_t>(row) * shape.depth + k]) *
               w[static_cast<size_t>(feature) * shape.depth + k];
      }
      return sum;
    };
    for (const int row : {0, 1, 5, 100, 127, 128, 300, 351}) {
      for (int f = 0; f < a.out_stride; f += 3) {
        double want;
        if (shape.epilogue == Epilogue::kSwiGlu) {
          const double gate = dot(row, f / 8 * 16 + f % 8), up = dot(row, f / 8 * 16 + f % 8 + 8);
          want = gate / (1 + std::exp(-gate)) * up;
        } else {
          want = dot(row, f);
        }
        const double got = value(whole, gemm_tile_rows(rows), row, f);
        error += (got - want) * (got - want);
        norm += want * want;
      }
    }
    const double relative = std::sqrt(error / norm);
    const bool accurate = relative < (shape.epilogue == Epilogue::kPartial ? 1e-5 : 1e-2);
    // Of the first n rows, computed as a batch of their own.
    const auto differences = [&](int n) {
      compute(n, part);
      int different = 0;
      for (int row = 0; row < n; ++row) {
        for (int f = 0; f < a.out_stride; ++f) {
          if (shape.epilogue == Epilogue::kPartial) {
            for (int s = 0; s < splits; ++s) {
              const size_t at =
                  (s * a.split_stride + static_cast<size_t>(row) * a.out_stride + f) * 4;
              different += std::memcmp(&part[at], &whole[at], 4) != 0;
            }
          } else {
            different += value(part, gemm_tile_rows(n), row, f) !=
                         value(whole, gemm_tile_rows(rows), row, f);
          }
        }
      }
      return different;
    };
    int different = 0;
    for (const bool early : {false, true}) {
      a.early_start = early;
      for (const int n : kBatches) different += differences(n);
    }
    failures += !accurate || different > 0;
    std::printf(
        "%-14s %5d x %4d  relative L2 %.2e %s; values that depend on the batch or the form: %d\n",
        shape.name, shape.features, shape.depth, relative, accurate ? "ok" : "WRONG", different);
    std::printf("  %5s %5s %9s %8s %7s %9s %9s\n", "rows", "tile", "us", "TB/s", "% copy",
                "TFLOP/s", "early us");
    // Median of a chain of products, in microseconds each.
    const auto time = [&](int n, bool early) {
      a.early_start = early;
      cudaGraph_t graph;
      cudaGraphExec_t exec;
      check(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal), "capture");
      for (int i = 0; i < 4 * copies; ++i) {
        a.weights = weights[i % copies];
        gemm({stream, true}, shape.epilogue, a, n);
      }
      check(cudaStreamEndCapture(stream, &graph), "capture");
      check(cudaGraphInstantiate(&exec, graph, 0), "graph");
      cudaEvent_t begin, end;
      cudaEventCreate(&begin);
      cudaEventCreate(&end);
      std::vector<float> times;
      for (int i = 0; i < 6; ++i) {
        cudaEventRecord(begin, stream);
        check(cudaGraphLaunch(exec, stream), "graph");
        cudaEventRecord(end, stream);
        check(cudaEventSynchronize(end), "graph");
        float ms = 0;
        cudaEventElapsedTime(&ms, begin, end);
        times.push_back(ms / (4 * copies) * 1e3F);
      }
      std::sort(times.begin(), times.end());
      cudaGraphExecDestroy(exec);
      cudaGraphDestroy(graph);
      return static_cast<double>(times[times.size() / 2]);
    };
    for (const int n : kBatches) {
      use_batch(n, a);
      const double us = time(n, false), early_us = time(n, true);
      const double bytes = 2.0 * shape.features * shape.depth + 2.0 * n * shape.depth;
      std::printf("  %5d %5d %9.2f %8.2f %7.1f %9.1f %9.2f\n", n, gemm_tile_rows(n), us,
                  bytes / us * 1e-6, 100 * bytes / us * 1e-6 / ceiling,
                  2.0 * n * shape.features * shape.depth / us * 1e-6, early_us);
    }
    for (__nv_bfloat16* p : weights) cudaFree(p);
    cudaFree(activations);
    cudaFree(out);
    cudaFree(row_count);
  }
  std::printf(failures == 0 ? "all products right\n" : "FAILED: %d shapes\n", failures);
  return failures == 0 ? 0 : 1;
}
