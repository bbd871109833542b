#!/usr/bin/env python3
"""The library from outside: examples/cpp builds against an installed copy in another folder, and a project
that takes the source folder in builds one room of it.

usage: library_test.py installed|subproject CMAKE BUILD_FOLDER [PROGRAM]
"""
import os
import shutil
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
MODE, CMAKE, BUILD = sys.argv[1:4]
PROGRAM = sys.argv[4] if len(sys.argv) > 4 else None
del sys.argv[1:]


class Library(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="molgen3d_library_")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def path(self, *names):
        return os.path.join(self.folder, *names)

    def run_command(self, *command, code=0):
        done = subprocess.run(command, text=True, capture_output=True, cwd=self.folder)
        self.assertEqual(done.returncode, code, f"{' '.join(command)}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
        return done.stdout

    def configure_and_build(self, source, *options, target="all"):
        generator = ["-G", "Ninja"] if shutil.which("ninja") else []
        self.run_command(CMAKE, "-S", source, "-B", self.path("build"), "-DCMAKE_BUILD_TYPE=Release", *generator, *options)
        self.run_command(CMAKE, "--build", self.path("build"), "--target", target)


class Installed(Library):
    def setUp(self):
        super().setUp()
        self.run_command(CMAKE, "--install", BUILD, "--prefix", self.path("first"), "--component", "development")
        os.rename(self.path("first"), self.path("moved"))  # nothing may know where it was put

    def test_example(self):
        self.configure_and_build(os.path.join(ROOT, "examples", "cpp"), "-DCMAKE_PREFIX_PATH=" + self.path("moved"))
        smiles = ["CCO", "C[C@H](N)C(=O)O"]
        made = self.run_command(self.path("build", "conformers"), *smiles)
        self.assertEqual(made.count("$$$$"), 4)
        self.assertEqual(made, self.run_command(PROGRAM, "generate", *smiles, "-n", "2", "--seed", "7", "-q"))
        self.run_command(self.path("build", "conformers"), "C1CC", code=2)

    def test_headers_stand_alone(self):
        """Each public header compiles by itself, without RDKit's or nlohmann's in the path."""
        include = self.path("moved", "include")
        headers = [os.path.relpath(os.path.join(place, name), include)
                   for place, _, names in os.walk(include) for name in names]
        self.assertGreater(len(headers), 8)
        for header in sorted(headers):
            with open(self.path("one.cpp"), "w", encoding="utf-8") as file:
                file.write(f"#include <{header}>\n")
            out = self.run_command("c++", "-std=c++20", "-fsyntax-only", "-M", "-I" + include,
                                   "-I" + os.path.join(include, "molgen3d"), "one.cpp")
            for word in ("/rdkit/", "/nlohmann/", ROOT + "/"):
                self.assertNotIn(word, out, header)

    def test_no_path_of_the_build_machine(self):
        for place, _, names in os.walk(self.path("moved", "lib")):
            for name in names:
                if name.endswith(".cmake"):
                    with open(os.path.join(place, name), encoding="utf-8") as file:
                        self.assertNotIn(ROOT, file.read(), name)


class Subproject(Library):
    def test_one_room(self):
        self.configure_and_build(os.path.join(ROOT, "tests", "library", "subproject"), "-DMOLGEN3D_SOURCE=" + ROOT,
                                 "-DMOLGEN3D_CUDA=OFF", target="tokens")
        tokenizer = os.path.join(ROOT, "models", "qwen3-conformer", "tokenizer.json")
        self.assertEqual(self.run_command(self.path("build", "tokens"), tokenizer, "0.5,1.2"), "7\n")  # digit by digit


if __name__ == "__main__":
    unittest.main(defaultTest={"installed": "Installed", "subproject": "Subproject"}[MODE])
