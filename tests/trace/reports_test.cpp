// The reports, on traces that can be checked by hand.
#include <gtest/gtest.h>

#include <map>

#include "trace/reports/compare.h"
#include "trace/reports/report_parts.h"
#include "trace/reports/reports.h"
#include "trace_test_files.h"

namespace molgen3d::trace {
namespace {

const std::string kTiny = MOLGEN3D_SOURCE_DIR "/tests/trace/golden/tiny.json";

const Table& table(const std::vector<Table>& tables, size_t i) {
  return tables.at(i);
}
double number(const Cell& cell) {
  return std::holds_alternative<int64_t>(cell.content)
             ? static_cast<double>(std::get<int64_t>(cell.content))
             : std::get<Number>(cell.content).value;
}

// Figures that can be checked against tiny.json by hand.
TEST(Reports, FiguresOfTheTinyTrace) {
  ReadOptions options;
  options.use_cache = false;
  const Trace t = read_trace(kTiny, options);
  const auto gpu = report_gpu(t, {});
  ASSERT_EQ(table(gpu, 0).rows.size(), 1u);
  const auto& device = table(gpu, 0).rows[0];
  EXPECT_EQ(number(device[1]), 6);                // events
  EXPECT_NEAR(number(device[2]), 0.282, 1e-12);   // 1050 .. 1332
  EXPECT_NEAR(number(device[3]), 0.1925, 1e-12);  // 40 + 10 + 50.5 + (1230..1320) + 2
  EXPECT_NEAR(number(device[5]), 0.1825, 1e-12);  // without the copy
  EXPECT_EQ(table(gpu, 1).rows.size(), 1u);       // one stream, its overflow lane included

  const auto memory = report_memory(t, {});
  ASSERT_EQ(table(memory, 0).rows.size(), 1u);
  EXPECT_EQ(std::get<std::string>(table(memory, 0).rows[0][0].content), "Memcpy HtoD");
  EXPECT_EQ(number(table(memory, 0).rows[0][2]), 4096);
  EXPECT_NEAR(number(table(memory, 0).rows[0][5]), 0.4096, 1e-12);

  const auto launches = report_launches(t, {});
  EXPECT_EQ(number(table(launches, 1).rows[0][0]), 4);               // launches that start work
  EXPECT_NEAR(number(table(launches, 1).rows[0][1]), 0.191, 1e-12);  // 30 + 65 + 66 + 30 us
  EXPECT_NE(table(launches, 1).notes[0].find("6 device slices"), std::string::npos);

  ReportOptions groups;
  groups.group = "all";
  std::map<std::string, double> by_group;
  const auto grouped = report_top(t, groups);
  for (const auto& row : table(grouped, 0).rows) {
    by_group[std::get<std::string>(row.back().content)] = number(row[1]);
  }
  EXPECT_NEAR(by_group["attention"], 0.1, 1e-12);
  EXPECT_NEAR(by_group["gemm"], 0.04, 1e-12);
  EXPECT_NEAR(by_group["copy"], 0.0505, 1e-12);
  EXPECT_NEAR(by_group["fill"], 0.002, 1e-12);
  EXPECT_NEAR(by_group["memcpy"], 0.01, 1e-12);

  ReportOptions range;
  range.range = "aten::mat*";
  range.limit = 0;
  EXPECT_EQ(report_top(t, range)[0].rows.size(), 7u);  // what starts in [1010, 1110)

  ReportOptions self;
  self.self = true;
  const auto selves = report_top(t, self);
  for (const auto& row : table(selves, 0).rows) {
    if (std::get<std::string>(row.back().content) == "aten::matmul") {
      EXPECT_NEAR(number(row[2]), 0.102 - 0.00525 - 0.008 - 0.004, 1e-12);
    }
  }
}

TEST(Reports, ShortNamesAndGroups) {
  EXPECT_EQ(short_name("void at::native::elementwise_kernel<128, 4, "
                       "at::native::gpu_kernel_impl_nocast<at::native::direct_copy_kernel_cuda(at::"
                       "TensorIteratorBase&)::{lambda()#3}> >(int)"),
            "at::native::elementwise_kernel[direct_copy_kernel_cuda]");
  EXPECT_EQ(short_name("void at::native::(anonymous namespace)::CatArrayBatchedCopy<int>(int*)"),
            "at::native::CatArrayBatchedCopy");
  EXPECT_EQ(short_name("Memcpy DtoH (Device -> Pinned)"), "Memcpy DtoH (Device -> Pinned)");
  EXPECT_EQ(short_name("fmha_cutlassF(Params)"), "fmha_cutlassF");
  EXPECT_EQ(short_name("<built-in function next>"), "<built-in function next>");
  EXPECT_EQ(kernel_group(CategoryClass::kKernel, "fmha_cutlassF_bf16"), "attention");
  EXPECT_EQ(kernel_group(CategoryClass::kKernel, "nvjet_tst_64x8"), "gemm");
  EXPECT_EQ(kernel_group(CategoryClass::kKernel, "mystery"), "other");
  EXPECT_EQ(kernel_group(CategoryClass::kCopy, "anything"), "memcpy");
}

TEST(Compare, SideBySidePerStep) {
  const auto step = [](int count, int kernel_us) {
    std::string text = "[";
    for (int i = 0; i < count; ++i) {
      const std::string ts = std::to_string(i * 1000);
      text.append(i ? "," : "")
          .append(R"({"ph":"X","cat":"user_annotation","name":"decode step",)");
      text.append(R"("pid":1,"tid":1,"dur":900,"args":{"tokens":4},"ts":)").append(ts).append("},");
      text.append(R"({"ph":"X","cat":"kernel","name":"fmha_x","pid":0,"tid":7,"dur":)");
      text.append(std::to_string(kernel_us)).append(",\"ts\":").append(ts).append("}");
    }
    return text.append("]");
  };
  const TestFolder folder;
  const Trace a = read_trace(folder.write("a.json", step(10, 100)));
  const Trace b = read_trace(folder.write("b.json", step(5, 50)));
  const auto tables = compare_traces(a, b, {});
  EXPECT_NE(tables[0].notes[1].find("per token: 40 in A, 20 in B"), std::string::npos);
  for (const auto& row : tables[0].rows) {
    if (std::get<std::string>(row[0].content) != "3 attention kernels") continue;
    EXPECT_NEAR(number(row[5]), 25.0, 1e-9);
    EXPECT_NEAR(number(row[6]), 12.5, 1e-9);
    EXPECT_NEAR(number(row[7]), 0.5, 1e-9);
  }
  CompareOptions per_step;
  per_step.per = CompareOptions::Per::kStep;
  EXPECT_NE(compare_traces(a, b, per_step)[0].notes[1].find("per step: 10"), std::string::npos);
}

}  // namespace
}  // namespace molgen3d::trace
