#!/usr/bin/env python3
"""A skip is noted, and fails under MOLGEN3D_NO_SKIP=1 unless MOLGEN3D_MAY_SKIP names its reason.

usage: skips_test.py SUBJECT, the program of subject.cpp
"""
import os
import subprocess
import sys
import tempfile
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
SUBJECT = os.path.abspath(sys.argv.pop(1))
PYTHON_SUBJECT = """
import unittest
import skips

class Subject(unittest.TestCase):
    def test_skips(self):
        self.skipTest("no such thing here")

    @unittest.skipIf(True, "no such thing here")
    def test_skips_by_decorator(self):
        self.fail()

unittest.main()
"""


class Skips(unittest.TestCase):
    def codes_and_list(self, **settings):
        """Exit codes of both subjects, and the lines of the list of skips."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "list")
            environment = {k: v for k, v in os.environ.items() if not k.startswith("MOLGEN3D_")}
            environment.update(settings, MOLGEN3D_SKIP_LIST=path, PYTHONPATH=HERE, PYTHONDONTWRITEBYTECODE="1")
            codes = [subprocess.run(command, env=environment, cwd=folder, capture_output=True).returncode
                     for command in ([SUBJECT], [sys.executable, "-c", PYTHON_SUBJECT])]
            with open(path, encoding="utf-8") as file:
                return codes, file.read().splitlines()

    def test_noted(self):
        codes, lines = self.codes_and_list()
        self.assertEqual(codes, [0, 0])
        self.assertEqual(lines, ["Subject.Skips: no such thing here",
                                 "__main__.Subject.test_skips: no such thing here",
                                 "__main__.Subject.test_skips_by_decorator: no such thing here"])

    def test_no_skip(self):
        codes, lines = self.codes_and_list(MOLGEN3D_NO_SKIP="1")
        self.assertEqual(codes, [1, 1])
        self.assertEqual(len(lines), 3)

    def test_may_skip(self):
        self.assertEqual(self.codes_and_list(MOLGEN3D_NO_SKIP="1", MOLGEN3D_MAY_SKIP="browser|such thing")[0], [0, 0])
        self.assertEqual(self.codes_and_list(MOLGEN3D_NO_SKIP="1", MOLGEN3D_MAY_SKIP="browser|device")[0], [1, 1])


if __name__ == "__main__":
    unittest.main()
