#include "text_binding.h"

#include <pybind11/stl.h>

#include <string>

#include "python_error.h"
#include "text/number_format.h"
#include "text/tags.h"
#include "text/template.h"

namespace py = pybind11;

namespace molgen3d::python {

namespace {

NumberFormat make_format(int decimals, const std::string& trailing_zeros, int max_integer_digits) {
  if (decimals < 1 || decimals > kMaxDecimals) {
    throw Error::format("decimals {}: not 1 to {}", decimals, kMaxDecimals);
  }
  if (max_integer_digits < 1 || max_integer_digits > kMaxIntegerDigits) {
    throw Error::format("max_integer_digits {}: not 1 to {}", max_integer_digits,
                        kMaxIntegerDigits);
  }
  const auto zeros = zeros_of_name(trailing_zeros);
  if (!zeros) {
    throw Error::format("trailing_zeros {}: not one of strip, fixed, either",
                        in_quotes(trailing_zeros));
  }
  return {decimals, *zeros, max_integer_digits};
}

}  // namespace

void bind_text(py::module_& m) {
  py::class_<NumberFormat>(m, "NumberFormat")
      .def(py::init(&make_format), py::arg("decimals") = 4, py::arg("trailing_zeros") = "either",
           py::arg("max_integer_digits") = 3)
      .def_readonly("decimals", &NumberFormat::decimals)
      .def_property_readonly("trailing_zeros",
                             [](const NumberFormat& f) { return zeros_name(f.zeros); })
      .def_readonly("max_integer_digits", &NumberFormat::max_integer_digits)
      .def("__eq__", [](const NumberFormat& a, const NumberFormat& b) { return a == b; })
      .def("__repr__", [](const NumberFormat& f) {
        return fmt::format("NumberFormat(decimals={}, trailing_zeros='{}', max_integer_digits={})",
                           f.decimals, zeros_name(f.zeros), f.max_integer_digits);
      });

  py::tuple tags(kTags.size());
  for (size_t i = 0; i < kTags.size(); ++i) tags[i] = py::str(kTags[i].data(), kTags[i].size());
  m.attr("TAGS") = tags;
  m.def(
      "prompt_text", [](const std::string& smiles) { return prompt_text(smiles); },
      py::arg("smiles"));
  m.def(
      "literals_of_smiles",
      [](const std::string& smiles) {
        return raising("MoleculeError", [&] { return literals_of_smiles(smiles); });
      },
      py::arg("smiles"));
}

}  // namespace molgen3d::python
