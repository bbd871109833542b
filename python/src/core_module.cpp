// molgen3d._core: tokenizer, constraints and their tables. Needs neither RDKit nor a model.
#include <pybind11/numpy.h>
#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <cstring>
#include <variant>

#include "batch_tables.h"
#include "constraint/compiler.h"
#include "constraint/template_program.h"
#include "geometry/demand.h"
#include "geometry_rows.h"
#include "python_error.h"
#include "text_binding.h"
#include "tokenizer/tokenizer.h"

namespace py = pybind11;

namespace molgen3d::python {

namespace {

using ProgramPointer = std::shared_ptr<const Constraint>;

/// A compiled constraint, as Python holds it.
struct Program {
  ProgramPointer constraint;
};

template <typename T>
py::array_t<T> array_of(const std::vector<T>& values) {
  return py::array_t<T>(static_cast<py::ssize_t>(values.size()), values.data());
}

py::array_t<int64_t> matrix_of(const std::vector<int64_t>& values, size_t rows, size_t columns) {
  return py::array_t<int64_t>({static_cast<py::ssize_t>(rows), static_cast<py::ssize_t>(columns)},
                              values.data());
}

/// One id that ends an answer, or several.
using EndIds = std::variant<TokenId, std::vector<TokenId>>;

EndOfSequence ends_of(const EndIds& ids) {
  std::vector<TokenId> list;
  if (const auto* several = std::get_if<std::vector<TokenId>>(&ids)) {
    list = *several;
  } else {
    list.push_back(std::get<TokenId>(ids));
  }
  for (const TokenId id : list) {
    if (id < 0) throw Error::format("end_of_sequence {}: not a token id", id);
  }
  return EndOfSequence(list);
}

py::dict dict_of(const TemplateBatch& batch) {
  const auto width = static_cast<size_t>(batch.width);
  py::dict out;
  out["edge_key"] = array_of(batch.edge_key);
  out["edge_next"] = array_of(batch.edge_next);
  out["after_first"] = array_of(batch.after_first);
  out["choice_row"] = array_of(batch.choice_row);
  out["choices"] = matrix_of(batch.choices, batch.choices.size() / width, width);
  out["done"] = batch.done;
  out["start_node"] = array_of(batch.start_node);
  out["start_segment"] = array_of(batch.start_segment);
  return out;
}

/// None when one of them is no exact template: the caller then steps on the host.
py::object template_tables(const std::vector<Program>& programs) {
  std::vector<std::shared_ptr<const TemplateProgram>> templates;
  for (const Program& program : programs) {
    auto exact = std::dynamic_pointer_cast<const TemplateProgram>(program.constraint);
    if (!exact) return py::none();
    templates.push_back(std::move(exact));
  }
  return dict_of(batch_templates(templates));
}

/// forced[program, position] (-1: free) and the row of `blocked` for each; positions past the end
/// force end-of-sequence. The last row of `blocked` blocks everything.
py::dict position_tables(const std::vector<Program>& programs, int64_t vocabulary) {
  std::vector<std::shared_ptr<const PositionProgram>> rules;
  size_t longest = 0;
  for (const Program& program : programs) {
    auto rule = std::dynamic_pointer_cast<const PositionProgram>(program.constraint);
    if (!rule) throw Error("not a position rule");
    longest = std::max(longest, rule->positions.size());
    rules.push_back(std::move(rule));
  }
  if (rules.empty()) throw Error("a batch needs at least one template");
  const auto& masks = rules.front()->masks;
  const auto rows = static_cast<py::ssize_t>(rules.size());
  const auto columns = static_cast<py::ssize_t>(longest);
  py::array_t<int64_t> forced({rows, columns});
  py::array_t<int64_t> blocked_row({rows, columns});
  py::array_t<bool> blocked(
      {static_cast<py::ssize_t>(masks.size()) + 1, static_cast<py::ssize_t>(vocabulary)});
  py::array_t<int64_t> length(rows);
  for (py::ssize_t r = 0; r < rows; ++r) {
    const auto& positions = rules[static_cast<size_t>(r)]->positions;
    length.mutable_at(r) = static_cast<int64_t>(positions.size());
    for (py::ssize_t k = 0; k < columns; ++k) {
      const auto& position = positions[std::min(static_cast<size_t>(k), positions.size() - 1)];
      forced.mutable_at(r, k) = position.forced;
      blocked_row.mutable_at(r, k) =
          position.forced >= 0 ? static_cast<int64_t>(masks.size()) : position.mask;
    }
  }
  for (size_t m = 0; m <= masks.size(); ++m) {
    for (py::ssize_t id = 0; id < vocabulary; ++id) {
      blocked.mutable_at(static_cast<py::ssize_t>(m), id) =
          m == masks.size() ||
          masks[m]->contains(static_cast<TokenId>(id)) != rules.front()->masks_allow;
    }
  }
  py::dict out;
  out["forced"] = forced;
  out["blocked_row"] = blocked_row;
  out["blocked"] = blocked;
  out["length"] = length;
  return out;
}

const char* kind_name(Choices::Kind kind) {
  switch (kind) {
    case Choices::Kind::kForced:
      return "forced";
    case Choices::Kind::kListed:
      return "listed";
    case Choices::Kind::kBlocked:
      return "blocked";
    case Choices::Kind::kAllowed:
      return "allowed";
    case Choices::Kind::kAny:
      break;
  }
  return "any";
}

/// ("forced" | "listed" | "blocked" | "allowed", ids). A state that is not this program's raises.
py::tuple choices_of(const Program& program, std::pair<uint32_t, uint32_t> at) {
  const Choices choices = program.constraint->choices({at.first, at.second});
  std::vector<TokenId> ids;
  if (choices.kind == Choices::Kind::kForced) ids.push_back(choices.forced);
  if (choices.kind == Choices::Kind::kListed) {
    ids.assign(choices.listed.begin(), choices.listed.end());
  }
  if (choices.mask != nullptr) {
    for (size_t id = 0; id < choices.mask->size(); ++id) {
      if (choices.mask->contains(static_cast<TokenId>(id))) ids.push_back(static_cast<TokenId>(id));
    }
  }
  return py::make_tuple(kind_name(choices.kind), array_of(ids));
}

/// Length of the legal prefix of `ids`, and whether the answer is complete after it.
std::pair<size_t, bool> follow(const Program& program, const std::vector<TokenId>& ids) {
  HostRows row({program.constraint});
  for (const TokenId id : ids) {
    const int64_t before = row.taken()[0];
    row.advance({&id, 1});
    if (row.taken()[0] == before) break;
  }
  return {static_cast<size_t>(row.taken()[0]), row.finished(0)};
}

py::array_t<bool> finished_of(const HostRows& rows) {
  py::array_t<bool> out(static_cast<py::ssize_t>(rows.size()));
  for (size_t i = 0; i < rows.size(); ++i) {
    out.mutable_at(static_cast<py::ssize_t>(i)) = rows.finished(i);
  }
  return out;
}

py::tuple encode_with_offsets(const Tokenizer& t, const std::string& text) {
  const Encoding encoding = t.encode_with_offsets(text);
  py::array_t<int64_t> spans({static_cast<py::ssize_t>(encoding.offsets.size()), py::ssize_t{2}});
  for (size_t i = 0; i < encoding.offsets.size(); ++i) {
    spans.mutable_at(static_cast<py::ssize_t>(i), 0) = encoding.offsets[i].begin;
    spans.mutable_at(static_cast<py::ssize_t>(i), 1) = encoding.offsets[i].end;
  }
  return py::make_tuple(array_of(encoding.ids), spans);
}

std::shared_ptr<Tokenizer> with_added_tokens(
    const Tokenizer& t, const std::vector<std::tuple<TokenId, std::string, bool>>& extra) {
  std::vector<Tokenizer::AddedToken> tokens;
  for (const auto& [id, content, special] : extra) tokens.push_back({id, content, special});
  return raising("TokenizerError",
                 [&] { return std::const_pointer_cast<Tokenizer>(t.with_added_tokens(tokens)); });
}

void bind_tokenizer(py::module_& m) {
  py::class_<Tokenizer, std::shared_ptr<Tokenizer>>(m, "Tokenizer")
      .def_static(
          "from_file",
          [](const std::string& path) {
            return raising("TokenizerError", [&] {
              return std::const_pointer_cast<Tokenizer>(Tokenizer::from_file(path));
            });
          },
          py::arg("path"))
      .def_static(
          "from_json",
          [](const std::string& json, const std::string& name) {
            return raising("TokenizerError", [&] {
              return std::const_pointer_cast<Tokenizer>(Tokenizer::from_json(json, name));
            });
          },
          py::arg("json"), py::arg("name") = "tokenizer.json")
      .def(
          "encode",
          [](const Tokenizer& t, const std::string& text) { return array_of(t.encode(text)); },
          py::arg("text"))
      .def("encode_with_offsets", &encode_with_offsets, py::arg("text"))
      .def(
          "decode",
          [](const Tokenizer& t, const std::vector<TokenId>& ids, bool skip_special) {
            return text_of(t.decode(ids, skip_special));
          },
          py::arg("ids"), py::arg("skip_special") = false)
      .def(
          "token_bytes",
          [](const Tokenizer& t, TokenId id) {
            const std::string_view bytes = t.token_bytes(id);
            return py::bytes(bytes.data(), bytes.size());
          },
          py::arg("id"))
      .def(
          "token_id",
          [](const Tokenizer& t, const py::bytes& bytes) {
            return t.token_id(static_cast<std::string_view>(bytes));
          },
          py::arg("token"))
      .def(
          "token_id", [](const Tokenizer& t, const std::string& text) { return t.token_id(text); },
          py::arg("token"))
      .def("is_added", &Tokenizer::is_added, py::arg("id"))
      .def("is_special", &Tokenizer::is_special, py::arg("id"))
      .def("with_added_tokens", &with_added_tokens, py::arg("extra"))
      .def_property_readonly("added_tokens",
                             [](const Tokenizer& t) {
                               py::list out;
                               for (const auto& token : t.added_tokens()) {
                                 out.append(py::make_tuple(token.id, token.content, token.special));
                               }
                               return out;
                             })
      .def_property_readonly("prefix_tokens",
                             [](const Tokenizer& t) {
                               const auto ids = t.prefix_tokens();
                               return std::vector<TokenId>(ids.begin(), ids.end());
                             })
      .def_property_readonly("vocabulary_size", &Tokenizer::vocabulary_size)
      .def_property_readonly("fingerprint", &Tokenizer::fingerprint)
      .def_property_readonly("name", &Tokenizer::name)
      .def("__len__", &Tokenizer::vocabulary_size);
}

void bind_constraints(py::module_& m) {
  py::class_<Program>(m, "Program")
      .def_property_readonly("min_tokens",
                             [](const Program& p) { return p.constraint->min_tokens(); })
      .def_property_readonly("max_tokens",
                             [](const Program& p) { return p.constraint->max_tokens(); })
      .def_property_readonly("reachable",
                             [](const Program& p) {
                               const auto ids = p.constraint->reachable();
                               return array_of(std::vector<TokenId>(ids.begin(), ids.end()));
                             })
      .def("follow", &follow, py::arg("ids"))
      .def(
          "choices_after",
          [](const Program& p, const std::vector<TokenId>& ids) {
            HostRows row({p.constraint});
            ConstraintState state = p.constraint->start();
            for (size_t i = 0; i < ids.size(); ++i) {
              row.advance({&ids[i], 1});
              if (row.taken()[0] != static_cast<int64_t>(i) + 1) {
                throw Error::format("token {} (number {}) is not legal there", ids[i], i + 1);
              }
              state = p.constraint->advance(state, ids[i]);
            }
            return choices_of(p, {state.segment, state.node});
          },
          py::arg("ids"));

  py::class_<TemplateCompiler>(m, "TemplateCompiler")
      .def(py::init([](const std::shared_ptr<Tokenizer>& tokenizer, const EndIds& end_of_sequence,
                       const NumberFormat& format) {
             return raising("TokenizerError", [&] {
               return std::make_unique<TemplateCompiler>(tokenizer, format,
                                                         ends_of(end_of_sequence));
             });
           }),
           py::arg("tokenizer"), py::arg("end_of_sequence"),
           py::arg("number_format") = NumberFormat{})
      .def(
          "compile",
          [](const TemplateCompiler& c, const std::vector<std::string>& literals) {
            return raising("TokenizerError", [&] { return Program{c.compile(literals)}; });
          },
          py::arg("literals"))
      .def_property_readonly("fallback_reason", &TemplateCompiler::fallback_reason)
      .def_property_readonly("fallback_warning", &TemplateCompiler::fallback_warning);

  py::class_<PositionRuleCompiler>(m, "PositionRuleCompiler")
      .def(py::init([](const std::shared_ptr<Tokenizer>& tokenizer, const std::string& rule,
                       const EndIds& end_of_sequence, size_t vocabulary_rows) {
             return std::make_unique<PositionRuleCompiler>(
                 tokenizer, constraint_rule(rule), ends_of(end_of_sequence), vocabulary_rows);
           }),
           py::arg("tokenizer"), py::arg("rule"), py::arg("end_of_sequence"),
           py::arg("vocabulary_rows"))
      .def(
          "compile",
          [](const PositionRuleCompiler& c, const std::vector<std::string>& literals) {
            return Program{c.compile(literals)};
          },
          py::arg("literals"));
}

}  // namespace

PYBIND11_MODULE(_core, m) {
  m.doc() = "Tokenizer and exact constraint of molgen3d, without RDKit.";
  translate_errors();
  bind_text(m);
  bind_tokenizer(m);
  bind_constraints(m);
  m.def("template_tables", &template_tables, py::arg("programs"));
  m.def(
      "geometry_level",
      [](const std::string& words) { return geometry::demand_name(geometry::demand_of(words)); },
      py::arg("words"));
  m.def("position_tables", &position_tables, py::arg("programs"), py::arg("vocabulary"));
  py::class_<HostRows>(m, "HostRows")
      .def(py::init([](const std::vector<Program>& programs) {
             std::vector<ProgramPointer> rows;
             for (const Program& program : programs) rows.push_back(program.constraint);
             return std::make_unique<HostRows>(std::move(rows));
           }),
           py::arg("rows"))
      .def(
          "advance",
          [](HostRows& rows, const std::vector<TokenId>& tokens) { rows.advance(tokens); },
          py::arg("tokens"))
      .def("choices",
           [](const HostRows& rows) {
             size_t width = 0;
             const std::vector<int64_t> ids = rows.choices(width);
             return matrix_of(ids, rows.size(), width);
           })
      .def_property_readonly("taken", [](const HostRows& rows) { return array_of(rows.taken()); })
      .def_property_readonly("finished", &finished_of);
  py::class_<geometry::TokenTexts, std::shared_ptr<geometry::TokenTexts>>(m, "TokenTexts")
      .def(
          py::init([](const Tokenizer& tokenizer, const NumberFormat& format) {
            return std::make_shared<geometry::TokenTexts>(geometry::token_texts(tokenizer, format));
          }),
          py::arg("tokenizer"), py::arg("number_format"));
  py::class_<GeometryRows>(m, "GeometryRows")
      .def(py::init([](const std::vector<Program>& programs,
                       const std::vector<py::array_t<int32_t, py::array::c_style>>& sets,
                       const std::shared_ptr<geometry::TokenTexts>& texts) {
             std::vector<ProgramPointer> rows;
             for (const Program& program : programs) rows.push_back(program.constraint);
             std::vector<std::shared_ptr<const geometry::HardSet>> hard_sets;
             for (const auto& words : sets) {
               auto set = std::make_shared<geometry::HardSet>();
               set->words.assign(words.data(), words.data() + words.size());
               hard_sets.push_back(std::move(set));
             }
             return std::make_unique<GeometryRows>(std::move(rows), hard_sets, texts);
           }),
           py::arg("rows"), py::arg("hard_sets"), py::arg("texts"))
      .def(
          "advance",
          [](GeometryRows& rows, const std::vector<TokenId>& tokens) { rows.advance(tokens); },
          py::arg("tokens"))
      .def("choices",
           [](GeometryRows& rows) {
             size_t width = 0;
             const std::vector<int64_t> ids = rows.choices(width);
             return matrix_of(ids, rows.rows().size(), width);
           })
      .def_property_readonly("taken",
                             [](const GeometryRows& rows) { return array_of(rows.rows().taken()); })
      .def_property_readonly("finished",
                             [](const GeometryRows& rows) { return finished_of(rows.rows()); })
      .def_property_readonly("dead_ends",
                             [](const GeometryRows& rows) { return array_of(rows.dead_ends()); });
  refuse_other_arguments(m);
}

}  // namespace molgen3d::python
