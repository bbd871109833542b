"""Shared by the program tests: runs molgen3d in a temporary folder."""
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
PROGRAM = os.path.abspath(sys.argv.pop(1))
sys.path[:0] = [os.path.join(ROOT, "tests", "data"), os.path.join(ROOT, "tests", "skips")]
import skips  # noqa: E402,F401 (notes skipped tests)


class ProgramTest(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="molgen3d_test_")
        self.addCleanup(self.folder.cleanup)

    def path(self, name):
        return os.path.join(self.folder.name, name)

    def write(self, name, text):
        mode = "wb" if isinstance(text, bytes) else "w"
        with open(self.path(name), mode) as file:
            file.write(text)
        return self.path(name)

    def read(self, name):
        with open(self.path(name), "rb") as file:
            return file.read()

    def run_program(self, *arguments, code=0, stdin=None):
        """Standard output and error of one call; fails unless it ends with `code`."""
        done = subprocess.run([PROGRAM, *map(str, arguments)], cwd=self.folder.name, input=stdin, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=300)
        self.assertEqual(done.returncode, code, f"{arguments}\n{done.stdout[-500:]}\n{done.stderr[-2000:]}")
        return done.stdout, done.stderr

    def one_line_with(self, error, *parts):
        """Exactly one line of `error` holds all `parts`."""
        lines = [line for line in error.splitlines() if all(part in line for part in parts)]
        self.assertEqual(len(lines), 1, f"wanted one line with {parts} in:\n{error}")
