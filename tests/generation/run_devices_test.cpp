// A run on several devices: the same samples in the same order, whatever becomes of a device. On
// CPU backends, and on CUDA devices where there are two.
#include <gtest/gtest.h>

#include <atomic>
#include <thread>

#include "base/error.h"
#include "engine/cuda/cuda_backend.h"
#include "generation/run.h"
#include "generation/run_settings.h"

namespace molgen3d {
namespace {

// 40 of them, of very different lengths, one of them unusable and some twice.
std::vector<std::string> molecules() {
  std::vector<std::string> out;
  for (int i = 0; i < 38; ++i)
    out.push_back(std::string(static_cast<size_t>(1 + i % 7), 'C') + (i % 3 == 0 ? "O" : "N"));
  out.insert(out.begin() + 5, "C1CC");
  out.push_back("CC(=O)Oc1ccccc1C(=O)O");
  return out;
}

const std::shared_ptr<const Model>& model() {
  static const auto loaded = load_model(find_model("llama-conformer-undertrained"));
  return loaded;
}

RunSettings settings_of(const std::string& device, uint32_t batch, uint32_t samples) {
  RunSettings settings;
  settings.device = device;
  settings.geometry = "off";
  settings.sampling = "top_p_sampling1";
  settings.seed = 3;
  settings.samples = samples;
  settings.batch = batch;
  settings.threads = device == "cpu" ? 1 : 2;
  return settings;
}

struct Collected : RunSink {
  Acceptance accept(const Sample& sample, Conformer& conformer) override {
    texts.push_back(fmt::format("{}/{} {}", sample.prompt->index, sample.index,
                                conformer.ok ? conformer.enriched : conformer.cause));
    return acceptance_of(conformer);
  }
  bool finish(const RunOutcome&) override { return true; }
  std::vector<std::string> texts;
};

struct Result {
  std::vector<std::string> texts, lines;
  RunOutcome outcome;
};

// A device that works until it has made `passes` passes.
class Failing : public Backend {
 public:
  Failing(std::unique_ptr<Backend> inner, int passes, std::atomic<int>* lost)
      : inner_(std::move(inner)), left_(passes), lost_(lost) {}
  std::string description() const override { return inner_->description(); }
  const MemoryPlan& memory() const override { return inner_->memory(); }
  void start(const SequenceStart& sequence) override {
    ++held_;
    inner_->start(sequence);
  }
  void run(std::vector<SlotProgress>& finished, size_t* tokens) override {
    if (left_-- == 0) {
      *lost_ += held_;
      throw Error("CUDA: prompts: an illegal memory access was encountered");
    }
    inner_->run(finished, tokens);
    for (const SlotProgress& progress : finished) held_ -= progress.finished ? 1 : 0;
  }
  void cancel(uint32_t slot) override { inner_->cancel(slot); }
  PhaseClock phases() const override { return inner_->phases(); }

 private:
  std::unique_ptr<Backend> inner_;
  int left_, held_ = 0;
  std::atomic<int>* lost_;
};

Result run(const RunSettings& settings, const std::function<void(RunPlan&)>& change = nullptr) {
  Result result;
  Collected sink;
  RunPlan plan(model(), settings);
  const std::vector<std::string> smiles = molecules();
  plan.source = smiles_source(smiles, plan.prompts);
  if (change) change(plan);
  Run whole(std::move(plan), sink);
  result.lines = whole.notes();
  result.outcome =
      whole.go({.note = [&](const std::string& line) { result.lines.push_back(line); }});
  result.texts = std::move(sink.texts);
  return result;
}

const std::vector<std::string>& one_device() {
  static const std::vector<std::string> texts = run(settings_of("cpu", 4, 3)).texts;
  return texts;
}

TEST(RunDevices, GiveWhatOneDeviceGives) {
  ASSERT_EQ(one_device().size(), 3 * molecules().size());
  for (const uint32_t batch : {1U, 4U, 64U}) {
    const Result two = run(settings_of("cpu:2", batch, 3));
    EXPECT_TRUE(two.outcome.complete());
    EXPECT_EQ(two.texts, one_device()) << batch;
    EXPECT_EQ(two.outcome.statistics.engine.completions, 3 * (molecules().size() - 1));
    ASSERT_EQ(two.outcome.devices.size(), 2U);
    EXPECT_EQ(two.outcome.devices[1].name, "cpu:1");
  }
}

TEST(RunDevices, ADeviceThatFailsGivesItsRecordsBack) {
  for (const int passes : {0, 1, 25}) {
    std::atomic<int> lost{0};
    const Result result = run(settings_of("cpu:2", 4, 3), [&](RunPlan& plan) {
      plan.make_backend = [&, passes](const std::string& device, const BackendOptions& options) {
        auto backend = make_backend(device, *model(), options);
        if (device == "cpu:0") return backend;
        return std::unique_ptr<Backend>(new Failing(std::move(backend), passes, &lost));
      };
    });
    EXPECT_TRUE(result.outcome.complete());
    EXPECT_EQ(result.texts, one_device()) << passes;
    EXPECT_GT(lost, 0);
    ASSERT_EQ(result.lines.size(), 1U);
    EXPECT_TRUE(result.lines[0].starts_with(
        "device cpu:1 failed: CUDA: prompts: an illegal memory access was encountered; "))
        << result.lines[0];
    EXPECT_TRUE(result.outcome.devices[0].failure.empty());
    EXPECT_FALSE(result.outcome.devices[1].failure.empty());
  }
}

TEST(RunDevices, ADeviceThatCannotBeHadIsLeftOut) {
  const Result result = run(settings_of("cpu:2", 4, 3), [&](RunPlan& plan) {
    plan.make_backend = [](const std::string& device, const BackendOptions& options) {
      if (device == "cpu:0") throw Error("not even one sequence fits");
      return make_backend(device, *model(), options);
    };
  });
  EXPECT_EQ(result.texts, one_device());
  ASSERT_EQ(result.lines.size(), 1U);
  EXPECT_EQ(result.lines[0], "device cpu:0 is left out: not even one sequence fits");
}

TEST(RunDevices, WithoutADeviceTheErrorOfTheLastComesOut) {
  std::atomic<int> lost{0};
  const auto all_fail = [&](RunPlan& plan) {
    plan.make_backend = [&](const std::string& device, const BackendOptions& options) {
      return std::unique_ptr<Backend>(
          new Failing(make_backend(device, *model(), options), 3, &lost));
    };
  };
  EXPECT_THROW(run(settings_of("cpu:2", 4, 3), all_fail), Error);
  const auto none_starts = [](RunPlan& plan) {
    plan.make_backend = [](const std::string&, const BackendOptions&) -> std::unique_ptr<Backend> {
      throw std::bad_alloc();
    };
  };
  EXPECT_THROW(run(settings_of("cpu:2", 4, 3), none_starts), std::bad_alloc);
}

// Few samples are spread: with room for all of them on one device, both work.
TEST(RunDevices, ShareLittleWork) {
  std::atomic<int> starts[2] = {0, 0};
  class Counting : public Failing {
   public:
    Counting(std::unique_ptr<Backend> inner, std::atomic<int>* lost, std::atomic<int>* starts)
        : Failing(std::move(inner), 1 << 30, lost), starts_(starts) {}
    void start(const SequenceStart& sequence) override {
      ++*starts_;
      Failing::start(sequence);
    }
    std::atomic<int>* starts_;
  };
  std::atomic<int> lost{0};
  run(settings_of("cpu:2", 256, 1), [&](RunPlan& plan) {
    plan.make_backend = [&](const std::string& device, const BackendOptions& options) {
      return std::unique_ptr<Backend>(
          new Counting(make_backend(device, *model(), options), &lost, &starts[device == "cpu:1"]));
    };
  });
  EXPECT_EQ(starts[0] + starts[1], static_cast<int>(molecules().size()) - 1);
  EXPECT_GE(std::min(starts[0].load(), starts[1].load()), 5);
}

TEST(RunDevices, OneSampleInFlightIsTheSame) {
  const Result careful =
      run(settings_of("cpu", 4, 3), [](RunPlan& plan) { plan.window = [](size_t) { return 1; }; });
  EXPECT_EQ(careful.texts, one_device());
}

TEST(RunDevices, AreNamed) {
  const auto refused = [](const std::string& device, const std::string& why) {
    RunSettings settings;
    settings.device = device;
    settings.threads = 2;
    try {
      resolve_devices(settings);
      ADD_FAILURE() << device;
    } catch (const Error& error) {
      EXPECT_NE(std::string(error.what()).find(why), std::string::npos) << error.what();
    }
  };
  refused("cpu:0", "2 threads can serve 1 to 2 engines");
  refused("cpu:3", "2 threads can serve 1 to 2 engines");
  refused("cpu:x", "not one of auto, cpu");
  refused("cpu:", "not one of auto, cpu");
  if (!cuda_available(nullptr)) return;
  refused("cuda:0,", "not one of auto, cpu");
  refused("cuda:0,0", "twice");
  refused("cuda:0,99", "numbered from 0");
}

TEST(RunDevices, OfCudaGiveWhatOneGives) {
  if (cuda_device_kinds().size() < 2) GTEST_SKIP() << "CUDA backend: two devices are needed";
  const std::vector<std::string> one = run(settings_of("cuda:0", 8, 3)).texts;
  EXPECT_EQ(run(settings_of("cuda:all", 8, 3)).texts, one);
  EXPECT_EQ(run(settings_of("cuda:1", 8, 3)).texts, one);
  std::atomic<int> lost{0};
  const Result result = run(settings_of("cuda:0,1", 8, 3), [&](RunPlan& plan) {
    plan.make_backend = [&](const std::string& device, const BackendOptions& options) {
      auto backend = make_backend(device, *model(), options);
      if (device == "cuda:0") return backend;
      return std::unique_ptr<Backend>(new Failing(std::move(backend), 1, &lost));
    };
  });
  EXPECT_EQ(result.texts, one);
  EXPECT_GT(lost, 0);
}

}  // namespace
}  // namespace molgen3d
