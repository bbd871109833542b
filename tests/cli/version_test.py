"""The file VERSION is the one place of the version: program, build, Python package and change log agree."""
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest

from program import PROGRAM, ROOT, ProgramTest


def version():
    with open(os.path.join(ROOT, "VERSION"), encoding="utf-8") as file:
        return file.read().strip()


def python(*arguments, cwd):
    environment = dict(os.environ, PYTHONDONTWRITEBYTECODE="1")
    environment.pop("PYTHONPATH", None)
    done = subprocess.run([sys.executable, *arguments], cwd=cwd, env=environment, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
    return done.stdout.split()[-1]


PRINT = "import molgen3d; print(molgen3d.__version__)"


class Version(ProgramTest):
    def test_is_a_version(self):
        self.assertRegex(version(), r"^\d+\.\d+\.\d+$")

    def test_program(self):
        self.assertEqual(self.run_program("--version")[0].split(), ["molgen3d", version()])

    def test_build(self):
        folder = os.path.dirname(PROGRAM)
        while not os.path.exists(os.path.join(folder, "CMakeCache.txt")):
            self.assertNotEqual(folder, os.path.dirname(folder), "the program is in no build folder")
            folder = os.path.dirname(folder)
        with open(os.path.join(folder, "CMakeCache.txt"), encoding="utf-8") as file:
            found = re.search(r"^CMAKE_PROJECT_VERSION:STATIC=(.*)$", file.read(), re.M)
        self.assertEqual(found.group(1), version())

    def test_python_package(self):
        folder = os.path.join(ROOT, "python")
        self.assertEqual(python("-c", PRINT, cwd=folder), version())

    def test_python_reads_the_file(self):
        """Another VERSION gives another package version, in the tree and installed."""
        with tempfile.TemporaryDirectory() as root:
            package = os.path.join(root, "python", "molgen3d")
            shutil.copytree(os.path.join(ROOT, "python", "molgen3d"), package,
                            ignore=shutil.ignore_patterns("__pycache__"))
            for place, text in ((root, "7.8.9"), (package, "7.8.10")):
                with open(os.path.join(place, "VERSION"), "w", encoding="utf-8") as file:
                    file.write(text + "\n")
                self.assertEqual(python("-c", PRINT, cwd=os.path.join(root, "python")), text)

    def test_distribution(self):
        with tempfile.TemporaryDirectory() as root:
            shutil.copytree(os.path.join(ROOT, "python"), os.path.join(root, "python"),
                            ignore=shutil.ignore_patterns("__pycache__", "build", "*.egg-info"))
            shutil.copy(os.path.join(ROOT, "VERSION"), root)
            self.assertEqual(python("setup.py", "--version", cwd=os.path.join(root, "python")), version())

    def test_change_log(self):
        with open(os.path.join(ROOT, "CHANGELOG.md"), encoding="utf-8") as file:
            self.assertRegex(file.read(), rf"(?m)^## {re.escape(version())}\b")


if __name__ == "__main__":
    unittest.main()
