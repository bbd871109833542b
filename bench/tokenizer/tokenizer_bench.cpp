// Load time and encoding speed on drug-like enriched answers, one thread.
// usage: tokenizer_bench TOKENIZER_JSON...
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <random>

#include "base/error.h"
#include "tokenizer/tokenizer.h"

namespace {

using Clock = std::chrono::steady_clock;

double seconds_since(Clock::time_point start) {
  return std::chrono::duration<double>(Clock::now() - start).count();
}

// 25 atoms with four decimals: some 600 tokens of Qwen3.
std::string enriched_answer(std::mt19937_64& random) {
  static const char* const kAtoms[] = {"[C]", "[C]", "[c]", "[c]", "[N]", "[O]", "[nH]", "[C@@H]"};
  static const char* const kBonds[] = {"", "", "", "", "1", "=", "(", ")"};
  std::uniform_real_distribution<double> coordinate(-8.0, 8.0);
  std::string text;
  for (int atom = 0; atom < 25; ++atom) {
    char block[64];
    std::snprintf(block, sizeof block, "<%.4f,%.4f,%.4f>", coordinate(random), coordinate(random),
                  coordinate(random));
    text.append(kAtoms[random() % 8]).append(block).append(kBonds[random() % 8]);
  }
  return text;
}

void measure(const char* path) {
  using molgen3d::Tokenizer;
  auto start = Clock::now();
  const auto tokenizer = Tokenizer::from_file(path);
  const double load = seconds_since(start);
  std::mt19937_64 random(1);
  std::vector<std::string> texts;
  size_t bytes = 0;
  for (int i = 0; i < 1000; ++i) bytes += texts.emplace_back(enriched_answer(random)).size();
  double best = 1e9;
  double best_offsets = 1e9;
  size_t tokens = 0;
  for (int round = 0; round < 5; ++round) {
    tokens = 0;
    start = Clock::now();
    for (const auto& text : texts) tokens += tokenizer->encode(text).size();
    best = std::min(best, seconds_since(start));
    start = Clock::now();
    for (const auto& text : texts) tokens += tokenizer->encode_with_offsets(text).ids.size() * 0;
    best_offsets = std::min(best_offsets, seconds_since(start));
  }
  const auto count = static_cast<double>(texts.size());
  std::printf("%10.3f %12.0f %14.1f %14.1f %10.1f  %s\n", load, static_cast<double>(tokens) / count,
              best / count * 1e6, best_offsets / count * 1e6,
              static_cast<double>(bytes) / best / 1e6, path);
}

}  // namespace

int main(int argc, char** argv) {
  std::printf("1,000 enriched answers of 25 atoms, one thread, best of 5\n");
  std::printf("%10s %12s %14s %14s %10s  file\n", "load s", "tokens/text", "encode us/text",
              "offsets us", "MB/s");
  for (int i = 1; i < argc; ++i) {
    try {
      measure(argv[i]);
    } catch (const molgen3d::Error& error) {
      std::fprintf(stderr, "%s\n", error.what());
      return 2;
    }
  }
}
