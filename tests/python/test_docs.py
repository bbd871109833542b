"""Runs every python block of docs/python.md, each in a fresh interpreter inside an empty folder."""
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

import support

try:
    from molgen3d import _molecule
except ImportError:
    _molecule = None

PAGE = support.ROOT / "docs" / "python.md"
BLOCK = re.compile(r"^```python\n(.*?)^```", re.M | re.S)


class Examples(unittest.TestCase):
    def test_examples(self):
        blocks = BLOCK.findall(PAGE.read_text(encoding="utf-8"))
        self.assertGreaterEqual(len(blocks), 4)
        run = 0
        for number, block in enumerate(blocks):
            with self.subTest(block=number, first=block.split("\n")[0]):
                self.assertLessEqual(block.count("\n"), 18)
                if ("transformers" in block or "torch" in block) and support.torch is None:
                    continue
                if _molecule is None and "generate(" in block:
                    continue
                shim = str(pathlib.Path(__file__).parent / "shim")
                path = os.pathsep.join([*filter(None, sys.path), shim])
                with tempfile.TemporaryDirectory() as folder:
                    for name in ("models", "examples"):
                        os.symlink(support.ROOT / name, os.path.join(folder, name))
                    done = subprocess.run(
                        [sys.executable, "-W", "error", "-c", block], cwd=folder, capture_output=True, text=True,
                        env=dict(os.environ, PYTHONPATH=path), timeout=300,
                    )  # fmt: skip
                self.assertEqual(done.returncode, 0, f"{block}\n{done.stdout}{done.stderr}")
                run += 1
        self.assertGreater(run, 0)


if __name__ == "__main__":
    unittest.main()
