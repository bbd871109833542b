// molgen3d._molecule: enriched text, 3D structures and native generation. Needs RDKit's libraries.
#include <pybind11/functional.h>
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include "generate.h"
#include "molecule/enriched.h"
#include "molecule/hard_set.h"
#include "molecule/writers.h"
#include "python_error.h"

namespace py = pybind11;

namespace molgen3d::python {

namespace {

using CoordinateArray = py::array_t<double, py::array::c_style | py::array::forcecast>;

py::array_t<double> array_of(const Coordinates& coordinates) {
  py::array_t<double> out({static_cast<py::ssize_t>(coordinates.size()), py::ssize_t{3}});
  auto rows = out.mutable_unchecked<2>();
  for (size_t i = 0; i < coordinates.size(); ++i) {
    const auto row = static_cast<py::ssize_t>(i);
    rows(row, 0) = coordinates[i].x;
    rows(row, 1) = coordinates[i].y;
    rows(row, 2) = coordinates[i].z;
  }
  return out;
}

Coordinates coordinates_of(const CoordinateArray& array) {
  if (array.ndim() != 2 || array.shape(1) != 3) {
    throw Error("coordinates: an array of shape (atoms, 3) is needed");
  }
  Coordinates out;
  const auto rows = array.unchecked<2>();
  for (py::ssize_t i = 0; i < rows.shape(0); ++i) {
    out.push_back({rows(i, 0), rows(i, 1), rows(i, 2)});
  }
  return out;
}

TemplateOptions template_options(const std::string& style, const std::string& descriptors) {
  return {.style = smiles_style(style), .descriptors = descriptor_style(descriptors)};
}

/// The parser's own messages show the text already.
std::string refusal_line(const std::string& smiles, const std::string& cause) {
  const std::string shown = in_quotes(smiles);
  return cause.find(shown) != std::string::npos ? cause : shown + ": " + cause;
}

Template template_of(const std::string& smiles, const std::string& style,
                     const std::string& descriptors) {
  TemplateResult result = make_template(smiles, template_options(style, descriptors));
  if (!result.ok()) raise("MoleculeError", refusal_line(smiles, result.cause));
  return std::move(result.text_template);
}

py::list elements_of(const Molecule& molecule) {
  py::list out;
  for (size_t i = 0; i < molecule.atom_count(); ++i) out.append(molecule.element(i));
  return out;
}

void bind_molecule(py::module_& m) {
  py::class_<Molecule>(m, "Molecule")
      .def_static(
          "from_smiles",
          [](const std::string& smiles, const std::string& title) {
            return raising("MoleculeError", [&] { return Molecule::from_smiles(smiles, title); });
          },
          py::arg("smiles"), py::arg("title") = "")
      .def_static(
          "from_mol_block",
          [](const std::string& block) {
            return raising("MoleculeError", [&] { return Molecule::from_mol_block(block); });
          },
          py::arg("block"))
      .def("__len__", &Molecule::atom_count)
      .def_property_readonly("title", &Molecule::title)
      .def_property_readonly("smiles",
                             [](const Molecule& molecule) { return molecule.canonical_smiles(); })
      .def_property_readonly("elements", &elements_of)
      .def_property_readonly("coordinates",
                             [](const Molecule& molecule) -> py::object {
                               if (!molecule.has_coordinates()) return py::none();
                               return array_of(molecule.coordinates());
                             })
      .def(
          "with_coordinates",
          [](const Molecule& molecule, const CoordinateArray& array) {
            return molecule.with_coordinates(coordinates_of(array));
          },
          py::arg("coordinates"))
      .def(
          "sdf",
          [](const Molecule& molecule, bool add_hydrogens) {
            return sdf_record(molecule, {}, {.add_hydrogens = add_hydrogens});
          },
          py::arg("add_hydrogens") = false)
      .def(
          "xyz",
          [](const Molecule& molecule, bool add_hydrogens) {
            return xyz_record(molecule, {}, {.add_hydrogens = add_hydrogens});
          },
          py::arg("add_hydrogens") = false)
      .def("__repr__", [](const Molecule& molecule) {
        return fmt::format("<Molecule {}>", molecule.canonical_smiles());
      });
}

/// Molecules to text and back.
void bind_text(py::module_& m) {
  m.def(
      "encode",
      [](const Molecule& molecule, const NumberFormat& format, const std::string& style,
         const std::string& descriptors) {
        return raising("MoleculeError", [&] {
          return encode_enriched(molecule, format, template_options(style, descriptors));
        });
      },
      py::arg("molecule"), py::arg("number_format"), py::arg("style"), py::arg("descriptors"));
  m.def(
      "decode",
      [](const std::string& text, bool strict, const NumberFormat& format) {
        DecodeResult result =
            decode_enriched(text, strict ? DecodeLevel::kStrict : DecodeLevel::kLenient, format);
        if (!result.molecule) raise("DecodeError", result.error);
        return std::move(*result.molecule);
      },
      py::arg("text"), py::arg("strict"), py::arg("number_format"));
  m.def(
      "tagged_literals",
      [](const std::string& smiles, const std::string& style, const std::string& descriptors) {
        return tagged_literals(template_of(smiles, style, descriptors));
      },
      py::arg("smiles"), py::arg("style"), py::arg("descriptors"));
  m.def(
      "prompt_smiles",
      [](const std::string& smiles, const std::string& style) {
        return template_of(smiles, style, "verbatim").smiles;
      },
      py::arg("smiles"), py::arg("style"));
  m.def(
      "same_molecular_graph",
      [](const std::string& a, const std::string& b) { return same_molecular_graph(a, b); },
      py::arg("a"), py::arg("b"));
}

py::object optional_text(const std::string& text) {
  if (text.empty()) return py::none();
  return text_of(text);
}

void bind_model(py::module_& m) {
  py::class_<Model, std::shared_ptr<Model>>(m, "Model")
      .def_static(
          "load",
          [](const std::string& name) {
            py::gil_scoped_release release;
            return std::const_pointer_cast<Model>(load_model(find_model(name)));
          },
          py::arg("name"))
      .def_readonly("name", &Model::name)
      .def_readonly("warning", &Model::warning)
      .def_readonly("end_of_sequence", &Model::end_of_sequence)
      .def_property_readonly("fallback_warning",
                             [](const Model& model) { return model.templates->fallback_warning(); })
      .def_property_readonly(
          "settings_not_applied",
          [](const Model& model) { return model.checkpoint->generation().not_applied; })
      .def_property_readonly(
          "directory", [](const Model& model) { return model.checkpoint->directory().string(); })
      .def_property_readonly(
          "parameters",
          [](const Model& model) { return model.checkpoint->config().total_parameters(); })
      .def_property_readonly(
          "vocabulary_rows",
          [](const Model& model) { return model.checkpoint->config().vocabulary; })
      .def_property_readonly("number_format",
                             [](const Model& model) { return model.checkpoint->format().numbers; })
      .def_property_readonly("tokenizer", [](const Model& model) {
        return std::const_pointer_cast<Tokenizer>(model.tokenizer);
      });
}

void bind_conformer(py::module_& m) {
  py::class_<Generated>(m, "Conformer")
      .def_property_readonly("ok", [](const Generated& g) { return g.conformer.ok; })
      .def_property_readonly("error",
                             [](const Generated& g) { return optional_text(g.conformer.cause); })
      .def_property_readonly(
          "smiles", [](const Generated& g) { return g.sample.prompt->text_template.smiles; })
      .def_property_readonly("input",
                             [](const Generated& g) { return text_of(g.sample.prompt->input); })
      .def_property_readonly("record", [](const Generated& g) { return g.sample.prompt->index; })
      .def_property_readonly("sample", [](const Generated& g) { return g.sample.index; })
      .def_property_readonly("text", [](const Generated& g) { return text_of(g.conformer.text); })
      .def_property_readonly("enriched",
                             [](const Generated& g) { return text_of(g.conformer.enriched); })
      .def_property_readonly("tokens",
                             [](const Generated& g) {
                               const auto& tokens = g.sample.completion.tokens;
                               return py::array_t<TokenId>(static_cast<py::ssize_t>(tokens.size()),
                                                           tokens.data());
                             })
      .def_property_readonly("elements",
                             [](const Generated& g) -> py::object {
                               if (!g.sample.prompt->molecule) return py::list();
                               return elements_of(*g.sample.prompt->molecule);
                             })
      .def_property_readonly("coordinates",
                             [](const Generated& g) -> py::object {
                               if (!g.conformer.ok) return py::none();
                               return array_of(g.conformer.coordinates);
                             })
      .def_property_readonly("stereo",
                             [](const Generated& g) -> py::object {
                               if (!g.conformer.ok) return py::none();
                               return py::str(stereo_summary(g.conformer.stereo));
                             })
      .def_property_readonly(
          "log_probability",
          [](const Generated& g) { return g.sample.completion.masked_log_probability; })
      .def(
          "sdf",
          [](const Generated& g, bool add_hydrogens) {
            return generated_record(g, OutputFormat::kSdf, add_hydrogens);
          },
          py::arg("add_hydrogens") = false)
      .def(
          "xyz",
          [](const Generated& g, bool add_hydrogens) {
            return generated_record(g, OutputFormat::kXyz, add_hydrogens);
          },
          py::arg("add_hydrogens") = false)
      .def("__repr__", [](const Generated& g) {
        return g.conformer.ok ? fmt::format("<Conformer {} sample {}>",
                                            g.sample.prompt->text_template.smiles, g.sample.index)
                              : fmt::format("<Conformer failed: {}>", g.conformer.cause);
      });
}

/// The words of a prompt's hard set, and what of the level it does not enforce.
std::pair<py::array_t<int32_t>, std::vector<std::string>> hard_set(const std::string& smiles,
                                                                   const std::string& level) {
  const Molecule molecule = Molecule::from_smiles(smiles);
  const TemplateResult result = make_template(molecule, {.style = SmilesStyle::kAsGiven});
  if (!result.ok()) throw Error::format("{}: {}", in_quotes(smiles), result.cause);
  if (result.text_template.smiles != smiles)
    throw Error::format("{}: the prompt would be {}", in_quotes(smiles),
                        in_quotes(result.text_template.smiles));
  const geometry::HardSet set =
      hard_set_of(molecule, result.text_template, geometry::demand_of(level));
  return std::pair(
      py::array_t<int32_t>(static_cast<py::ssize_t>(set.words.size()), set.words.data()),
      set.not_enforced);
}

/// Settings of a run from keyword arguments; absent ones keep their defaults.
RunSettings settings_of(const py::dict& options) {
  RunSettings settings;
  const auto set = [&](const char* name, auto& field) {
    using Field = std::decay_t<decltype(field)>;
    if (!options.contains(name)) return;
    try {
      field = options[name].cast<Field>();
    } catch (const py::cast_error&) {
      throw Error::format("{} {}: cannot be used", name, std::string(py::repr(options[name])));
    }
  };
  set("n", settings.samples);
  set("seed", settings.seed);
  set("rule", settings.constraint);
  set("style", settings.prompt);
  set("descriptors", settings.descriptors);
  set("sampling", settings.sampling);
  set("temperature", settings.temperature);
  set("top_k", settings.top_k);
  set("top_p", settings.top_p);
  set("min_p", settings.min_p);
  set("max_new_tokens", settings.max_new_tokens);
  set("geometry", settings.geometry);
  set("on_failure", settings.on_failure);
  set("device", settings.device);
  set("dtype", settings.dtype);
  set("kv_dtype", settings.kv_dtype);
  set("speculate", settings.speculate);
  set("batch", settings.batch);
  set("threads", settings.threads);
  return settings;
}

std::vector<Generated> generate_conformers(const std::shared_ptr<Model>& model,
                                           const std::vector<std::string>& smiles,
                                           const py::dict& options, const py::object& progress) {
  const RunSettings settings = settings_of(options);
  // Called about ten times a second: also where Ctrl-C is noticed.
  std::exception_ptr stopped;
  const auto poll = [&](size_t done, size_t total) {
    py::gil_scoped_acquire acquire;
    try {
      if (PyErr_CheckSignals() != 0) throw py::error_already_set();
      if (!progress.is_none()) progress(done, total);
      return true;
    } catch (...) {
      stopped = std::current_exception();
      return false;
    }
  };
  std::vector<Generated> out;
  {
    py::gil_scoped_release release;
    out = generate(model, smiles, settings, poll);
  }
  if (stopped) std::rethrow_exception(stopped);
  return out;
}

void bind_generation(py::module_& m) {
  m.def(
      "check_smiles",
      [](const std::vector<std::string>& smiles, const std::string& style) {
        for (size_t i = 0; i < smiles.size(); ++i) {
          const TemplateResult result =
              make_template(smiles[i], template_options(style, "verbatim"));
          if (!result.ok()) {
            raise("MoleculeError",
                  fmt::format("smiles[{}]: {}", i, refusal_line(smiles[i], result.cause)));
          }
        }
      },
      py::arg("smiles"), py::arg("style"));

  m.def("hard_set", &hard_set, py::arg("smiles"), py::arg("level"));

  m.def("generate", &generate_conformers, py::arg("model"), py::arg("smiles"), py::arg("options"),
        py::arg("progress"));
}

}  // namespace

PYBIND11_MODULE(_molecule, m) {
  m.doc() = "Molecules and native generation of molgen3d.";
  py::module_::import("molgen3d._core");  // NumberFormat and Tokenizer are declared there
  translate_errors();
  bind_molecule(m);
  bind_text(m);
  bind_model(m);
  bind_conformer(m);
  bind_generation(m);
  refuse_other_arguments(m);
}

}  // namespace molgen3d::python
