#include "trace/kernel_groups.h"

#include <algorithm>
#include <cctype>

namespace molgen3d::trace {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  return out;
}

bool is_word(char c) {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

bool contains_any(std::string_view name, std::string_view words) {
  while (!words.empty()) {
    const size_t bar = words.find('|');
    const std::string_view word = words.substr(0, bar);
    if (name.find(word) != std::string_view::npos) return true;
    if (bar == std::string_view::npos) return false;
    words.remove_prefix(bar + 1);
  }
  return false;
}

}  // namespace

// The order is the priority: fmha_cutlass is attention, not a matrix product; a fused RMS norm
// written with elementwise helpers is a norm; what is left of PyTorch's generic kernels comes last.
const std::vector<GroupRule>& group_rules() {
  static const std::vector<GroupRule> rules = {
      {"communication", "nccl|rccl|allreduce|all_reduce|allgather|all_gather|reducescatter"},
      {"kv cache", "::append_kernel"},  // ours; its arguments are named after attention
      {"attention", "fmha|flash|attention|sdpa|paged_attn|_mla_|decode_attn"},
      {"kv cache", "reshape_and_cache|kv_cache|kvcache|append_kv|copy_blocks"},
      {"concat", "catarray|concat"},
      {"convolution", "conv|fprop|dgrad|wgrad|igemm|winograd|nchw|nhwc|batched_transpose"},
      {"gemm", "nvjet|gemm|gemv|cutlass|wgmma|cijk_|xmma|cublas|splitk|matmul|tensorop"},
      {"norm", "rms_norm|rmsnorm|layer_norm|layernorm|batch_norm|group_norm|welford|::norm_kernel"},
      {"rope", "rotary|rope_|_rope"},
      {"sampling",
       "topk|top_k|top_p|argmax|argmin|multinomial|sampl|radixsort|sort_|cumsum|"
       "scan_|philox|distribution_"},
      {"softmax", "softmax"},
      {"activation", "silu|gelu|relu|act_and_mul|swiglu|sigmoid|tanh"},
      {"index", "index|gather|scatter|embedding|masked_fill|where_kernel"},
      {"fill", "fillfunctor|fill_kernel|memset"},
      {"copy",
       "direct_copy|copy_kernel|_to_copy|castwithtensor|copy_|::pack_kernel|::convert_kernel"},
      {"planning", "::plan_kernel"},
      {"reduce", "reduce_kernel|reduce_|reduction"},
      {"elementwise",
       "elementwise|vectorized|unrolled|pointwise|triton_poi|functor|op_tensor|"
       "subtensorop|multi_tensor_apply"},
  };
  return rules;
}

CategoryClass category_class(std::string_view c) {
  if (c == "kernel" || c == "Kernel" || c == "gpu_graph") return CategoryClass::kKernel;
  if (c == "gpu_memcpy" || c == "Memcpy") return CategoryClass::kCopy;
  if (c == "gpu_memset" || c == "Memset") return CategoryClass::kFill;
  if (c == "cuda_runtime" || c == "cuda_driver" || c == "Runtime" || c == "hip_runtime") {
    return CategoryClass::kRuntime;
  }
  if (c == "user_annotation") return CategoryClass::kAnnotation;
  return CategoryClass::kOther;
}

std::string_view kernel_group(CategoryClass category, std::string_view name) {
  if (category == CategoryClass::kCopy) return "memcpy";
  if (category == CategoryClass::kFill) return "memset";
  const std::string text = lower(name);
  for (const GroupRule& rule : group_rules()) {
    if (contains_any(text, rule.words)) return rule.group;
  }
  return "other";
}

std::string short_name(std::string_view name) {
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
  if (out.empty()) return std::string(name);
  const bool generic = out.find("elementwise_kernel") != std::string::npos ||
                       out.find("reduce_kernel") != std::string::npos;
  if (generic && !inner.empty()) out += "[" + inner + "]";
  return out;
}

}  // namespace molgen3d::trace
