// What a device kernel is called, taken out of its signature.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace molgen3d::trace {

/// A name in small letters, its words joined by '_', one in front and one behind: "FusedAddRMSNorm"
/// and "fused_add_rms_norm" are both "_fused_add_rms_norm_". A digit run is a word.
std::string words_of(std::string_view identifier);

/// The parts of a signature that can say what a kernel does, in words_of() form.
struct KernelName {
  /// The function's own name, without return type, namespaces, template arguments and parameters.
  std::string own;
  /// For kernels whose own name only says how they run (elementwise_kernel, reduce_kernel,
  /// cutlass::Kernel2, device_kernel): the names in their template arguments, outermost first;
  /// then, when the own name says nothing at all, the namespaces, innermost first.
  std::vector<std::string> operations;
};

/// Takes a kernel's name apart, demangled first when it has to be. Any text is allowed; one that is
/// no signature is a name as a whole.
KernelName kernel_name(std::string_view signature);

}  // namespace molgen3d::trace
