// Errors of the library as Python exceptions (molgen3d/errors.py).
#pragma once

#include <pybind11/pybind11.h>

#include <algorithm>
#include <exception>
#include <new>
#include <string>

#include "base/error.h"

namespace molgen3d::python {

/// Text of the library for Python: what is not UTF-8 (bytes of tokens need not be) becomes U+FFFD.
inline pybind11::str text_of(std::string_view bytes) {
  PyObject* text =
      PyUnicode_DecodeUTF8(bytes.data(), static_cast<pybind11::ssize_t>(bytes.size()), "replace");
  if (text == nullptr) throw pybind11::error_already_set();
  return pybind11::reinterpret_steal<pybind11::str>(text);
}

/// Sets molgen3d.errors.<name> as Python's current error. Needs the GIL.
inline void set_error(const char* name, std::string_view message) {
  const pybind11::object type = pybind11::module_::import("molgen3d.errors").attr(name);
  std::string line(message);  // RDKit's messages may have several
  std::replace(line.begin(), line.end(), '\n', ' ');
  PyErr_SetObject(type.ptr(), text_of(line).ptr());
}

/// Raises molgen3d.errors.<name>. Needs the GIL.
[[noreturn]] inline void raise(const char* name, const std::string& message) {
  set_error(name, message);
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
      set_error("Error", error.what());
    } catch (const pybind11::builtin_exception&) {
      throw;
    } catch (const pybind11::error_already_set&) {
      throw;
    } catch (const std::bad_alloc&) {
      throw;
    } catch (const std::exception& error) {  // of RDKit and the standard library
      set_error("Error", error.what());
    }
  });
}

/// What a call with unsuitable arguments says: `Tokenizer.encode` and what it was given, in one
/// line.
[[noreturn]] inline void refuse_arguments(const std::string& name, const pybind11::args& arguments,
                                          const pybind11::kwargs& named, bool is_method) {
  constexpr size_t kLongest = 120;
  std::string shown;
  const auto add = [&](const std::string& text) {
    if (shown.size() < kLongest) shown += (shown.empty() ? "" : ", ") + text;
  };
  const auto text = [](pybind11::handle value) {
    const std::string representation = pybind11::str(
        pybind11::repr(value).attr("encode")("ascii", "backslashreplace").attr("decode")("ascii"));
    return std::string(pybind11::str(value.get_type().attr("__name__"))) + " " +
           in_quotes(representation, 40);
  };
  for (size_t i = is_method ? 1 : 0; i < arguments.size(); ++i) add(text(arguments[i]));
  for (const auto& [key, value] : named) add(std::string(pybind11::str(key)) + "=" + text(value));
  raise("Error", name + ": cannot be called with (" + shown + "): see help() for its arguments");
}

/// Wraps every function, method and constructor of `scope`, so that unsuitable arguments are a
/// molgen3d.Error: pybind11's own TypeError is none, and has many lines. (A last overload that
/// takes anything would come before the conversions of the others.) Call it when everything is
/// bound.
inline void refuse_other_arguments(pybind11::object scope) {
  namespace py = pybind11;
  const bool is_class = PyType_Check(scope.ptr()) != 0;
  const std::string prefix =
      is_class ? std::string(py::str(scope.attr("__name__"))) + "." : std::string();
  for (const auto& item : py::list(scope.attr("__dict__").attr("items")())) {
    const auto pair = item.cast<py::tuple>();
    const std::string name = py::str(pair[0]);
    const std::string kind = py::str(pair[1].get_type().attr("__name__"));
    const bool is_static = kind == "staticmethod", is_method = kind == "instancemethod";
    if (PyType_Check(pair[1].ptr()) != 0 && !is_class) {
      refuse_other_arguments(pair[1].cast<py::object>());
      continue;
    }
    if (!is_static && !is_method && kind != "builtin_function_or_method") continue;
    if (name.starts_with("_") && name != "__init__") continue;
    const py::object existing = scope.attr(name.c_str());
    const auto call = [existing, name = prefix + (name == "__init__" ? "()" : name), is_method](
                          const py::args& arguments, const py::kwargs& named) -> py::object {
      try {
        return existing(*arguments, **named);
      } catch (py::error_already_set& error) {
        const bool unsuitable =
            error.matches(PyExc_TypeError) &&
            std::string_view(error.what()).find("incompatible ") != std::string_view::npos;
        if (!unsuitable) throw;
      }
      refuse_arguments(name, arguments, named, is_method);
    };
    const std::string text = py::str(existing.attr("__doc__"));
    const char* const own_name = name == "__init__" ? "init" : name.c_str();
    if (is_method) {
      scope.attr(name.c_str()) =
          py::cpp_function(call, py::name(own_name), py::is_method(scope), py::doc(text.c_str()));
    } else {
      const py::cpp_function function(call, py::name(own_name), py::scope(scope),
                                      py::doc(text.c_str()));
      scope.attr(name.c_str()) =
          is_static ? py::object(py::staticmethod(function)) : py::object(function);
    }
  }
}

}  // namespace molgen3d::python
