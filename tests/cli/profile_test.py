#!/usr/bin/env python3
"""--profile: a run records itself; the file is whole, clean, and explains the time."""
import gzip
import json
import os
import re
import signal
import subprocess
import time
import unittest

import program
from program import ROOT, ProgramTest

DRUGS = os.path.join(ROOT, "examples", "drugs.smi")


def gaps(spans, run):
    """The times (us) within `run` that no span covers, longest first, with what stands before and after."""
    found, reached, before = [], run["ts"], "begin"
    for e in sorted(spans, key=lambda e: e["ts"]) + [{"ts": run["ts"] + run["dur"], "dur": 0, "name": "end"}]:
        if e["ts"] > reached:
            found.append((e["ts"] - reached, before, e["name"]))
        if e["ts"] + e["dur"] > reached:
            reached, before = e["ts"] + e["dur"], e["name"]
    return sorted(found, reverse=True)


class Profile(ProgramTest):
    def events(self, name):
        """Read by another parser than ours: any viewer's."""
        opener = gzip.open if name.endswith(".gz") else open
        with opener(self.path(name), "rt", encoding="utf-8") as file:
            return json.load(file)["traceEvents"]

    def check(self, name, phases):
        """Clean for the strict reader; all phases there; they cover 98 % of the command."""
        out, _ = self.run_program("trace", "check", name)
        self.assertIn("clean", out)
        spans = [e for e in self.events(name) if e["ph"] == "X"]
        runs = [e for e in spans if e["name"] == "run"]
        self.assertEqual(len(runs), 1)
        run = runs[0]
        main = [e for e in spans if e["tid"] == run["tid"] and e["name"] != "run"]
        unnamed = gaps(main, run)
        covered = run["dur"] - sum(gap[0] for gap in unnamed)
        self.assertGreaterEqual(covered / run["dur"], 0.98, f"{run['dur']} us, not named: {unnamed[:5]}")
        for e in main:
            self.assertGreaterEqual(e["ts"], run["ts"] - 0.001)
            self.assertLessEqual(e["ts"] + e["dur"], run["ts"] + run["dur"] + 0.001)
        self.assertEqual(set(phases) - {e["name"] for e in spans}, set())
        return spans

    def test_generate(self):
        _, error = self.run_program("generate", DRUGS, "-n", 2, "--seed", 5, "-o", "plain.sdf")
        self.assertNotIn("profile", error)
        for trace in ("run.json", "run.json.gz"):
            _, error = self.run_program("generate", DRUGS, "-n", 2, "--seed", 5, "-o", "out.jsonl", "--overwrite",
                                        "--geometry", "off", "--profile", trace)
            self.one_line_with(error, "profile of", trace, "the times of this run include it")
            # Less than 1 % of the CPU time, by the recorder's own account.
            cost = float(re.search(r"recording took ([0-9.]+) %", error).group(1))
            self.assertLess(cost, 1.0)
            spans = self.check(trace, ["load", "read", "tokenize", "template", "schedule", "prefill", "decode step",
                                       "forced run", "forward", "output", "sample", "detokenize", "validate", "write"])
            # The tokens of the passes are those of the answers.
            records = [json.loads(line) for line in self.read("out.jsonl").splitlines()]
            tokens = sum(r["tokens"]["sampled"] + r["tokens"]["forced"] for r in records)
            counted = sum(e["args"]["tokens"] for e in spans if e["name"] in ("prefill", "decode step"))
            self.assertEqual(counted, tokens)
        # Recording changes nothing.
        self.run_program("generate", DRUGS, "-n", 2, "--seed", 5, "-o", "profiled.sdf", "--profile", "again.json")
        self.assertEqual(self.read("plain.sdf"), self.read("profiled.sdf"))

    def test_smoke_and_study(self):
        _, error = self.run_program("smoke", "--sample-size", 4, "--profile", "--threads", 1)
        self.one_line_with(error, "profile of", "smoke_profile.json.gz")
        _, _ = self.run_program("smoke", "--sample-size", 2, "--profile", "--json-report", "r.json")
        self.assertIs(json.loads(self.read("r.json"))["metadata"]["profiled"], True)
        self.check("smoke_profile.json.gz", ["load", "warm-up", "read", "decode step", "detokenize", "validate", "report"])
        self.run_program("smoke", "--sample-size", 4, "--profile-output", "named.json", "-q")
        self.check("named.json", ["decode step"])
        self.run_program("study", "--sample-size", 2, "--rules", "none,exact", "--audit-size", 0, "--profile", "-o", "s")
        out, _ = self.run_program("trace", "compare", "s/qwen3-conformer_exact.trace.json.gz",
                                  "s/qwen3-conformer_none.trace.json.gz")
        self.assertIn("a_us_per_token", out)

    def interrupted(self, signals, trace):
        if os.path.exists(self.path("long.sdf.journal")):
            os.remove(self.path("long.sdf.journal"))
        process = subprocess.Popen([program.PROGRAM, "generate", DRUGS, "-n", "500", "-o", "long.sdf", "--overwrite",
                                    "--profile", trace], cwd=self.folder.name, stderr=subprocess.PIPE)
        while process.poll() is None and not (os.path.exists(self.path("long.sdf.journal"))
                                              and self.read("long.sdf.journal").count(b"\n") > 5):
            time.sleep(0.01)
        for number in signals:
            process.send_signal(number)
        process.communicate()
        return process.returncode

    def test_an_interrupt_closes_the_file(self):
        for trace in ("int.json", "int.json.gz"):
            self.assertEqual(self.interrupted([signal.SIGINT], trace), 130)
            self.check(trace, ["decode step"])

    def test_an_impatient_interrupt_closes_it_too(self):
        # The first is taken between two passes, the second at once: whichever wins, the file is whole.
        code = self.interrupted([signal.SIGINT, signal.SIGTERM], "kill.json.gz")
        self.assertIn(code, (130, -signal.SIGTERM, -signal.SIGINT))
        spans = [e for e in self.events("kill.json.gz") if e["ph"] == "X"]
        self.assertGreater(sum(e["name"] == "decode step" for e in spans), 5)
        self.assertIn("clean", self.run_program("trace", "check", "kill.json.gz")[0])

    def test_errors(self):
        _, error = self.run_program("generate", "CCO", "--profile", "no/such/folder.json", code=2)
        self.one_line_with(error, "no/such/folder.json")
        # A failing command leaves a whole file.
        self.run_program("generate", "missing.smi", "--profile", "failed.json", code=2)
        self.assertEqual(sum(e["name"] == "run" for e in self.events("failed.json")), 1)
        if os.access("/dev/full", os.W_OK):
            _, error = self.run_program("generate", "CCO", "--profile", "/dev/full", code=2)
            self.one_line_with(error, "/dev/full")
        self.run_program("generate", "CCO", "--profile-kernels", "all", code=2)
        self.write("precious.sdf", "kept")
        self.run_program("generate", "CCO", "-o", "precious.sdf", "--profile", "precious.sdf", code=2)
        self.assertEqual(self.read("precious.sdf"), b"kept")


if __name__ == "__main__":
    unittest.main()
