#!/usr/bin/env python3
"""smoke and study from outside: what they say of the shipped checkpoints, resuming, flags."""
import json
import os
import signal
import subprocess
import time
import unittest

import program
from program import ROOT, ProgramTest

QWEN, LLAMA = "qwen3-conformer", "llama-conformer-undertrained"


def without_times(report):
    """A report but for what differs between two runs of the same command."""
    report = dict(report, metadata=dict(report["metadata"]))
    for name in ("time_taken", "throughput_chars_per_sec", "time_split"):
        del report[name]
    for name in ("timestamp", "batch_size", "threads", "device"):
        del report["metadata"][name]
    return report


class Smoke(ProgramTest):
    def smoke(self, name, *arguments, code=0):
        self.run_program("smoke", "--device", "cpu", "--sampling-config", "top_p_sampling1", "-q", "--json-report", name,
                         *arguments, code=code)
        return json.loads(self.read(name))

    def test_exact_is_always_right(self):
        for model in (QWEN, LLAMA):
            run = self.smoke("exact.json", "--model", model, "--sample-size", 16, "--num-generations", 2)
            self.assertEqual((run["num_passed"], run["num_failed"]), (32, 0))
            self.assertTrue(all(s["strict"] for s in run["passes"]))
            self.assertEqual((run["junk"]["letters"], run["junk"]["non_numeric"]), (0, 0))
            self.assertGreater(run["junk"]["blocks"], 500)
            self.assertEqual(len(run["passes"][0]["all_generations"]), 2)

    def test_position_rules_do_what_the_study_saw(self):
        for rule in ("generic", "qwen", "allowlist"):
            self.smoke(rule + ".json", "--processor-type", rule, "--sample-size", 16)
        self.smoke("none.json", "--no-logit-processor", "--sample-size", 16)
        names = [rule + ".json" for rule in ("none", "generic", "qwen", "allowlist")]
        out, _ = self.run_program("report", *names, "--format", "json")
        report = json.loads(out)
        tables = {t["title"]: t for t in report["tables"]}

        def column(title, header):
            table = tables[title]
            return [row[table["header"].index(header)] for row in table["rows"]]

        junk = [cell["value"] for cell in column("Does it pass, and how long does it take", "junk: not numeric")]
        self.assertLess(junk[0], 1)
        self.assertGreater(min(junk[1:3]), 3)
        z = column("Decimals that are left", "z, mean")
        self.assertGreater(z[0], 3.8)
        self.assertLess(z[3], 1.2)
        descriptors = tables["Atoms spelled with hydrogens that the prompt does not spell"]
        rows = {row[0]: row[1:] for row in descriptors["rows"]}
        self.assertEqual(rows["[NH]"][0], 0)
        self.assertGreater(min(rows["[NH]"][1:]), 5)
        classes = tables["What stands in coordinate blocks"]["rows"]
        self.assertIn("letters", [row[0] for row in classes])
        self.assertIn("bare dot (0. or .5)", [row[0] for row in classes])

    def test_a_rule_repairs_an_undertrained_model_with_less_work(self):
        none = self.smoke("none.json", "--model", LLAMA, "--no-logit-processor", "--sample-size", 64)
        exact = self.smoke("exact.json", "--model", LLAMA, "--sample-size", 64)
        strict = sum(s["strict"] for s in none["passes"]) / 64
        self.assertGreater(strict, 0.10)
        self.assertLess(strict, 0.35)
        self.assertEqual(exact["num_passed"], 64)
        self.assertTrue(all(s["strict"] for s in exact["passes"]))
        self.assertLess(exact["tokens"]["passes"], 0.85 * none["tokens"]["passes"])

    def test_killed_and_resumed_is_the_whole_run(self):
        for rule in ("none", "exact"):
            arguments = ["smoke", "--device", "cpu", "--model", LLAMA, "--processor-type", rule, "--audit", "--sample-size", "16",
                         "--num-generations", "2", "--sampling-config", "top_p_sampling1", "--seed", "3", "-q", "--batch", "4"]
            cut = f"cut_{rule}.json"
            self.run_program(*arguments, "--json-report", f"whole_{rule}.json")
            process = subprocess.Popen([program.PROGRAM, *arguments, "--json-report", cut], cwd=self.folder.name,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
            while process.poll() is None:
                if os.path.exists(self.path(cut + ".journal")) and self.read(cut + ".journal").count(b"\n") > 10:
                    process.send_signal(signal.SIGKILL)
                    break
                time.sleep(0.01)
            self.assertEqual(process.wait(), -signal.SIGKILL)
            self.assertFalse(os.path.exists(self.path(cut)))
            self.run_program(*arguments, "--json-report", cut, code=2)  # nothing done is overwritten
            self.run_program(*arguments[:-1], "16", "--threads", "1", "--json-report", cut, "--resume")
            self.assertEqual(without_times(json.loads(self.read(cut))), without_times(json.loads(self.read(f"whole_{rule}.json"))))
            self.assertFalse(os.path.exists(self.path(cut + ".journal")))

    def test_aliases_and_tokenizers(self):
        models = os.path.join(ROOT, "models")
        self.write("aliases.json", json.dumps({"m": {"1e": os.path.join(models, LLAMA)}, "q": os.path.join(models, QWEN)}))
        run = self.smoke("a.json", "--model-alias", "m", "--model-step", "1e", "--sample-size", 2)
        self.assertEqual((run["metadata"]["model_alias"], run["metadata"]["model_step"]), ("m", "1e"))
        self.assertTrue(run["metadata"]["model_path"].endswith(LLAMA))
        for arguments, words in ((["--model-alias", "m"], ["no step"]), (["--model-alias", "x"], ["no alias", "x"]),
                                 (["--model-alias", "q", "--tokenizer-name", LLAMA], [LLAMA]),
                                 (["--sample-size", "257"], ["257", "256"]), (["--resume"], ["--json-report"])):
            _, error = self.run_program("smoke", *arguments, "-q", code=2)
            self.one_line_with(error, *words)

    def test_failures_are_reported_and_may_fail_the_command(self):
        arguments = ["--model", LLAMA, "--no-logit-processor", "--sample-size", 8]
        run = self.smoke("f.json", *arguments, "--fail-fast", code=1)
        self.assertGreater(run["num_failed"], 0)
        for failure in run["failures"]:
            self.assertTrue(failure["issues"])
            self.assertTrue(failure["decoded_text"].startswith("[SMILES]" + failure["prompt_smiles"] + "[/SMILES]"))
        self.smoke("f.json", *arguments)

    def test_records_that_cannot_be_used(self):
        self.write("m.smi", "CCO a\nC1CC b\nCC->N c\n")
        run = self.smoke("r.json", "--dataset", "m.smi", "--sample-size", 0, code=2)
        self.assertEqual((run["num_passed"], len(run["refused"])), (1, 2))
        self.assertEqual([r["source"].split(":")[-1] for r in run["refused"]], ["2", "3"])

    def test_study_resumes(self):
        arguments = ["study", "--device", "cpu", "--model", LLAMA, "--rules", "none,exact", "--sample-size", "4", "--audit-size", "2",
                     "-q", "-o", "s"]
        self.run_program(*arguments)
        kept = self.read(f"s/{LLAMA}_none.json")
        os.remove(self.path(f"s/{LLAMA}_exact.json"))
        self.run_program(*arguments, "--resume")
        self.assertEqual(self.read(f"s/{LLAMA}_none.json"), kept)
        self.assertIn(b'id="viewer"', self.read("s/report.html"))
        _, error = self.run_program(*arguments, "--resume", "--seed", "9", code=2)
        self.one_line_with(error, "seed", "0", "9")


if __name__ == "__main__":
    unittest.main()
