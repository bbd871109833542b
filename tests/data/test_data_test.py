#!/usr/bin/env python3
"""The manifest of test data and its script: what the repository holds is right, and faults are found."""
import functools
import gzip
import http.server
import json
import lzma
import os
import re
import subprocess
import sys
import tempfile
import threading
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
ROOT = os.path.dirname(os.path.dirname(HERE))
SCRIPT = os.path.join(ROOT, "scripts", "fetch_test_data.py")
sys.path.insert(0, os.path.dirname(SCRIPT))
import fetch_test_data  # noqa: E402

ORIGIN = {"a/b/raw/c0ffee/list.csv.gz": gzip.compress(b"smiles\tid\r\nCCO\t1\r\nCC\t2\r\n"),
          "a/b/raw/c0ffee/trace.json.gz": gzip.compress(b"[]", mtime=7)}
LIST = b"CCO\nCC\n"


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *arguments):
        pass


class Manifest(unittest.TestCase):
    def setUp(self):
        with open(os.path.join(HERE, "manifest.json"), encoding="utf-8") as file:
            self.files = json.load(file)["files"]

    def test_entries_are_complete(self):
        for name, entry in self.files.items():
            with self.subTest(name):
                self.assertRegex(entry["sha256"], "^[0-9a-f]{64}$")
                self.assertTrue(entry["licence"] and entry["bytes"] > 0)
                self.assertTrue(entry.get("repository") or entry.get("change"))
                self.assertLessEqual(set(entry.get("steps", ())), set(fetch_test_data.STEPS))
                if "steps" in entry:
                    self.assertRegex(entry["commit"], r"^([0-9a-f]{40}|v[\d.]+)$")

    def test_goldens_are_in_the_repository(self):
        held = [name for name in self.files if os.path.exists(os.path.join(HERE, name))]
        self.assertEqual(held, ["geom_drugs_40mols_covmat_golden.csv", "geom_drugs_80mols_rmsd_golden.csv",
                                "traces/expected.json"])
        for name in held:
            fetch_test_data.verify(name, self.files[name], fetch_test_data.read(os.path.join(HERE, name)))

    def test_names_all_data_that_tests_read(self):
        """Every file name that a test asks for is in the manifest, and nothing else is."""
        sources = ""
        for folder, _, names in os.walk(os.path.dirname(HERE)):
            for name in names:
                if name.endswith((".cpp", ".h", ".py")) and folder != HERE:
                    with open(os.path.join(folder, name), encoding="utf-8") as file:
                        sources += file.read()
        asked = re.findall(r'(?:test_data\(|NEEDS_DATA\(|need\(self, )"([^"]+)"', sources)
        asked = {name for name in asked if not name.endswith("/")}
        self.assertGreater(len(asked), 4)
        for name in asked:
            self.assertTrue(name in self.files or name + ".xz" in self.files, name)
        with open(os.path.join(HERE, "traces", "expected.json"), encoding="utf-8") as file:
            sources += " ".join(json.load(file))
        benchmarks = {"geom_drugs_test_smiles.csv"}
        for name in self.files:
            stem = re.sub(r"\.xz$", "", os.path.basename(name))
            self.assertTrue(stem in sources or name in benchmarks, f"no test reads {name}")


class Script(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="molgen3d_data_")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.root = os.path.join(self.folder, "project")
        packed = lzma.compress(LIST)
        trace = ORIGIN["a/b/raw/c0ffee/trace.json.gz"]
        origin = {"repository": "a/b", "commit": "c0ffee", "licence": "none"}
        self.manifest = {
            "list.txt.xz": dict(origin, path="list.csv.gz", sha256=fetch_test_data.sha256(packed + b"otherwise packed"),
                                content_sha256=fetch_test_data.sha256(LIST),
                                steps=["gunzip", "drop_header", "crlf_to_lf", "first_column"]),
            "traces/t.json.gz": dict(origin, path="trace.json.gz", steps=[], sha256=fetch_test_data.sha256(trace)),
            "made.txt": {"licence": "ours", "change": "by hand", "sha256": fetch_test_data.sha256(b"made\n")},
        }
        self.write("project/tests/data/manifest.json", json.dumps({"files": self.manifest}).encode())
        for path, data in ORIGIN.items():
            self.write(f"server/{path}", data)
        handler = functools.partial(Quiet, directory=os.path.join(self.folder, "server"))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        self.server = f"http://127.0.0.1:{server.server_address[1]}"

    def write(self, path, data):
        path = os.path.join(self.folder, path)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as file:
            file.write(data)

    def run_script(self, *arguments):
        environment = {k: v for k, v in os.environ.items() if not k.startswith("MOLGEN3D_")}
        done = subprocess.run([sys.executable, SCRIPT, "--root", self.root, "--server", self.server, *arguments],
                              env=environment, text=True, capture_output=True)
        return done.returncode, done.stderr

    def cached(self, name):
        return fetch_test_data.read(os.path.join(self.root, ".cache", "test_data", name))

    def test_network_then_folder(self):
        self.assertEqual(self.run_script("--check")[0], 3)
        code, error = self.run_script()
        self.assertEqual(code, 3)
        self.assertIn("made.txt: made by this project", error)
        self.assertIn("2 of 3 files are there", error)
        self.assertEqual(lzma.decompress(self.cached("list.txt.xz")), LIST)
        self.write("beside/made.txt", b"made\n")
        self.assertEqual(self.run_script("--from", os.path.join(self.folder, "beside"))[0], 0)
        self.assertEqual(self.cached("made.txt"), b"made\n")
        self.assertEqual(self.run_script("--check")[0], 0)

    def test_what_is_beside_the_project_counts(self):
        self.write("shared/data/made.txt", b"made\n")
        self.assertEqual(self.run_script()[0], 0)

    def test_another_file_is_refused(self):
        self.write("server/a/b/raw/c0ffee/trace.json.gz", gzip.compress(b"[1]"))
        code, error = self.run_script()
        self.assertEqual(code, 1)
        self.assertIn("traces/t.json.gz: not the file of the manifest", error)
        with self.assertRaises(FileNotFoundError):
            self.cached("traces/t.json.gz")

    def test_a_damaged_file_is_found(self):
        self.write("shared/data/list.txt.xz", lzma.compress(LIST)[:-9])
        code, error = self.run_script("--check")
        self.assertEqual(code, 1)
        self.assertIn("list.txt.xz: not the file", error)

    def test_no_network(self):
        self.server = "http://127.0.0.1:9"
        code, error = self.run_script()
        self.assertEqual(code, 3)
        self.assertIn("list.txt.xz: a/b:", error)


if __name__ == "__main__":
    unittest.main()
