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
  kRuntime,     ///< runtime and driver calls: cuda_, hip_, xpu_, mtia_, privateuse1_
  kAnnotation,  ///< user_annotation: steps and phases
};
CategoryClass category_class(std::string_view category);
constexpr bool is_gpu(CategoryClass c) {
  return c == CategoryClass::kKernel || c == CategoryClass::kCopy || c == CategoryClass::kFill;
}

/// Does a report or the reader know what this category holds? False for names that PyTorch's
/// profiler and our recorder never write.
bool is_known_category(std::string_view category);

/// One line of the table: a kernel belongs to `group` when its own name holds one of `words`
/// (separated by |). A pattern stands for whole words, joined by '_'; a * in front or behind leaves
/// that side open. The first line that fits wins. `generic` lines say how a kernel visits elements:
/// they are asked last, after its template arguments.
struct GroupRule {
  std::string_view group;
  std::string_view words;
  bool generic = false;
};
const std::vector<GroupRule>& group_rules();

/// Group of a GPU slice: "memcpy", "memset", a group of the table, or "other". Decided by what the
/// kernel is (kernel_names.h): words in its namespace, template arguments or parameters do not
/// count.
std::string_view kernel_group(CategoryClass category, std::string_view name);
/// Is `group` what somebody who asks for `wanted` means? "other" includes "other (moe)".
bool in_group(std::string_view group, std::string_view wanted);

/// A kernel's name for tables: return type, namespaces in parentheses, template arguments and
/// parameters removed; for PyTorch's generic kernels the operation inside stays in brackets:
/// "at::native::elementwise_kernel[direct_copy_kernel_cuda]". Functions of Python keep file, line
/// and name, without addresses of objects.
std::string short_name(std::string_view name);

}  // namespace molgen3d::trace
