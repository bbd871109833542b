#!/usr/bin/env python3
"""molgen3d dataset from outside: hanging molecules, interrupted runs, exclusions, damaged files."""
import glob
import json
import os
import signal
import subprocess
import time
import unittest

import program
import test_data
from program import ROOT, ProgramTest

DRUGS = os.path.join(ROOT, "examples", "drugs.smi")
# RDKit looks for coordinates of this cage for minutes.
BUCKMINSTERFULLERENE = ("c12c3c4c5c1c6c7c8c2c9c1c3c2c3c4c4c%10c5c5c6c6c7c7c%11c8c9c8c9c1c2c1c2c3c4c3c4c%10c5c5c6c6c7c7"
                        "c%11c8c8c9c1c1c2c3c2c4c5c6c3c7c8c1c23")


class Dataset(ProgramTest):
    def files(self, folder):
        return {os.path.basename(p): self.read(p) for p in glob.glob(self.path(folder) + "/*")}

    def json_lines(self, name):
        return [json.loads(line) for line in self.read(name).decode().splitlines()]

    def test_a_hanging_molecule_costs_its_timeout(self):
        self.write("in.smi", f"CCO first\n{BUCKMINSTERFULLERENE} C60\nCCN last\n")
        _, error = self.run_program("dataset", "in.smi", "-o", "out", "--timeout", "10", "--threads", "1", code=2)
        self.one_line_with(error, "in.smi:2", "killed after 10 s")
        (failed,) = self.json_lines("out/failed.jsonl")
        self.assertEqual((failed["source"], failed["outcome"]), ("in.smi:2", "timeout"))
        self.assertEqual([line["title"] for line in self.json_lines("out/all.jsonl")], ["first", "last"])

    def interrupt(self, number, arguments, molecules):
        """Starts a run and sends `number` once the journal counts `molecules`."""
        process = subprocess.Popen([program.PROGRAM, *arguments], cwd=self.folder.name, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        journal = self.path("out/journal")
        while process.poll() is None:
            # The last line may be half written; the first names the settings.
            lines = self.read("out/journal").decode().split("\n")[1:-1] if os.path.exists(journal) else []
            if lines and json.loads(lines[-1])["settled"] >= molecules:
                process.send_signal(number)
                break
            time.sleep(0.02)
        _, error = process.communicate()
        return process.returncode, error

    def check_resume(self, number, code):
        # Enough for the once-a-second journal to be caught in the middle.
        arguments = ["dataset", DRUGS, "-k", "12", "--seed", "3", "--split", "train=0.6,test=0.4", "--sdf", "--text"]
        self.run_program(*arguments, "-o", "whole")
        done, error = self.interrupt(number, arguments + ["-o", "out", "--threads", "1"], 1)
        self.assertEqual(done, code, error)
        self.assertFalse(os.path.exists(self.path("out/dataset.json")))
        if code == 130:
            self.assertIn("--resume", error)
        _, error = self.run_program("dataset", "info", "out", code=2)
        self.assertIn("no finished data set", error)
        self.run_program(*arguments, "-o", "out", code=2)
        _, error = self.run_program("dataset", DRUGS, "-k", "12", "--seed", "4", "-o", "out", "--resume", code=2)
        self.one_line_with(error, "cannot resume", "seed", "3", "4")
        self.run_program(*arguments, "-o", "out", "--resume", "--threads", "2")
        self.assertEqual(self.files("out"), self.files("whole"))
        _, error = self.run_program(*arguments, "-o", "out", "--resume")
        self.assertIn("already complete", error)

    def test_interrupt(self):
        self.check_resume(signal.SIGINT, 130)

    def test_kill(self):
        self.check_resume(signal.SIGKILL, -signal.SIGKILL)

    def test_workers_end_with_a_killed_program(self):
        self.write("in.smi", f"{BUCKMINSTERFULLERENE}\n")
        process = subprocess.Popen([program.PROGRAM, "dataset", "in.smi", "-o", "out", "--threads", "1"],
                                   cwd=self.folder.name, stderr=subprocess.DEVNULL)
        workers = f"/proc/{process.pid}/task/{process.pid}/children"
        children = []
        while not children:
            children = self.read(workers).decode().split()
            time.sleep(0.01)
        process.kill()
        process.wait()
        # A worker that stays keeps this waiting until the whole test runs into its time limit.
        while any(os.path.exists(f"/proc/{child}") for child in children):
            time.sleep(0.05)

    def test_exclusion_is_verified(self):
        self.write("in.smi", "C[C@H](N)C(=O)O\nCCO\nCCc1ccccc1\n")
        self.write("list.csv", "id,smiles\n1,C[C@@H](N)C(=O)O\n")
        _, error = self.run_program("dataset", "in.smi", "-o", "out", "--exclude", "list.csv")
        self.one_line_with(error, "verified", "none of the 1 excluded molecules", "among the 2 read back")
        (skipped,) = self.json_lines("out/skipped.jsonl")
        self.assertEqual((skipped["source"], skipped["outcome"]), ("in.smi:1", "excluded"))
        self.run_program("dataset", "verify", "out", "--against", "list.csv")
        self.write("other.smi", "OCC\n")
        text, error = self.run_program("dataset", "verify", "out", "--against", "list.csv", "other.smi", "--json", code=2)
        self.assertEqual(json.loads(text)["on_list"], 1)
        self.one_line_with(error, "record 0", '"CCO"', "on the list")

    def test_a_damaged_file_is_named(self):
        self.write("in.smi", "CCO\nCCN\n")
        self.run_program("dataset", "in.smi", "-o", "out")
        text, _ = self.run_program("dataset", "info", "out", "--json")
        self.assertEqual(json.loads(text)["files"][0]["molecules"], 2)
        good = self.read("out/all.mol3d")
        self.write("out/all.mol3d", good.replace(b"CCN", b"CCP"))
        _, error = self.run_program("dataset", "info", "out", code=2)
        self.one_line_with(error, "out/all.mol3d", "record 1", "damaged")
        self.write("out/all.mol3d", good[:-9])
        _, error = self.run_program("dataset", "info", "out/all.mol3d", code=2)
        self.one_line_with(error, "out/all.mol3d", "cut off")
        _, error = self.run_program("dataset", "info", DRUGS, code=2)
        self.one_line_with(error, "drugs.smi", "not a molgen3d data set")

    def test_bad_options_are_named(self):
        for arguments, part in ((["-o", "x"], "no input"), (["CCO"], "--output"), (["CCO", "-o", "x", "--split", "a=2"], "a=2"),
                                (["CCO", "-o", "x", "--frame", "odd"], "odd"), (["absent.smi", "-o", "x"], "absent.smi"),
                                (["CCO", "-o", "x", "--exclude", "absent.smi"], "absent.smi"),
                                (["CCO", "-o", "x", "--exclude", "C1CC"], "C1CC")):
            _, error = self.run_program("dataset", *arguments, code=2)
            self.assertIn(part, error)
            self.assertFalse(os.path.exists(self.path("x")), "a mistyped option must leave nothing behind")

    def test_shared_conformers_are_read(self):
        source = test_data.need(self, "rdkit_conformers_zinc_pubchem.tsv.xz")
        self.run_program("dataset", source, "--given-coordinates", "--limit", "200", "-o", "out")
        text, _ = self.run_program("dataset", "info", "out", "--json")
        self.assertEqual(json.loads(text)["files"][0]["molecules"], 200)


if __name__ == "__main__":
    unittest.main()
