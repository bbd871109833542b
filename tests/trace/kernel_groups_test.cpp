// Kernel groups by what a kernel is; names taken from traces of vLLM, FlashInfer, TensorRT-LLM,
// PyTorch, cuDNN, ROCm and our own runs.
#include "trace/store/kernel_groups.h"

#include <fmt/format.h>
#include <gtest/gtest.h>

#include <fstream>
#include <map>

#include "test_data.h"
#include "trace/reports/report_parts.h"
#include "trace/store/kernel_names.h"
#include "trace_test_files.h"

namespace molgen3d::trace {
namespace {

std::string group(std::string_view name) {
  return std::string(kernel_group(CategoryClass::kKernel, name));
}

TEST(KernelNames, WordsOfEverySpelling) {
  EXPECT_EQ(words_of("FusedAddRMSNormKernel"), "_fused_add_rms_norm_kernel_");
  EXPECT_EQ(words_of("fused_add_rms_norm_kernel"), "_fused_add_rms_norm_kernel_");
  EXPECT_EQ(words_of("TopKTopPSampling"), "_top_k_top_p_sampling_");
  EXPECT_EQ(words_of("s16816gemm"), "_s_16816_gemm_");
  EXPECT_EQ(words_of(""), "_");
  EXPECT_EQ(words_of("__x__"), "_x_");
}

TEST(KernelNames, OwnNameWithoutReturnTypeNamespaceAndArguments) {
  const auto own = [](std::string_view text) { return kernel_name(text).own; };
  EXPECT_EQ(own("void a::softmax::copy_kernel<gemm::X<1>>(norm::P const*)"), "_copy_kernel_");
  EXPECT_EQ(
      own("std::enable_if<(((8)>(0))) && a::b<c>::exists, void>::type vllm::rms_norm<T, 8>(T*)"),
      "_rms_norm_");
  EXPECT_EQ(own("void (anonymous namespace)::foo<int>(int)"), "_foo_");
  EXPECT_EQ(own("void cut::off<int, "), "_off_");
  EXPECT_EQ(own("My kernel (old)"), "_my_kernel_old_");
  EXPECT_EQ(own("_Z11copy_kernelPfi"), "_copy_kernel_");
  for (const char* odd :
       {"", "<", ">", "::", "(", "void ", "a<b", "_Z", "_ZN", "a::", "void <>("}) {
    EXPECT_FALSE(own(odd).empty()) << odd;
  }
}

TEST(KernelGroups, ByWhatAKernelIs) {
  const std::vector<std::pair<std::string, std::string>> cases = {
      {"void flashinfer::norm::FusedAddRMSNormKernel<8u, __nv_bfloat16>(__nv_bfloat16*, float)",
       "norm"},
      {"void flashinfer::activation::act_and_mul_kernel<__nv_bfloat16, &silu>(int)", "activation"},
      {"void flashinfer::BatchQKApplyRotaryPosIdsCosSinCacheHeadParallelismKernel<true>(...)",
       "rope"},
      {"void flashinfer::sampling::TopKTopPSamplingFromProbKernel<1024u, true>(float*)",
       "sampling"},
      {"void flashinfer::BatchDecodeWithPagedKVCacheKernel<(flashinfer::PosEncodingMode)0>(...)",
       "attention"},
      {"void flashinfer::BatchPrefillWithPagedKVCacheKernel<true>(P)", "attention"},
      {"void vllm::cross_device_reduce_1stage<__nv_bfloat16, 8>(vllm::RankData*)", "communication"},
      {"ncclDevKernel_AllGather_RING_LL(ncclDevKernelArgsStorage<4096ul>)", "communication"},
      {"molgen3d::convert_kernel(float const*, int)", "copy"},
      {"void molgen3d::cuda::(anonymous "
       "namespace)::append_kernel<128>(molgen3d::cuda::AttentionArguments)",
       "kv cache"},
      {"void molgen3d::cuda::(anonymous "
       "namespace)::gemm_kernel<128>(molgen3d::cuda::GemmArguments)",
       "gemm"},
      {"void molgen3d::cuda::(anonymous namespace)::norm_kernel<1>(molgen3d::cuda::NormArguments)",
       "norm"},
      {"void molgen3d::cuda::(anonymous "
       "namespace)::sample_kernel<64>(molgen3d::cuda::SampleArguments)",
       "sampling"},
      {"molgen3d::cuda::(anonymous namespace)::plan_kernel(molgen3d::cuda::PlanArguments)",
       "planning"},
      {"void vllm::convert_fp8_kernel<float>(...)", "copy"},
      {"void at::native::(anonymous namespace)::upsample_bilinear2d_out_frame<float>(int)",
       "other (interpolation)"},
      {"void cutlass_80_tensorop_bf16_s16816gemm_relu_bf16_256x128_32x3_tn_align8", "gemm"},
      {"void cutlass::Kernel2<cutlass_80_tensorop_bf16_s16816gemm_relu_bf16_64x64>(P)", "gemm"},
      {"void cutlass::device_kernel<flash::enable_sm90<flash::FlashAttnFwdSm90<X>>>(P)",
       "attention"},
      {"void splitKreduce_kernel<32, 16, int>(...)", "gemm"},
      {"bmm_MxE4m3_MxE2m1MxE4m3_Fp32_t128x16x256u2_s3_et128x16_clmp_swiGlu_dynBatch_sm100f",
       "gemm"},
      {"_matmul_ogs_NNT_bf16xbf16xmxfp4_128x128x128x1_swiglu", "gemm"},
      {"std::enable_if<!(false), void>::type internal::gemvx::kernel<int, float>(P)", "gemm"},
      {"fmhaSm100aKernel_QkvE4m3OBfloat16H64PagedKvCausalP16VarSeqQ128Kv128", "attention"},
      {"void vllm::paged_attention_v1_kernel<...>", "attention"},
      {"kernel_unified_attention_2d", "attention"},
      {"attn_fwd", "attention"},
      {"void vllm::reshape_and_cache_flash_kernel<__nv_bfloat16>(...)", "kv cache"},
      {"triton_red_fused_native_layer_norm_3", "norm"},
      {"triton_red_fused__to_copy_add_mean_mul_pow_rsqrt_0", "norm"},
      {"triton_poi_fused_silu_mul_2", "activation"},
      {"triton_poi_fused__to_copy_0", "copy"},
      {"triton_poi_fused__to_copy_add_0", "elementwise"},
      {"void index_elementwise_kernel<128, 4>(...)", "index"},
      {"void moe_align_block_size_kernel<int>(...)", "other (moe)"},
      {"void vllm::moe::topkGatingSoftmax<8, 128>(...)", "other (moe routing)"},
      {"void rotary_embedding_kernel<c10::BFloat16>(...)", "rope"},
      {"void cudnn::bn_fw_tr_1C11_kernel_NCHW<float>(cudnnTensorStruct)", "norm"},
      {"void cudnn::ops::nchwToNhwcKernel<float>(float*)", "convolution"},
      {"sm80_xmma_fprop_implicit_gemm_tf32f32_tf32f32_f32_nhwckrsc_nchw_tilesize128x64",
       "convolution"},
      {"void at::native::vectorized_elementwise_kernel<4, at::native::FillFunctor<float>, A>(int)",
       "fill"},
      {"void at::native::vectorized_elementwise_kernel<4, at::native::CUDAFunctor_add<float>, "
       "A>(int)",
       "elementwise"},
      {"void at::native::elementwise_kernel<128, 4, at::native::gpu_kernel_impl_nocast<"
       "at::native::direct_copy_kernel_cuda(at::TensorIteratorBase&)::{lambda()#3}> >(int)",
       "copy"},
      {"void at::native::reduce_kernel<512, 1, at::native::ReduceOp<float, "
       "at::native::ArgMaxOps<float>>>(R)",
       "sampling"},
      {"void at::native::reduce_kernel<512, 1, at::native::ReduceOp<float, "
       "at::native::MeanOps<float>>>(R)",
       "reduce"},
      {"void fbgemm_gpu::permute_2D_data_kernel<float>(int)", "copy"},
      {"_ZN7ck_tile6kentryILi1ENS_11Rmsnorm2dFwdINS_25Rmsnorm2dFwdPipelineOnePassINS_", "norm"},
      {"Kernel", "other"},
      {"", "other"},
      // A word in a namespace, a template argument or a parameter decides nothing.
      {"void gemm::attention::norm::mystery<softmax::X, relu>(conv::Params, nccl::Comm)", "other"},
      {"void sampling::unrelated(topk_t)", "other"},
  };
  for (const auto& [name, want] : cases) EXPECT_EQ(group(name), want) << name;
  EXPECT_EQ(kernel_group(CategoryClass::kCopy, "anything"), "memcpy");
}

TEST(KernelGroups, AB200TraceIsHalfMatrixProducts) {
  const std::string name = "traces/tracelens_b200_eager_overlaps.json.gz";
  MOLGEN3D_NEEDS_DATA(name);
  ReadOptions options;
  options.use_cache = false;
  ReportOptions groups;
  groups.group = "all";
  const Trace trace = read_trace(test::test_data(name), options);
  std::map<std::string, double> percent;
  const auto tables = report_top(trace, groups);
  for (const auto& row : tables[0].rows) {
    percent[std::get<std::string>(row.back().content)] = std::get<Number>(row[2].content).value;
  }
  EXPECT_NEAR(percent["gemm"], 53.6, 0.05);
  EXPECT_EQ(percent.count("activation"), 0u);
  EXPECT_EQ(percent.count("other"), 0u);
}

TEST(KernelGroups, OtherIncludesItsNamedParts) {
  EXPECT_TRUE(in_group("other (moe)", "other"));
  EXPECT_TRUE(in_group("other (moe)", "other (moe)"));
  EXPECT_TRUE(in_group("gemm", "gemm"));
  EXPECT_FALSE(in_group("other", "other (moe)"));
  EXPECT_FALSE(in_group("gemm", "other"));
}

TEST(Categories, RuntimesAndDriversOfEveryDevice) {
  for (const char* device : {"cuda", "hip", "xpu", "mtia", "privateuse1"}) {
    for (const char* call : {"_runtime", "_driver"}) {
      EXPECT_EQ(category_class(std::string(device).append(call)), CategoryClass::kRuntime);
    }
  }
  EXPECT_EQ(category_class("npu_runtime"), CategoryClass::kOther);
  EXPECT_EQ(category_class("cuda_runtime_x"), CategoryClass::kOther);
  EXPECT_TRUE(is_known_category("cpu_op"));
  EXPECT_FALSE(is_known_category("npu_runtime"));
}

TEST(ShortNames, FunctionsOfPythonKeepLineAndName) {
  EXPECT_EQ(short_name("torch/nn/modules/module.py(1532): _call_impl"),
            "torch/nn/modules/module.py(1532): _call_impl");
  EXPECT_EQ(short_name("<string>(1): <module>"), "<string>(1): <module>");
  EXPECT_EQ(short_name("a b/c.py(3): <lambda>"), "a b/c.py(3): <lambda>");
  EXPECT_EQ(short_name("<built-in method add of set object at 0x7fe02c0d9d20>"),
            "<built-in method add of set object>");
  EXPECT_EQ(short_name("nn.Module: Linear at 0xBEEF, 2"), "nn.Module: Linear, 2");
  EXPECT_EQ(short_name("look at 0xyz"), "look at 0xyz");
  EXPECT_EQ(short_name("void f<int>(int)"), "f");
}

// f(100) calls g(60) calls f(30); a second f(50) stands alone.
TEST(ShortNames, NestedFramesAreNotSummed) {
  const auto frame = [](const char* name, int ts, int dur) {
    return fmt::format(
        R"({{"ph":"X","cat":"python_function","name":"{}","pid":1,"tid":1,"ts":{},"dur":{}}})",
        name, ts, dur);
  };
  const Trace trace = read_text("[" + frame("<built-in method f of A object at 0x1>", 0, 100) +
                                "," + frame("m.py(2): g", 10, 60) + "," +
                                frame("<built-in method f of A object at 0x2>", 20, 30) + "," +
                                frame("<built-in method f of A object at 0x1>", 200, 50) + "]");
  for (const bool self : {false, true}) {
    ReportOptions options;
    options.short_names = true;
    options.self = self;
    std::map<std::string, std::vector<Cell>> rows;
    const auto tables = report_top(trace, options);
    for (const auto& row : tables[0].rows) rows[std::get<std::string>(row.back().content)] = row;
    ASSERT_EQ(rows.size(), 2u);
    const auto& f = rows["<built-in method f of A object>"];
    EXPECT_EQ(std::get<int64_t>(f[0].content), 2);
    EXPECT_DOUBLE_EQ(std::get<Number>(f[1].content).value, 0.150);
    if (self) {
      EXPECT_DOUBLE_EQ(std::get<Number>(f[2].content).value, 0.120);  // 40 + 30 + 50 us
      EXPECT_DOUBLE_EQ(std::get<Number>(rows["m.py(2): g"][2].content).value, 0.030);
    }
  }
}

}  // namespace
}  // namespace molgen3d::trace
