// What kind of work a slice is: by category first, then by the rule table in kernel_groups.cpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace molgen3d::trace {

/// The categories that reports treat alike, old and new spellings of PyTorch's profiler, ours too.
enum class CategoryClass : uint8_t {
  kOther,
  kKernel,      ///< kernel
  kCopy,        ///< gpu_memcpy
  kFill,        ///< gpu_memset
  kRuntime,     ///< cuda_runtime, cuda_driver
  kAnnotation,  ///< user_annotation: steps and phases
};
CategoryClass category_class(std::string_view category);
constexpr bool is_gpu(CategoryClass c) {
  return c == CategoryClass::kKernel || c == CategoryClass::kCopy || c == CategoryClass::kFill;
}

/// One line of the table: a name belongs to `group` when it contains one of `words` (lower case,
/// separated by |). The first line that fits wins.
struct GroupRule {
  std::string_view group;
  std::string_view words;
};
const std::vector<GroupRule>& group_rules();

/// Group of a GPU slice: "memcpy", "memset", a group of the table, or "other".
std::string_view kernel_group(CategoryClass category, std::string_view name);

/// A kernel's name for tables: return type, namespaces in parentheses, template arguments and
/// parameters removed; for PyTorch's generic kernels the operation inside stays in brackets:
/// "at::native::elementwise_kernel[direct_copy_kernel_cuda]".
std::string short_name(std::string_view name);

}  // namespace molgen3d::trace
