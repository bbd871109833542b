#!/usr/bin/env python3
"""An interrupted run loses nothing, and --resume completes it to the same bytes."""
import os
import signal
import subprocess
import time
import unittest

import program
from program import ROOT, ProgramTest

DRUGS = os.path.join(ROOT, "examples", "drugs.smi")


class Resume(ProgramTest):
    def interrupt(self, number, arguments, lines):
        """Starts a run and sends `number` when its journal has `lines` samples."""
        process = subprocess.Popen([program.PROGRAM, *arguments], cwd=self.folder.name, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        journal = self.path("out.sdf.journal")
        while process.poll() is None:
            if os.path.exists(journal) and self.read("out.sdf.journal").count(b"\n") > lines:
                process.send_signal(number)
                break
            time.sleep(0.01)
        _, error = process.communicate()
        return process.returncode, error

    def check(self, number, code):
        arguments = ["generate", DRUGS, "-n", "5", "--seed", "5", "--batch", "8"]
        self.run_program(*arguments, "-o", "whole.sdf")
        done, error = self.interrupt(number, arguments + ["-o", "out.sdf"], 5)
        self.assertEqual(done, code, error)
        self.assertTrue(os.path.exists(self.path("out.sdf.journal")))
        # A file under its own name is whole: what is not yet, has another.
        self.assertFalse(os.path.exists(self.path("out.sdf")))
        if code == 130:
            self.assertIn("--resume", error)
            self.assertIn("out.sdf.partial", error)
            # What was written are whole records from the start.
            self.assertLess(len(self.read("out.sdf.partial")), len(self.read("whole.sdf")))
            self.assertTrue(self.read("whole.sdf").startswith(self.read("out.sdf.partial")))
        # The same command alone does not destroy what was done; another seed cannot continue it.
        self.run_program(*arguments, "-o", "out.sdf", code=2)
        _, error = self.run_program("generate", DRUGS, "-n", "5", "--seed", "6", "-o", "out.sdf", "--resume", code=2)
        self.one_line_with(error, "seed", "5", "6")
        # Other batch sizes and thread counts may.
        self.run_program("generate", DRUGS, "-n", "5", "--seed", "5", "--batch", "3", "--threads", "1", "-o", "out.sdf", "--resume")
        self.assertEqual(self.read("out.sdf"), self.read("whole.sdf"))
        self.assertEqual(self.left_behind(), [])

    def left_behind(self):
        return [name for name in os.listdir(self.folder.name) if name.startswith("out.sdf.")]

    def test_interrupt(self):
        self.check(signal.SIGINT, 130)

    def test_kill(self):
        self.check(signal.SIGKILL, -signal.SIGKILL)

    def test_overwrite_forgets(self):
        self.write("out.sdf.journal", "left over\n")
        self.run_program("generate", "CCO", "-o", "out.sdf", code=2)
        self.run_program("generate", "CCO", "-o", "out.sdf", "--overwrite")


class Finished(ProgramTest):
    """--resume where nothing is left to do."""

    def stamp(self, name):
        status = os.stat(self.path(name))
        return status.st_ino, status.st_mtime_ns

    def test_generate(self):
        self.write("x.smi", "CCO a\nC1CC b\n")
        for inputs, code in (["CCO"], 0), (["x.smi"], 2):
            arguments = ["generate", *inputs, "-o", "out.sdf", "--resume"]
            self.run_program(*arguments, "--overwrite", code=code)
            before = self.stamp("out.sdf")
            _, error = self.run_program(*arguments, code=code)  # as the whole run
            self.one_line_with(error, "out.sdf: already complete")
            self.assertEqual(self.stamp("out.sdf"), before)
            for more, name in ((["--seed", "7"], "seed"), (["--format", "xyz"], "format"),
                               (["--add-hydrogens"], "hydrogens"), (["CCN"], "inputs")):
                _, error = self.run_program(*arguments, *more, code=2)
                self.one_line_with(error, "out.sdf: cannot resume: " + name)
                self.assertEqual(self.stamp("out.sdf"), before)
        self.write("x.smi", "CCN a\nC1CC b\n")
        _, error = self.run_program(*arguments, code=2)
        self.one_line_with(error, "out.sdf: cannot resume: input content")
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["out.sdf", "out.sdf.failed.jsonl", "x.smi"])

    def test_an_output_of_nobody_or_changed_since_is_kept(self):
        arguments = ["generate", "CCO", "-o", "out.sdf", "--resume"]
        self.write("out.sdf", "mine")
        for text in (b"mine", None):
            if text is None:
                self.run_program(*arguments, "--overwrite")
                text = self.read("out.sdf")[:-1]
                os.truncate(self.path("out.sdf"), len(text))
            _, error = self.run_program(*arguments, code=2)
            self.one_line_with(error, "out.sdf", "nothing says which run made it", "--overwrite")
            self.assertEqual(self.read("out.sdf"), text)

    def test_smoke(self):
        arguments = ["smoke", "--sample-size", "2", "--json-report", "r.json", "--resume"]
        first, _ = self.run_program(*arguments)
        before = self.stamp("r.json")
        again, error = self.run_program(*arguments)
        self.one_line_with(error, "r.json: already complete")
        self.assertEqual((again, self.stamp("r.json")), (first, before))
        _, error = self.run_program(*arguments, "--seed", "3", code=2)
        self.one_line_with(error, "r.json: cannot resume: seed")

    def test_dataset(self):
        self.write("x.smi", "CCO a\nCCN b\n")
        self.run_program("dataset", "x.smi", "-o", "out", "--resume")
        before = self.stamp("out/all.mol3d")
        _, error = self.run_program("dataset", "x.smi", "-o", "out", "--resume")
        self.one_line_with(error, "already complete")
        self.assertEqual(self.stamp("out/all.mol3d"), before)


class StandardInput(ProgramTest):
    """What is read only once: its content is compared while it is read."""

    TEXT = "".join(f"{'C' * (i % 5 + 1)}O m{i}\n" for i in range(12))
    OTHER = TEXT.replace("O m", "N m")
    SHORT = TEXT[:TEXT.index("\n") + 1]

    def killed(self, arguments, journal, lines):
        process = subprocess.Popen([program.PROGRAM, *arguments], cwd=self.folder.name, stdin=subprocess.PIPE,
                                   stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        process.stdin.write(self.TEXT.encode())
        process.stdin.close()
        while process.poll() is None:
            if os.path.exists(self.path(journal)) and self.read(journal).count(b"\n") > lines:
                break
            time.sleep(0.01)
        process.kill()
        self.assertEqual(process.wait(), -signal.SIGKILL)

    def check(self, arguments, journal, lines, output):
        self.run_program(*arguments, "whole", stdin=self.TEXT)
        self.killed([*arguments, "out"], journal, lines)
        before = self.read(journal)
        for text in (self.OTHER, self.SHORT, ""):
            _, error = self.run_program(*arguments, "out", "--resume", stdin=text, code=2)
            self.one_line_with(error, journal + ": cannot resume", "input")
            self.assertTrue(self.read(journal).startswith(before))
        self.run_program(*arguments, "out", "--resume", stdin=self.TEXT)
        self.assertEqual(self.read("out" + output), self.read("whole" + output))

    def test_generate(self):
        arguments = ["generate", "-", "--format", "sdf", "-n", "5", "--batch", "4", "-o"]
        self.check(arguments, "out.journal", 10, "")
        # Finished: whether this is what was read then cannot be told before it is read.
        _, error = self.run_program(*arguments, "out", "--resume", stdin=self.TEXT, code=2)
        self.one_line_with(error, "out: is finished", "standard input", "--overwrite")
        self.assertEqual(self.read("out"), self.read("whole"))

    def test_dataset(self):
        arguments = ["dataset", "-", "--keep-duplicates", "--threads", "1", "-k", "200", "-o"]
        self.check(arguments, "out/journal", 2, "/all.mol3d")
        _, error = self.run_program(*arguments, "out", "--resume", stdin=self.TEXT)
        self.one_line_with(error, "already complete")
        for text in (self.OTHER, self.SHORT):
            _, error = self.run_program(*arguments, "out", "--resume", stdin=text, code=2)
            self.one_line_with(error, "out/dataset.json: cannot resume: input content")


class NothingDone(ProgramTest):
    def test_a_data_set_without_a_record_leaves_nothing(self):
        self.write("x.smi", "CCO\n")
        # The second file of the set cannot be made.
        os.makedirs(self.path("out/failed.jsonl/x"))
        self.run_program("dataset", "x.smi", "-o", "out", "--overwrite", code=2)
        self.assertEqual(os.listdir(self.path("out")), ["failed.jsonl"])
        # Stopped while the first molecule is made.
        cage = ("c12c3c4c5c1c6c7c8c2c9c1c3c2c3c4c4c%10c5c5c6c6c7c7c%11c8c9c8c9c1c2c1c2c3c4c3c4c%10c5c5c6c6c7c7"
                "c%11c8c8c9c1c1c2c3c2c4c5c6c3c7c8c1c23")
        process = subprocess.Popen([program.PROGRAM, "dataset", cage, "-o", "new", "--threads", "1"],
                                   cwd=self.folder.name, stderr=subprocess.PIPE)
        while process.poll() is None and not os.path.exists(self.path("new/skipped.jsonl")):
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate()
        self.assertEqual(process.returncode, 130, error)
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["out", "x.smi"])


if __name__ == "__main__":
    unittest.main()
