#include "trace/store/kernel_groups.h"

#include <algorithm>
#include <array>
#include <cctype>

#include "trace/store/kernel_names.h"

namespace molgen3d::trace {
namespace {

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// Does one of the patterns stand in `words` (words_of() form)?
bool fits_any(std::string_view words, std::string_view patterns) {
  while (!patterns.empty()) {
    const size_t bar = patterns.find('|');
    std::string_view pattern = patterns.substr(0, bar);
    const bool open_front = pattern.starts_with('*');
    const bool open_back = pattern.ends_with('*');
    pattern = pattern.substr(open_front, pattern.size() - open_front - open_back);
    for (size_t at = words.find(pattern); at != std::string_view::npos;
         at = words.find(pattern, at + 1)) {
      const size_t end = at + pattern.size();
      const bool front = open_front || (at > 0 && words[at - 1] == '_');
      const bool back = open_back || (end < words.size() && words[end] == '_');
      if (front && back) return true;
    }
    if (bar == std::string_view::npos) return false;
    patterns.remove_prefix(bar + 1);
  }
  return false;
}

// Words that say how a kernel was made, not what it does.
std::string without_manner(std::string words) {
  static constexpr std::string_view kManner[] = {"_with_index_", "_unsafe_view_"};
  for (const std::string_view manner : kManner) {
    if (const size_t at = words.find(manner); at != std::string::npos) {
      words.erase(at + 1, manner.size() - 1);  // one '_' stays
    }
  }
  // A fused Triton kernel lists every operation; the conversions between them are beside the point.
  constexpr std::string_view kConversion = "_to_copy_";
  const size_t at = words.find(kConversion);
  if (words.starts_with("_triton_") && at != std::string::npos) {
    std::string rest = words;
    rest.erase(at + 1, kConversion.size() - 1);
    const size_t last = rest.find("_fused_") + 7;
    if (std::any_of(rest.begin() + static_cast<std::ptrdiff_t>(std::min(last, rest.size())),
                    rest.end(),
                    [](char c) { return std::isalpha(static_cast<unsigned char>(c)); })) {
      return rest;
    }
  }
  return words;
}

std::string_view group_of(std::string_view words, bool generic_too) {
  for (const GroupRule& rule : group_rules()) {
    if ((generic_too || !rule.generic) && fits_any(words, rule.words)) return rule.group;
  }
  return "";
}

}  // namespace

// The order is the priority: fmha_cutlass is attention, not a matrix product; a cached append is no
// attention; what is left of PyTorch's generic kernels comes last.
const std::vector<GroupRule>& group_rules() {
  static const std::vector<GroupRule> rules = {
      {"communication",
       "*nccl*|*rccl*|allreduce|all_reduce|allgather|all_gather|reducescatter|reduce_scatter|"
       "alltoall|all_to_all|cross_device_reduce*|multimem*|nvshmem*"},
      {"kv cache",
       "reshape_and_cache*|concat_and_cache*|append_kernel|append_paged_kv*|append_kv*|"
       "copy_blocks|swap_blocks"},
      {"attention",
       "*fmha*|*flash*|*attention*|attn|sdpa|mla|batch_decode*|batch_prefill*|single_decode*|"
       "single_prefill*|merge_states*"},
      {"kv cache", "kv_cache|kvcache"},
      {"other (moe routing)", "*gating*|routing*"},
      {"gemm", "fused_moe|finalize*|bmm"},  // of a mixture's experts: grouped products
      {"other (moe)", "moe_align*|moe_sum*|moe_permute*|moe_unpermute*|expand_input_rows"},
      {"other (interpolation)", "upsample*|interpolat*|grid_sampler*"},
      {"other (pooling)", "max_pool*|avg_pool*|adaptive_pool*|*average_pool*"},
      {"norm",
       "rms_norm*|*rmsnorm*|layer_norm*|*layernorm*|batch_norm*|*batchnorm*|group_norm*|"
       "*groupnorm*|instance_norm*|welford*|norm_kernel|bn_fw*|bn_bw*|rowwise_moments*|"
       "gamma_beta*|mul_pow_rsqrt*|mean_pow_rsqrt*"},
      {"concat", "cat_array*|concat*"},
      {"convolution",
       "conv|*convolution*|convolve*|fprop|dgrad|wgrad|igemm|winograd*|*scudnn*|*nchw*|*nhwc*|"
       "batched_transpose|im_2_col*|col_2_im*|depthwise*"},
      {"gemm",
       "nvjet*|*gemm*|*gemv*|cutlass|wgmma|cijk|xmma|cublas*|splitk*|split_k*|*matmul*|tensorop|"
       "dot_kernel|epilogue"},
      {"rope", "rotary*|rope|qk_rope"},
      {"sampling",
       "topk*|top_k*|top_p*|argmax|arg_max|argmin|arg_min|multinomial*|sampl*|radix_sort*|"
       "radixsort*|sort*|bitonic*|cumsum|scan|philox*|distribution*"},
      {"softmax", "softmax*|soft_max*|log_softmax*"},
      {"activation", "silu|*gelu*|relu|act_and_mul|swiglu|swi_glu|sigmoid|tanh|threshold"},
      {"index", "*index*|*gather*|scatter*|*embedding*|embs|masked_fill|where_kernel|indices"},
      {"quantize", "quantize*|quant|dequant*|dequantize*"},
      {"fill", "fill_functor|fill_kernel|memset*"},
      {"copy",
       "direct_copy*|copy*|to_copy|cast_with_tensor|pack_kernel|convert*|permute|transpose*"},
      {"planning", "plan_kernel"},
      {"reduce", "reduce*|reduction|sum|triton_red|triton_per", true},
      {"elementwise",
       "elementwise|vectorized|unrolled|pointwise|triton_poi|*functor*|op_tensor|"
       "sub_tensor_op*|multi_tensor_apply|dropout|scal|scale_packed*",
       true},
  };
  return rules;
}

namespace {

// cuda_runtime, xpu_driver, ...: the calls by which a program starts work on a device.
bool is_driver_category(std::string_view c) {
  static constexpr std::array<std::string_view, 5> kDevices = {"cuda", "hip", "xpu", "mtia",
                                                               "privateuse1"};
  return std::any_of(kDevices.begin(), kDevices.end(), [&](std::string_view device) {
    return c.starts_with(device) &&
           (c.substr(device.size()) == "_runtime" || c.substr(device.size()) == "_driver");
  });
}

}  // namespace

CategoryClass category_class(std::string_view c) {
  if (c == "kernel" || c == "Kernel" || c == "concurrent_kernel" || c == "gpu_graph")
    return CategoryClass::kKernel;
  if (c == "gpu_memcpy" || c == "Memcpy") return CategoryClass::kCopy;
  if (c == "gpu_memset" || c == "Memset") return CategoryClass::kFill;
  if (c == "Runtime" || is_driver_category(c)) return CategoryClass::kRuntime;
  if (c == "user_annotation") return CategoryClass::kAnnotation;
  return CategoryClass::kOther;
}

bool is_known_category(std::string_view c) {
  static constexpr std::array<std::string_view, 22> kOthers = {"cpu_op",
                                                               "Operator",
                                                               "python_function",
                                                               "gpu_user_annotation",
                                                               "Trace",
                                                               "overhead",
                                                               "cpu_instant_event",
                                                               "external_correlation",
                                                               "cuda_sync",
                                                               "cuda_event",
                                                               "cuda_profiler_range",
                                                               "collective_comm",
                                                               "glow_runtime",
                                                               "hpu_op",
                                                               "mtia_ccp_events",
                                                               "mtia_insight",
                                                               "mtia_counters",
                                                               "mtia_workloadd",
                                                               "fwdbwd",
                                                               "ac2g",
                                                               "async_cpu_to_gpu",
                                                               "async_gpu"};
  return category_class(c) != CategoryClass::kOther ||
         std::find(kOthers.begin(), kOthers.end(), c) != kOthers.end();
}

std::string_view kernel_group(CategoryClass category, std::string_view name) {
  if (category == CategoryClass::kCopy) return "memcpy";
  if (category == CategoryClass::kFill) return "memset";
  const KernelName kernel = kernel_name(name);
  const std::string own = without_manner(kernel.own);
  // index_elementwise_kernel says what it does, elementwise_kernel its template argument.
  std::string_view group = group_of(own, false);
  for (size_t i = 0; group.empty() && i < kernel.operations.size(); ++i) {
    group = group_of(kernel.operations[i], false);
  }
  if (group.empty()) group = group_of(own, true);
  for (size_t i = 0; group.empty() && i < kernel.operations.size(); ++i) {
    group = group_of(kernel.operations[i], true);
  }
  return group.empty() ? "other" : group;
}

bool in_group(std::string_view group, std::string_view wanted) {
  return group == wanted || (wanted == "other" && group.starts_with("other ("));
}

namespace {

// "torch/nn/modules/module.py(1532): _call_impl": file, line and function of an interpreter.
bool is_script_function(std::string_view name) {
  for (size_t close = name.find("): "); close != std::string_view::npos;
       close = name.find("): ", close + 1)) {
    size_t digits = close;
    while (digits > 0 && std::isdigit(static_cast<unsigned char>(name[digits - 1]))) --digits;
    if (digits < close && digits > 0 && name[digits - 1] == '(') return true;
  }
  return false;
}

// "<built-in method add of set object at 0x7fe02c0d9d20>" without the address: the same function
// has another one in every run.
std::string without_addresses(std::string_view name) {
  constexpr std::string_view kAt = " at 0x";
  std::string out;
  while (!name.empty()) {
    const size_t at = name.find(kAt);
    out += name.substr(0, at);
    if (at == std::string_view::npos) break;
    name.remove_prefix(at + kAt.size());
    size_t digits = 0;
    while (digits < name.size() && std::isxdigit(static_cast<unsigned char>(name[digits])))
      ++digits;
    if (digits == 0) out += kAt;
    name.remove_prefix(digits);
  }
  return out;
}

}  // namespace

std::string short_name(std::string_view name) {
  if (is_script_function(name) || name.starts_with('<')) return without_addresses(name);
  std::string out;
  int angle = 0;
  std::string_view text = name;
  if (text.starts_with("void ")) text.remove_prefix(5);
  std::string inner;  // the operation inside a generic kernel
  size_t i = 0;
  for (; i < text.size(); ++i) {
    constexpr std::string_view kAnonymous = "(anonymous namespace)::";
    if (text.substr(i).starts_with(kAnonymous)) {
      i += kAnonymous.size() - 1;
      continue;
    }
    const char c = text[i];
    if (c == '<') ++angle;
    if (c == '>' && angle > 0) {
      --angle;
      continue;
    }
    if (angle == 0 && c == '(' && i > 0) {
      // "Memcpy DtoH (Device -> Pinned)" keeps its parentheses: a blank stands before them.
      if (text[i - 1] != ' ') break;
    }
    if (angle == 0) {
      out += c;
    } else if (inner.empty() && is_word(c) && !is_word(text[i - 1])) {
      size_t end = i;
      while (end < text.size() && is_word(text[end])) ++end;
      const std::string_view word = text.substr(i, end - i);
      const bool wrapper = word.find("gpu_kernel_impl") != std::string_view::npos ||
                           word == "BinaryFunctor" || word == "AUnaryFunctor" ||
                           word == "BUnaryFunctor";
      const bool operation = word.find("_kernel") != std::string_view::npos ||
                             word.ends_with("Ops") ||
                             word.find("Functor") != std::string_view::npos;
      if (operation && !wrapper) inner = word;
    }
  }
  if (out.empty()) return without_addresses(name);
  const bool generic = out.find("elementwise_kernel") != std::string::npos ||
                       out.find("reduce_kernel") != std::string::npos;
  if (generic && !inner.empty()) out += "[" + inner + "]";
  return without_addresses(out);
}

}  // namespace molgen3d::trace
