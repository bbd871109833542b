#!/usr/bin/env python3
"""Each lint finds what it is for: small trees with one fault, and the same trees without it."""
import os
import tempfile
import unittest

import columns
import duplicates
import error_texts
import functions
import headers
import layers
import lengths
import tags

LAYERS = """# Where things are

## Who may include whom
| room | may include |
| --- | --- |
| `base` | nothing |
| `molecule` | `base` |
| `engine` | `base` |
| `engine/cpu` | `engine`, `base` |

## More
| `cli` | `engine` |
"""


class Lint(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="molgen3d_lint_")
        self.addCleanup(self.folder.cleanup)

    def write(self, path, text):
        path = os.path.join(self.folder.name, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)

    def finds(self, messages, *parts):
        self.assertEqual(len(messages), 1, messages)
        for part in parts:
            self.assertIn(part, messages[0])


class Layers(Lint):
    def check(self, exceptions=()):
        return layers.check(self.folder.name, set(exceptions))

    def setUp(self):
        super().setUp()
        self.write("docs/architecture.md", LAYERS)
        self.write("src/base/error.h", "#include <string>\n")
        self.write("src/engine/engine.h", '#include "base/error.h"\n#include "engine/other.h"\n')
        self.write("src/engine/cpu/dot.cpp", '#include "engine/engine.h"\n#include "hwy/highway.h"\n')

    def test_downward_includes_pass(self):
        self.assertEqual(self.check(), [])

    def test_upward_include(self):
        self.write("src/base/error.h", '#include "engine/engine.h"\n')
        self.finds(self.check(), "src/base/error.h", "engine/engine.h")

    def test_sideways_include(self):
        self.write("src/molecule/molecule.h", '  #  include "engine/engine.h"\n')
        self.finds(self.check(), "src/molecule/molecule.h")

    def test_folder_of_a_room_has_its_own_row(self):
        self.write("src/engine/engine.h", '#include "engine/cpu/dot.h"\n')
        self.finds(self.check(), "src/engine/engine.h", "engine/cpu/dot.h")

    def test_rdkit_stays_in_its_rooms(self):
        self.write("src/molecule/molecule.cpp", "#include <GraphMol/ROMol.h>\n")
        self.assertEqual(self.check(), [])
        self.write("src/engine/engine.cpp", "#include <GraphMol/ROMol.h>\n")
        self.finds(self.check(), "src/engine/engine.cpp", "RDKit")

    def test_room_without_a_row(self):
        self.write("src/cli/main.cpp", '#include "engine/engine.h"\n')
        self.finds(self.check(), "does not name the room cli")

    def test_circle(self):
        self.write("docs/architecture.md", LAYERS.replace("| `base` | nothing |", "| `base` | `engine` |"))
        self.finds(self.check(), "back to itself")

    def test_missing_table(self):
        self.write("docs/architecture.md", "# Where things are\n")
        self.finds(self.check(), "no table")

    def test_exceptions_hold_and_end(self):
        exception = "src/base/error.h: engine/engine.h"
        self.finds(self.check([exception]), "no longer an exception")
        self.write("src/base/error.h", '#include "engine/engine.h"\n')
        self.assertEqual(self.check([exception]), [])


class Headers(Lint):
    def check(self):
        return headers.check(self.folder.name)

    def test_says_what_it_is(self):
        self.write("src/base/error.h", "// The one exception type of the project.\n#pragma once\n")
        self.assertEqual(self.check(), [])

    def test_no_comment(self):
        self.write("src/base/error.h", "#pragma once\n// The one exception type of the project.\n")
        self.finds(self.check(), "src/base/error.h", "does not begin")

    def test_comment_that_says_nothing(self):
        self.write("src/base/error.cuh", "// Errors.\n#pragma once\n")
        self.finds(self.check(), "says too little")

    def test_licence_is_no_description(self):
        self.write("src/base/error.h", "// Copyright 2026 by somebody or other.\n#pragma once\n")
        self.finds(self.check(), "licence")

    def public(self, header, source=""):
        self.write("cmake/library.cmake", "set(molgen3d_headers\n  base/a.h)\n")
        self.write("src/base/a.h", "// Distances between all the atoms.\n" + header)
        self.write("src/base/a.cpp", source)

    def test_public_header_says_that_it_throws(self):
        throwing = 'int f() { throw Error("a thing fails"); }\n'
        self.public("/// Throws Error when it fails.\nint f();\n", throwing)
        self.assertEqual(self.check(), [])
        self.public("/// One.\nint f();\n", "// nothing to throw\n")
        self.assertEqual(self.check(), [])
        self.public("/// One.\nint f();\n", throwing)
        self.finds(self.check(), "src/base/a.h", "throws")

    def test_public_figure_has_a_unit(self):
        self.public("struct A {\n  double far = 1;  ///< Angstrom\n};\n")
        self.assertEqual(self.check(), [])
        self.public("/// In Angstrom.\nstruct A {\n  double far = 1;\n};\n")
        self.assertEqual(self.check(), [])
        self.public("struct A {\n  double far = 1;\n};\n")
        self.finds(self.check(), "unit", "far")


class Duplicates(Lint):
    BLOCK = "".join(f"  total += weight_{i} * value_{i};\n" for i in range(duplicates.LINES))

    def check(self, exceptions=()):
        return duplicates.check(self.folder.name, set(exceptions))

    def test_same_block_in_two_files(self):
        self.write("src/a.cpp", "int a() {\n" + self.BLOCK + "}\n")
        self.write("src/b.cpp", "int b(int x) {\n  // other spacing\n" + self.BLOCK.replace(" * ", "*") + "}\n")
        self.finds(self.check(), "src/a.cpp:2", "src/b.cpp:3")
        self.assertEqual(self.check({"src/a.cpp and src/b.cpp"}), [])

    def test_same_block_twice_in_one_file(self):
        self.write("src/a.cpp", "int a() {\n" + self.BLOCK + "}\nint b() {\n" + self.BLOCK + "}\n")
        self.finds(self.check(), "src/a.cpp:2", "src/a.cpp")

    def test_shorter_ones_and_includes_do_not_count(self):
        short = "".join(self.BLOCK.splitlines(True)[1:])
        includes = "".join(f'#include "a{i}.h"\n' for i in range(20))
        self.write("src/a.cpp", includes + "int a() {\n" + short + "}\n")
        self.write("src/b.cpp", includes + "int b() {\n" + short + "}\n")
        self.assertEqual(self.check(), [])


class ErrorTexts(Lint):
    def check(self, *calls):
        self.write("src/a.cpp", "\n".join(f"  throw {call};" for call in calls) + "\n")
        return error_texts.check(self.folder.name, set())

    def test_the_usual_forms_pass(self):
        self.assertEqual(self.check('Error::format("{}: tensor {} is missing", path, name)', 'Error("RDKit: it failed")',
                                    'Error("a text " "in two pieces")', 'Error(path + ": no file")', "Error(message)"), [])

    def test_each_fault(self):
        for call, word in (('Error("it fails.")', "full stop"), ('Error("It fails")', "capital"),
                           ('Error("one thing\\nand another")', "line break"), ('Error("failed")', "one word"),
                           ('Error::format("it fails", path)', "shows nothing"),
                           ('Error("a long text " "in two pieces.")', "full stop")):
            self.finds(self.check(call), "src/a.cpp:1", word)


class Columns(Lint):
    def check(self, exceptions=()):
        return columns.check(self.folder.name, set(exceptions))

    def test_lines_that_fit(self):
        self.write("src/a.cpp", "x" * 100 + "\n")
        self.write("docs/a.md", "word " * 19 + "w\u00f6rds\n")
        self.assertEqual(self.check(), [])

    def test_long_code_and_prose(self):
        self.write("src/a.cpp", "int x;\n" + "a + " * 26 + "b;\n")
        self.finds(self.check(), "src/a.cpp", "columns: 2")
        self.write("src/a.cpp", "int x;\n")
        self.write("docs/a.md", "\n\n" + "word " * 21 + "\n")
        self.finds(self.check(), "docs/a.md", "columns: 3")

    def test_what_cannot_be_broken(self):
        self.write("src/a.cpp", 'auto a = R"x(\n' + "a b " * 30 + '\n)x";\n')
        long_path = "models/" + "x" * 90
        self.write("docs/a.md", "| " + "cell " * 30 + "|\n\n# " + "title " * 30 + "\n\n```console\n"
                   + "output " * 20 + "\n```\n\nsee `" + long_path + "` there\n")
        self.assertEqual(self.check(), [])
        self.write("docs/a.md", "```sh\n" + "command " * 20 + "\n```\n")
        self.finds(self.check(), "docs/a.md")

    def test_exceptions_end(self):
        self.write("docs/a.md", "word " * 21 + "\n")
        self.assertEqual(self.check(["docs/a.md"]), [])
        self.write("docs/a.md", "word\n")
        self.finds(self.check(["docs/a.md"]), "no longer an exception")


class Lengths(Lint):
    def check(self, file_list=(), function_list=()):
        return lengths.check(self.folder.name, set(file_list), set(function_list))

    def function(self, lines):
        return "int f(int x) {\n" + "  x += 1;\n" * (lines - 2) + "}\n"

    def test_limits(self):
        self.write("src/a.cpp", self.function(80) + "// filler\n" * 320)
        self.assertEqual(self.check(), [])

    def test_long_file(self):
        self.write("src/a.cpp", "// filler\n" * 401)
        self.finds(self.check(), "src/a.cpp: 401 lines")
        self.assertEqual(self.check(["src/a.cpp"]), [])

    def test_long_function(self):
        self.write("src/a.cpp", self.function(81))
        self.finds(self.check(), "src/a.cpp: f: 81 lines")
        self.assertEqual(self.check([], ["src/a.cpp: f"]), [])
        self.write("src/a.cpp", self.function(80))
        self.finds(self.check([], ["src/a.cpp: f"]), "no longer an exception")

    def test_long_python_function(self):
        self.write("python/a.py", "class A:\n    def g(self):\n" + "        self.x = 1\n" * 80)
        self.finds(self.check(), "python/a.py: g: 81 lines")

    def test_functions_of_every_form(self):
        source = '''namespace a {
// int commented(int x) {
struct S : Base {
  S(int x) : x_{x}, text_("{") {
    work();
  }
  bool operator==(const S& o) const { return x_ == o.x_; }
  int x_ = {1};
};
template <typename T>
std::vector<T> free_one(T x) {
  const auto inner = [&](int y) { return y; };
  if (x) {
    inner('{');
  }
  return R"(} {)";
}
__global__ void __launch_bounds__(128, 1) kernel(int* p) {
  p[0] = 1'000;
}
constexpr int kTable[] = {1, 2};
}  // namespace a
'''
        self.assertEqual(functions.cpp_functions(source), [
            ("S", 4, 6), ("operator==", 7, 7), ("free_one", 10, 17), ("kernel", 18, 20)])


class Tags(Lint):
    def check(self, exceptions=()):
        return tags.check(self.folder.name, set(exceptions))

    def test_spelled_in_code(self):
        self.write("src/a.cpp", '// reads [SMILES]\n/* and\n[/SMILES] */ const char* tag = "x";\n')
        self.assertEqual(self.check(), [])
        self.write("src/a.cpp", 'const char* tag = "//[/CONFORMER]";\n')
        self.finds(self.check(), "src/a.cpp", "[/CONFORMER]")
        self.assertEqual(self.check({"src/a.cpp"}), [])

    def test_their_home(self):
        self.write("src/text/tags.h", 'constexpr auto kTag = "[SMILES]";\n')
        self.assertEqual(self.check(), [])
        self.finds(self.check({"src/text/tags.h"}), "no longer an exception")

    def test_spelled_in_python(self):
        self.write("python/a.py", 'def f(x):\n    """Reads [SMILES]."""\n    return x  # [CONFORMER]\n')
        self.assertEqual(self.check(), [])
        self.write("python/a.py", 'def f(x):\n    return f"[SMILES]{x}"\n')
        self.finds(self.check(), "python/a.py", "[SMILES]")


if __name__ == "__main__":
    unittest.main()
