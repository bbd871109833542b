#!/usr/bin/env python3
"""One small call of every command, each reading what another wrote: all rooms from outside in seconds, so that a build
with sanitizers can afford it. A finding of a sanitizer ends the program with a code that no call here expects."""
import json
import unittest

from program import ProgramTest

LLAMA = "llama-conformer-undertrained"
ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"


class Commands(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("in.smi", f"CCO ethanol\nC[C@H](N)C(=O)O alanine\n{ASPIRIN} aspirin\nC1CC broken\n")

    def test_generate_evaluate_and_read_again(self):
        self.run_program("generate", "in.smi", "-n", 2, "--seed", 3, "-q", "-o", "out.sdf.gz", code=2)
        self.run_program("generate", "in.smi", "--limit", 2, "--geometry", "full", "--format", "jsonl", "-q", "-o", "g.jsonl")
        self.assertEqual(len(self.read("g.jsonl").splitlines()), 2)
        # The record that was refused stands beside the file and counts: code 2.
        out, _ = self.run_program("evaluate", "out.sdf.gz", "--baseline", "etkdg", "--json", "-q", code=2)
        rows = json.loads(out)["rows"]
        self.assertEqual(len(rows), 2, rows)
        enriched, _ = self.run_program("encode", "out.sdf.gz")
        self.assertEqual(enriched.count("[C]<"), 2 * (2 + 2 + 3), enriched)
        self.write("enriched.txt", enriched)
        decoded, _ = self.run_program("decode", "enriched.txt", "--format", "xyz")
        self.assertGreater(decoded.count("\n"), 6 * 2)

    def test_smoke_study_report_and_diagnose(self):
        small = ["--device", "cpu", "--model", LLAMA, "-q"]
        for rule in ("none", "generic"):
            self.run_program("smoke", *small, "--processor-type", rule, "--sample-size", 2, "--json-report", f"{rule}.json")
        out, _ = self.run_program("report", "none.json", "generic.json", "--format", "json")
        self.assertGreater(len(json.loads(out)["tables"]), 5)
        self.run_program("study", *small, "--rules", "none,exact", "--sample-size", 2, "--audit-size", 1, "-o", "s")
        self.assertIn(b"</html>", self.read("s/report.html"))
        run = json.loads(self.read(f"s/{LLAMA}_exact.json"))
        self.assertEqual(run["num_passed"], 2)
        self.run_program("diagnose", *small, "--constraint", "allowlist", "--sample-size", 2)

    def test_dataset_model_tokens_and_trace(self):
        self.run_program("dataset", "in.smi", "-o", "data", "--threads", 1, code=2)
        self.assertEqual(len(self.read("data/all.jsonl").splitlines()), 3)
        self.run_program("model", LLAMA)
        self.run_program("tokens", "--tokenizer", LLAMA, "--block", "0.5,-1.25,2")
        self.run_program("generate", "CCO", "-q", "--seed", 1, "-o", "p.sdf", "--profile", "p.json.gz")
        out, _ = self.run_program("trace", "check", "p.json.gz")
        self.assertIn("clean", out)
        self.run_program("trace", "sql", "p.json.gz", "SELECT count(*) FROM slice")


if __name__ == "__main__":
    unittest.main()
