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
        deadline = time.time() + 120
        while time.time() < deadline and process.poll() is None:
            if os.path.exists(journal) and self.read("out.sdf.journal").count(b"\n") > lines:
                process.send_signal(number)
                break
            time.sleep(0.01)
        _, error = process.communicate(timeout=120)
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

    def test_resume_of_a_finished_run_is_a_new_run(self):
        self.run_program("generate", "CCO", "-o", "out.sdf")
        before = self.read("out.sdf")
        self.run_program("generate", "CCO", "-o", "out.sdf", "--resume")
        self.assertEqual(self.read("out.sdf"), before)

    def test_overwrite_forgets(self):
        self.write("out.sdf.journal", "left over\n")
        self.run_program("generate", "CCO", "-o", "out.sdf", code=2)
        self.run_program("generate", "CCO", "-o", "out.sdf", "--overwrite")


if __name__ == "__main__":
    unittest.main()
