// The sample kernel against the host's sampler on the same logits: same token, same
// log-probability, for every kind of choice and every sampling parameter; and the state that
// follows.
#include <algorithm>
#include <cmath>
#include <random>

#include "constraint/template_program.h"
#include "engine/cuda/constraint_upload.h"
#include "engine/cuda/cuda_backend.h"
#include "engine/cuda/kernels.h"
#include "engine/sampler.h"
#include "gtest/gtest.h"

namespace molgen3d::test {
namespace {

using namespace cuda;

constexpr int kVocabulary = 1003;
constexpr int kStride = 64;  // tokens of a slot
/// What ends free decoding, so many that it happens.
const std::vector<int> kEnds = {3,   90,  91,  92,  93,  94,  95,  96,  97,  98, 99,
                                200, 201, 202, 203, 204, 205, 206, 207, 208, 999};

struct Case {
  std::shared_ptr<const Constraint> constraint;
  ConstraintState state;
  SamplingParams sampling;
};

/// A hole whose digits (ids 10..19) repeat until id 40 leaves it, between literals {5, 6}, {40, 41,
/// 2}.
std::shared_ptr<const TemplateProgram> template_program() {
  auto holes = std::make_shared<HoleTables>();
  for (TokenId id = 10; id < 20; ++id) {
    holes->edge_token.push_back(id);
    holes->edge_next.push_back(0);
  }
  holes->edge_token.push_back(40);
  holes->edge_next.push_back(HoleTables::kLeaveHole);
  holes->row_begin = {0, 11};
  auto program = std::make_shared<TemplateProgram>();
  program->literal_tokens = {5, 6, 40, 41, 2};
  program->segments = {{0, 2, 0}, {2, 3, 0}};
  program->holes = holes;
  program->reachable_ids = std::make_shared<const std::vector<TokenId>>(holes->edge_token);
  program->min_token_count = 6;
  program->max_token_count = 40;
  return program;
}

std::shared_ptr<const PositionProgram> position_program(bool allow, uint64_t seed) {
  auto program = std::make_shared<PositionProgram>();
  std::mt19937_64 random(seed);
  auto mask = std::make_shared<TokenMask>(kVocabulary);
  for (TokenId id = 0; id < kVocabulary; ++id) {
    if (random() % 3 == 0) {
      mask->insert(id);
      if (allow) program->reachable_ids.push_back(id);
    }
  }
  program->masks = {mask};
  program->masks_allow = allow;
  program->positions = {{-1, 0}, {7, 0}, {8, 0}, {-1, 0}, {2, 0}};
  return program;
}

/// Sequences that stand at generated position 6 (prompt 4, known 10) of their cases.
class SampleRun {
 public:
  /// `logits` [case][vocabulary]; with `columns` only those of an id's column (else -1) are given
  /// to the kernel.
  SampleRun(const std::vector<Case>& cases, std::vector<float> logits, bool audit,
            const std::vector<int>& column_of = {}) {
    if (!column_of.empty()) logits = gather(logits, cases.size(), column_of);
    const int count = static_cast<int>(cases.size());
    EXPECT_LE(count, kMaxActive);
    check(cudaStreamCreate(&stream_), "stream");
    ConstraintUpload constraints(stream_);
    states.resize(cases.size());
    std::vector<DeviceMemory> programs;
    std::vector<int> list = {count}, rows(cases.size(), 1), first_output(cases.size());
    for (int i = 0; i < count; ++i) {
      SlotState& state = states[static_cast<size_t>(i)];
      const Case& c = cases[static_cast<size_t>(i)];
      state.prompt_length = 4;
      state.cached = 9;
      state.known = 10;
      state.limit = 40;
      state.noise_key = 1000 + static_cast<uint64_t>(i);
      state.inverse_temperature = inverse_temperature(c.sampling);
      state.greedy = c.sampling.greedy ? 1 : 0;
      state.top_k = c.sampling.top_k;
      state.top_p = c.sampling.top_p;
      state.least_log_share = least_log_share(c.sampling);
      state.segment = c.state.segment;
      state.node = c.state.node;
      std::vector<int> words;
      state.constraint = constraints.prepare(c.constraint, words);
      words.resize(std::max<size_t>(words.size(), 1));
      programs.push_back(upload(words));
      ConstraintUpload::place(state.constraint, programs.back().as<int>());
      list.push_back(i);
      first_output[static_cast<size_t>(i)] = i;
    }
    const DeviceMemory device_states = upload(states), device_list = upload(list),
                       device_rows = upload(rows), device_output = upload(first_output),
                       device_logits = upload(logits),
                       device_columns = upload(column_of.empty() ? std::vector<int>(1) : column_of);
    tokens.assign(cases.size() * kStride, -1);
    audits.resize(cases.size() * kStride);
    const DeviceMemory device_tokens = upload(tokens), device_audits = upload(audits);
    SampleArguments a;
    a.active = {device_list.as<int>(), device_list.as<int>() + 1};
    a.slots = device_states.as<SlotState>();
    a.tokens = device_tokens.as<int>();
    a.token_stride = kStride;
    a.sequence_rows = device_rows.as<int>();
    a.first_output = device_output.as<int>();
    a.logits = device_logits.as<float>();
    a.logit_stride = static_cast<int>(logits.size() / cases.size());
    a.column_of = column_of.empty() ? nullptr : device_columns.as<int>();
    a.vocabulary = kVocabulary;
    const DeviceMemory device_ends = upload(kEnds);
    a.end_ids = device_ends.as<int>();
    a.end_count = static_cast<int>(kEnds.size());
    if (audit) {
      a.merge_forced = 0;
      a.audit = device_audits.as<AuditRecord>();
    }
    sample({stream_, false}, a, count);
    download(states, device_states);
    download(tokens, device_tokens);
    download(audits, device_audits);
  }
  ~SampleRun() { cudaStreamDestroy(stream_); }

  std::vector<SlotState> states;    ///< afterwards
  std::vector<int> tokens;          ///< [case][kStride]
  std::vector<AuditRecord> audits;  ///< [case][kStride]

 private:
  static std::vector<float> gather(const std::vector<float>& logits, size_t rows,
                                   const std::vector<int>& column_of) {
    const auto columns = static_cast<size_t>(
        std::count_if(column_of.begin(), column_of.end(), [](int column) { return column >= 0; }));
    std::vector<float> out(rows * columns);
    for (size_t row = 0; row < rows; ++row) {
      for (size_t id = 0; id < column_of.size(); ++id) {
        if (column_of[id] < 0) continue;
        out[row * columns + static_cast<size_t>(column_of[id])] = logits[row * kVocabulary + id];
      }
    }
    return out;
  }
  template <typename T>
  DeviceMemory upload(const std::vector<T>& host) {
    DeviceMemory memory(host.size() * sizeof(T), "test");
    check(
        cudaMemcpyAsync(memory.data(), host.data(), memory.size(), cudaMemcpyHostToDevice, stream_),
        "copy");
    check(cudaStreamSynchronize(stream_), "copy");
    return memory;
  }
  template <typename T>
  void download(std::vector<T>& host, const DeviceMemory& memory) {
    check(
        cudaMemcpyAsync(host.data(), memory.data(), memory.size(), cudaMemcpyDeviceToHost, stream_),
        "copy");
    check(cudaStreamSynchronize(stream_), "sample");
  }
  cudaStream_t stream_ = nullptr;
};

std::vector<float> random_logits(size_t rows) {
  std::mt19937_64 random(5);
  std::normal_distribution<float> normal(0, 2);
  std::vector<float> logits(rows * kVocabulary);
  for (float& x : logits) x = std::round(normal(random) * 8) / 8;  // many ties
  return logits;
}

/// What the host draws for row `i` of `logits`, at the position where SampleRun's sequences stand.
struct HostDraw {
  std::span<const float> row;
  Choices choices;
  Draw draw;

  HostDraw(Sampler& sampler, const std::vector<float>& logits, const SampleRun& run, size_t i,
           const Case& c)
      : row(logits.data() + i * kVocabulary, kVocabulary),
        choices(c.constraint ? c.constraint->choices(c.state) : Choices{}),
        draw(sampler.draw({row, {}}, choices, c.sampling, run.states[i].noise_key, 6)) {}
};

/// `gathered`: only the columns that some constraint of the batch can reach were computed, in the
/// order of their ids; free rows and masks that block do not go that way.
void expect_what_the_host_draws(bool gathered) {
  std::vector<Case> cases;
  for (const bool greedy : {false, true}) {
    for (const float temperature : {0.3F, 1.0F, 1.7F}) {
      for (const int top_k : {0, 1, 5, 20, 400}) {
        for (const float top_p : {1.0F, 0.9F, 0.5F, 0.05F}) {
          // Min-p alone and together with the others.
          const float min_p = cases.size() % 3 == 0 ? 0.0F : cases.size() % 3 == 1 ? 0.1F : 0.6F;
          const SamplingParams sampling{greedy, temperature, top_k, top_p, min_p};
          cases.push_back({template_program(), {0, TemplateProgram::kInHole}, sampling});
          // Two masks, so that a good part of the vocabulary is out of reach of all.
          const uint64_t seed = gathered ? cases.size() / 2 % 2 : cases.size();
          cases.push_back({position_program(true, seed), {0, 0}, sampling});
          if (gathered) continue;
          cases.push_back({nullptr, {}, sampling});
          cases.push_back({position_program(false, cases.size()), {0, 0}, sampling});
        }
      }
    }
  }
  std::vector<int> column_of;
  int columns = 0;
  for (TokenId id = 0; gathered && id < kVocabulary; ++id) {
    const bool reached = std::any_of(cases.begin(), cases.end(), [&](const Case& c) {
      const std::span<const TokenId> ids = c.constraint->reachable();
      return std::binary_search(ids.begin(), ids.end(), id);
    });
    column_of.push_back(reached ? columns++ : -1);
  }
  const std::vector<float> logits = random_logits(cases.size());
  const SampleRun run(cases, logits, false, column_of);

  Sampler sampler(kVocabulary);
  for (size_t i = 0; i < cases.size(); ++i) {
    const Case& c = cases[i];
    const HostDraw host(sampler, logits, run, i, c);
    const Draw& draw = host.draw;
    ASSERT_EQ(draw.error, nullptr);
    const int* got = run.tokens.data() + i * kStride;
    const SlotState& after = run.states[i];
    EXPECT_EQ(got[10], draw.token)
        << "case " << i << ": T " << c.sampling.temperature << " top-k " << c.sampling.top_k
        << " top-p " << c.sampling.top_p << " greedy " << c.sampling.greedy;
    EXPECT_NEAR(after.log_probability, draw.log_probability, 2e-4) << "case " << i;
    EXPECT_EQ(after.cached, 10);
    // The forced run that follows, and the state after it.
    std::vector<TokenId> expected = {draw.token};
    bool finished = false;
    if (c.constraint) {
      ConstraintState state = c.constraint->advance(c.state, draw.token);
      while (!(finished = c.constraint->finished(state))) {
        const Choices next = c.constraint->choices(state);
        if (next.kind != Choices::Kind::kForced) break;
        expected.push_back(next.forced);
        state = c.constraint->advance(state, next.forced);
      }
      EXPECT_EQ((ConstraintState{after.segment, after.node}), state) << "case " << i;
    } else {
      finished = std::binary_search(kEnds.begin(), kEnds.end(), draw.token);
    }
    EXPECT_EQ(std::vector<TokenId>(got + 10, got + after.known), expected) << "case " << i;
    EXPECT_EQ(after.end == SlotEnd::kEndOfSequence, finished) << "case " << i;
  }
}

TEST(CudaSampling, DrawsWhatTheHostDraws) {
  std::string why_not;
  if (!cuda_available(&why_not)) GTEST_SKIP() << why_not;
  expect_what_the_host_draws(false);
}

TEST(CudaSampling, DrawsTheSameFromGatheredRows) {
  std::string why_not;
  if (!cuda_available(&why_not)) GTEST_SKIP() << why_not;
  expect_what_the_host_draws(true);
}

// Audit mode: kept mass, favourite and raw log-probability of every token, forced ones too.
TEST(CudaSampling, AuditsWhatTheHostAudits) {
  std::string why_not;
  if (!cuda_available(&why_not)) GTEST_SKIP() << why_not;
  std::vector<Case> cases;
  for (const float temperature : {0.3F, 1.0F, 1.7F}) {
    const SamplingParams sampling{false, temperature, 5, 0.9F};
    cases.push_back({nullptr, {}, sampling});
    cases.push_back({template_program(), {0, 1}, sampling});  // in a literal: forced
    cases.push_back({template_program(), {0, TemplateProgram::kInHole}, sampling});
    for (const bool allow : {false, true}) {
      cases.push_back({position_program(allow, cases.size()), {0, 0}, sampling});
      cases.push_back({position_program(allow, cases.size()), {1, 0}, sampling});  // forced
    }
  }
  std::vector<float> logits = random_logits(cases.size());
  logits[1 * kVocabulary + 6] = -900;  // a forced token whose share underflows
  const SampleRun run(cases, logits, true);
  Sampler sampler(kVocabulary);
  for (size_t i = 0; i < cases.size(); ++i) {
    const Case& c = cases[i];
    const auto [row, choices, draw] = HostDraw(sampler, logits, run, i, c);
    const Sampler::Audit audit = Sampler::audit(row, choices, c.sampling, draw.token);
    ASSERT_EQ(audit.error, nullptr);
    EXPECT_EQ(run.tokens[i * kStride + 10], draw.token) << "case " << i;
    EXPECT_EQ(run.states[i].known, 11) << "case " << i;
    EXPECT_NEAR(run.states[i].raw_log_probability, audit.raw_log_probability, 1e-9) << "case " << i;
    EXPECT_NEAR(run.states[i].log_kept_mass, audit.log_kept_mass, 1e-9) << "case " << i;
    const AuditRecord& record = run.audits[i * kStride + 6];
    EXPECT_EQ(record.favourite, audit.favourite) << "case " << i;
    EXPECT_NEAR(record.raw_log_probability, audit.raw_log_probability,
                1e-6 * (1 + std::abs(audit.raw_log_probability)));
    EXPECT_NEAR(record.kept_mass, std::exp(audit.log_kept_mass), 1e-6) << "case " << i;
    EXPECT_NEAR(record.favourite_log_probability, audit.favourite_log_probability, 1e-6);
  }
}

// A legal token without a finite logit ends only its own sequence.
TEST(CudaSampling, ReportsLogitsThatAreNotFinite) {
  std::string why_not;
  if (!cuda_available(&why_not)) GTEST_SKIP() << why_not;
  std::vector<float> logits(2 * kVocabulary, 1.0F);
  logits[kVocabulary + 500] = std::nanf("");
  std::vector<SlotState> states(2);
  for (SlotState& state : states) state.known = 1, state.limit = 9;
  const std::vector<int> words = {2, 0, 1, 1, 1, 0, 1};  // list, rows, rows of logits
  DeviceMemory device_logits(logits.size() * 4, "t"), device_states(2 * sizeof(SlotState), "t"),
      device_words(words.size() * 4, "t"), device_tokens(2 * kStride * 4, "t");
  check(
      cudaMemcpy(device_logits.data(), logits.data(), device_logits.size(), cudaMemcpyHostToDevice),
      "copy");
  check(
      cudaMemcpy(device_states.data(), states.data(), device_states.size(), cudaMemcpyHostToDevice),
      "copy");
  check(cudaMemcpy(device_words.data(), words.data(), device_words.size(), cudaMemcpyHostToDevice),
        "copy");
  SampleArguments a;
  a.active = {device_words.as<int>(), device_words.as<int>() + 1};
  a.slots = device_states.as<SlotState>();
  a.tokens = device_tokens.as<int>();
  a.token_stride = kStride;
  a.sequence_rows = device_words.as<int>() + 3;
  a.first_output = device_words.as<int>() + 5;
  a.logits = device_logits.as<float>();
  a.logit_stride = kVocabulary;
  a.vocabulary = kVocabulary;
  sample({nullptr, false}, a, 2);
  check(
      cudaMemcpy(states.data(), device_states.data(), device_states.size(), cudaMemcpyDeviceToHost),
      "copy");
  EXPECT_EQ(states[0].end, SlotEnd::kRunning);
  EXPECT_EQ(states[0].known, 2);
  EXPECT_EQ(states[1].end, SlotEnd::kNotFinite);
}

}  // namespace
}  // namespace molgen3d::test
