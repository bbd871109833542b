#!/usr/bin/env python3
"""Every table that a page quotes is the record's (scripts/print_tables.py), and a false one is found."""
import os
import subprocess
import sys
import tempfile
import unittest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
RECORD = "text\n\n<!-- table: speed -->\n| a | b |\n| --- | --- |\n| 1 | 2.5 s |\n\nmore\n"
PAGE = "# Page\n\n<!-- table: speed from bench/records/r.md -->\n| a | b |\n| --- | --- |\n| 1 | 2.4 s |\n\nend\n"


def run(root, *arguments):
    script = os.path.join(ROOT, "scripts", "print_tables.py")
    return subprocess.run([sys.executable, script, "--root", root, *arguments], text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


class PrintTables(unittest.TestCase):
    def tree(self, folder, page):
        os.makedirs(os.path.join(folder, "bench", "records"))
        for name, text in (("bench/records/r.md", RECORD), ("page.md", page)):
            with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
                file.write(text)

    def test_pages_have_the_records_figures(self):
        done = run(ROOT, "--check")
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_a_false_figure_is_found_and_mended(self):
        with tempfile.TemporaryDirectory() as folder:
            self.tree(folder, PAGE)
            done = run(folder, "--check")
            self.assertEqual(done.returncode, 1)
            self.assertIn("page.md", done.stdout)
            self.assertEqual(run(folder).returncode, 0)
            with open(os.path.join(folder, "page.md"), encoding="utf-8") as file:
                self.assertEqual(file.read(), PAGE.replace("2.4", "2.5"))
            self.assertEqual(run(folder, "--check").returncode, 0)

    def test_an_unknown_table_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            self.tree(folder, PAGE.replace("table: speed", "table: sped"))
            done = run(folder, "--check")
            self.assertNotEqual(done.returncode, 0)
            self.assertIn("no table sped", done.stdout)


if __name__ == "__main__":
    unittest.main()
