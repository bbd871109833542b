// Errors of the library as Python exceptions (molgen3d/errors.py).
#pragma once

#include <pybind11/pybind11.h>

#include <exception>
#include <string>

#include "base/error.h"

namespace molgen3d::python {

/// Raises molgen3d.errors.<name>. Needs the GIL.
[[noreturn]] inline void raise(const char* name, const std::string& message) {
  const pybind11::object type = pybind11::module_::import("molgen3d.errors").attr(name);
  PyErr_SetString(type.ptr(), message.c_str());
  throw pybind11::error_already_set();
}

/// Calls `work`; what the library throws becomes molgen3d.errors.<name>.
template <typename Work>
auto raising(const char* name, Work work) {
  try {
    return work();
  } catch (const Error& error) {
    raise(name, error.what());
  }
}

/// What is not raised under a name of its own becomes molgen3d.errors.Error.
inline void translate_errors() {
  pybind11::register_local_exception_translator([](std::exception_ptr pointer) {
    try {
      if (pointer) std::rethrow_exception(pointer);
    } catch (const Error& error) {
      const pybind11::object type = pybind11::module_::import("molgen3d.errors").attr("Error");
      PyErr_SetString(type.ptr(), error.what());
    }
  });
}

}  // namespace molgen3d::python
