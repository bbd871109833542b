// The text language for Python: number formats, tags, prompts and literals of a SMILES.
#pragma once

#include <pybind11/pybind11.h>

namespace molgen3d::python {

/// Adds NumberFormat, TAGS, prompt_text and literals_of_smiles to `m`.
void bind_text(pybind11::module_& m);

}  // namespace molgen3d::python
