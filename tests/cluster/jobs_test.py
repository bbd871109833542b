#!/usr/bin/env python3
"""submit and jobs without a cluster: tasks run here, one after the other, and their outputs are one run's."""
import json
import os
import shutil
import signal
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(os.path.dirname(HERE), "cli"))
import program  # noqa: E402
from program import ProgramTest  # noqa: E402

# Equal molecules in different shards, a bad one, titles that a shell would take to pieces.
MOLECULES = """\
CCO it's $(touch hacked) "quoted"
CCN `touch hacked`
C1CC broken
OCC the first again; rm -rf x
CCCC
CC(=O)O
CCO & | > out
CCN
c1ccccc1
C[C@H](N)O
CCO
CCCl
"""
SETTINGS = ["-n", "2", "--seed", "7", "--geometry", "off", "--model", "llama-conformer-undertrained", "--device", "cpu",
            "--threads", "1"]


class Jobs(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("in put's $(x).smi", MOLECULES)
        self.generate = ["generate", "in put's $(x).smi", *SETTINGS]

    def whole(self, name, *more, code=2):
        self.run_program(*self.generate, *more, "-o", name, code=code)
        return self.read(name)

    def submit(self, *options, tasks=5, out="out.sdf", more=(), code=0):
        return self.run_program("submit", "--tasks", tasks, *options, *self.generate, *more, "-o", out, code=code)

    def status(self, folder):
        return json.loads(self.run_program("jobs", "status", "--json", folder)[0])

    def test_merged_tasks_are_one_run(self):
        for ending in ("sdf", "jsonl"):
            whole = self.whole("whole." + ending)
            self.submit(out="out." + ending)
            status = self.status(f"out.{ending}.jobs")
            self.assertEqual(status["count"], {"done": 5})
            self.assertEqual(status["samples"], 24)
            _, error = self.run_program("jobs", "merge", f"out.{ending}.jobs", code=2)
            self.one_line_with(error, "12 records of 5 tasks", "2 failed")
            self.assertEqual(self.read("out." + ending), whole)
            self.assertEqual(self.read(f"out.{ending}.failed.jsonl"), self.read(f"whole.{ending}.failed.jsonl"))
        self.assertFalse(os.path.exists(self.path("hacked")))
        text, _ = self.run_program("jobs", "status", "--all", "out.sdf.jobs")
        self.assertIn("5 tasks: 5 done", text)
        self.assertIn("24 of 24 samples done", text)

    def test_compressed_outputs_hold_the_same(self):
        whole = self.whole("whole.sdf")
        self.submit(out="out.sdf.gz", tasks=3)
        self.run_program("jobs", "merge", "out.sdf.gz.jobs", code=2)
        self.assertEqual(subprocess.run(["gzip", "-dc", self.path("out.sdf.gz")], stdout=subprocess.PIPE).stdout, whole)
        _, error = self.run_program("jobs", "merge", "out.sdf.gz.jobs", "-o", "other.sdf", code=2)
        self.one_line_with(error, "tasks wrote compressed records")
        _, error = self.run_program("jobs", "merge", "out.sdf.gz.jobs", code=2)
        self.one_line_with(error, "out.sdf.gz", "--overwrite")
        self.run_program("jobs", "merge", "out.sdf.gz.jobs", "--index", "-o", "index.jsonl", code=2)
        entries = [json.loads(line) for line in self.read("index.jsonl").splitlines()]
        self.assertEqual([entry["first"] for entry in entries], sorted(entry["first"] for entry in entries))
        self.assertEqual(sum(entry["records"] for entry in entries), 12)

    def test_incomplete_or_foreign_work_is_not_merged(self):
        self.submit()
        folder = "out.sdf.jobs"
        result = self.path(folder + "/tasks/0000/000002.result.json")
        kept = self.read(result).decode()
        os.remove(result)
        status = self.status(folder)
        self.assertEqual(status["count"], {"done": 4, "open": 1})
        _, error = self.run_program("jobs", "merge", folder, code=2)
        self.one_line_with(error, "1 of 5 tasks are not done (2)", "--partial")
        _, error = self.run_program("jobs", "merge", folder, "--partial", "-o", "part.sdf", code=2)
        self.one_line_with(error, "1 tasks are not done and were left out")
        for name, value, words in (("rdkit", "2001.01.1", ("task 2", "RDKit 2001.01.1 was used")),
                                   ("canonical", "0" * 16, ("task 2", "canonical form"))):
            changed = json.loads(kept)
            changed[name] = value
            self.write(result, json.dumps(changed))
            _, error = self.run_program("jobs", "merge", folder, code=2)
            self.one_line_with(error, *words)
        for name, value in (("seed", "8"), ("weights", "f" * 16), ("device", "cuda")):
            changed = json.loads(kept)
            changed["identity"][name] = value
            self.write(result, json.dumps(changed))
            _, error = self.run_program("jobs", "merge", folder, code=2)
            self.one_line_with(error, "task 2", value)
        self.write(result, kept)
        with open(self.path(folder + "/tasks/0000/000003.out"), "ab") as file:
            file.write(b"x")
        _, error = self.run_program("jobs", "merge", folder, code=2)
        self.one_line_with(error, "000003.out", "the task wrote")
        self.assertFalse(os.path.exists(self.path("out.sdf")))

    def test_a_stopped_submission_is_resumed(self):
        self.generate[self.generate.index("-n") + 1] = "40"
        whole = self.whole("whole.sdf")
        words = ["submit", "--tasks", "4", *self.generate, "-o", "out.sdf"]
        process = subprocess.Popen([program.PROGRAM, *words], cwd=self.folder.name, stderr=subprocess.PIPE, text=True)
        journal = self.path("out.sdf.jobs/tasks/0000/000001.out.journal")
        while not os.path.exists(journal) or self.read(journal).count(b"\n") < 5:
            self.assertIsNone(process.poll())
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate()
        self.assertEqual(process.returncode, 130, error)
        status = self.status("out.sdf.jobs")
        self.assertEqual(status["count"], {"done": 1, "open": 3})
        self.assertGreaterEqual(status["tasks"][1]["done"], 4)
        self.assertGreater(status["tasks"][1]["left"], 0)
        self.run_program("jobs", "resume", "out.sdf.jobs")
        self.run_program("jobs", "merge", "out.sdf.jobs", code=2)
        self.assertEqual(self.read("out.sdf"), whole)
        _, error = self.run_program("jobs", "resume", "out.sdf.jobs")
        self.one_line_with(error, "all tasks are done")

    def preload(self, records, most):
        """Environment in which the program is killed when it has taken `records` records, `most` times."""
        library = self.path("die.so")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", library, os.path.join(HERE, "die_on_record.c"), "-ldl"], check=True)
        return dict(os.environ, LD_PRELOAD=library, MOLGEN3D_TEST_DIE=str(records), MOLGEN3D_TEST_MOST=str(most),
                    MOLGEN3D_TEST_DEATHS=self.path("deaths"))

    def submit_dying(self, records, most, *options, code=0):
        words = ["submit", "--tasks", "1", *options, *self.generate, "-o", "out.sdf"]
        done = subprocess.run([program.PROGRAM, *words], cwd=self.folder.name, stderr=subprocess.PIPE, text=True,
                              env=self.preload(records, most), timeout=300)
        self.assertEqual(done.returncode, code, done.stderr)
        return done.stderr

    @unittest.skipUnless(shutil.which("cc"), "no C compiler")
    def test_a_death_is_survived(self):
        whole = self.whole("whole.sdf")
        error = self.submit_dying(4, 1)
        self.one_line_with(error, "task 0", "signal 9", "started again")
        self.run_program("jobs", "merge", "out.sdf.jobs", code=2)
        self.assertEqual(self.read("out.sdf"), whole)

    @unittest.skipUnless(shutil.which("cc"), "no C compiler")
    def test_a_record_that_kills_is_set_aside(self):
        whole = self.whole("whole.sdf").split(b"$$$$\n")
        self.submit_dying(5, 1000)
        self.assertEqual(len(self.read("deaths")), 5)
        self.run_program("jobs", "merge", "out.sdf.jobs", code=2)
        # The fifth record (CCCC) is gone, all others are what they were; it stands among the failures with its cause.
        self.assertEqual(self.read("out.sdf").split(b"$$$$\n"), whole[:6] + whole[8:])
        failures = [json.loads(line) for line in self.read("out.sdf.failed.jsonl").splitlines()]
        aside = [one for one in failures if "set aside" in one["error"]]
        self.assertEqual(len(aside), 2)
        self.assertIn("in put's $(x).smi:5: \"CCCC\": set aside: the program died on it 2 times, last of signal 9",
                      aside[0]["error"])
        status = self.status("out.sdf.jobs")
        self.assertEqual(status["tasks"][0]["aside"], 1)
        text, _ = self.run_program("jobs", "status", "out.sdf.jobs")
        self.assertIn("1 record set aside", text)

    def test_what_cannot_work_is_given_up(self):
        shutil.copytree(os.path.join(program.ROOT, "models", "llama-conformer-undertrained"), self.path("model"))
        self.generate[self.generate.index("--model") + 1] = "model"
        self.submit(tasks=2)
        shutil.rmtree(self.path("model"))
        for name in os.listdir(self.path("out.sdf.jobs/tasks/0000")):
            os.remove(self.path("out.sdf.jobs/tasks/0000/" + name))
        _, error = self.run_program("jobs", "resume", "out.sdf.jobs", code=2)
        self.assertIn("given up: no result (exit code 2)", error)
        self.assertEqual(self.status("out.sdf.jobs")["count"], {"gave up": 2})
        _, error = self.run_program("jobs", "resume", "out.sdf.jobs")
        self.assertIn("--again", error)

    def test_other_commands_are_one_task(self):
        settings = ["--model", "llama-conformer-undertrained", "--sample-size", "4", "--device", "cpu", "--threads", "1"]
        self.run_program("submit", "--folder", "s", "smoke", *settings, "--quiet")
        report = json.loads(self.read("s/report.json"))
        self.assertEqual(report["metadata"]["sample_size"], 4)
        self.assertEqual(self.status("s")["count"], {"done": 1})
        _, error = self.run_program("jobs", "merge", "s", code=2)
        self.one_line_with(error, "nothing to merge")

    def test_bad_calls(self):
        for words, parts in ((["submit"], ("no command",)),
                             (["submit", "mars", *self.generate, "-o", "x.sdf"], ("profile \"mars\"", "built in")),
                             (["submit", *self.generate], ("needs --output",)),
                             (["submit", "generate", "-o", "x.sdf"], ("input is required",)),
                             (["submit", *self.generate, "--seed", "x", "-o", "x.sdf"], ("--seed",)),
                             (["jobs", "status", "nowhere"], ("no manifest.json",)),
                             (["jobs", "run", "nowhere", "1"], ("no manifest.json",))):
            _, error = self.run_program(*words, code=2)
            self.assertTrue(all(part in error for part in parts), error)
        self.submit(tasks=2)
        _, error = self.submit(tasks=2, code=2)
        self.one_line_with(error, "out.sdf.jobs: is there already")
        _, error = self.run_program("jobs", "run", "out.sdf.jobs", "2", code=2)
        self.one_line_with(error, "has tasks 0 to 1, not 2")
        _, error = self.run_program("jobs", "logs", "out.sdf.jobs", "1", code=2)
        self.one_line_with(error, "there is no log yet")


class DryRun(ProgramTest):
    def test_the_runs_of_the_study(self):
        """One GPU, 4 cores, 40 GB, 60 minutes, named by cache and size: run_logit_processor_smoke.py --submit h100."""
        for model in ("qwen3-conformer", "llama-conformer-undertrained"):
            for rule in (["--no-logit-processor"], ["--processor-type", "qwen"]):
                settings = ["smoke", "--model-path", model, "--sample-size", "1000", "--batch-size", "32",
                            "--sampling-config", "greedy", "--json-report", "r.json", *rule]
                by_option, _ = self.run_program(*settings, "--submit", "h100", "--dry-run")
                by_command, error = self.run_program("submit", "--dry-run", "h100", *settings)
                self.assertEqual(by_option, by_command)
                for line in ("#SBATCH --job-name=smoke_paged_1000", "#SBATCH --gres=gpu:h100:1",
                             "#SBATCH --cpus-per-task=4", "#SBATCH --mem=40G", "#SBATCH --time=60",
                             "#SBATCH --array=0", "#SBATCH --requeue", "#SBATCH --signal=B:USR1@120"):
                    self.assertIn(line + "\n", by_command)
                command = [line for line in by_command.splitlines() if " smoke " in line]
                self.assertEqual(len(command), 1)
                self.assertIn(" ".join(settings[1:] + ["--device=cuda", "--threads=4"]), command[0])
                self.assertFalse(os.path.exists(self.path("jobs/smoke_paged_1000")))

    def test_texts_stay_texts(self):
        folder = self.path("it's $(touch hacked) \"here\" 100%")
        os.mkdir(folder)
        self.write("in.smi", "CCO\n" * 4)
        self.write("p.ini", "[mine]\ngres = gpu:1\ntime = 30\nsetup = echo ready\n")
        out, _ = self.run_program("submit", "--profiles", "p.ini", "--tasks", "2", "--dry-run", "--folder", folder + "/jobs",
                                  "mine", "generate", "in.smi", "-o", "o.sdf", "--device", "cpu")
        script = out[out.index("#!/bin/bash"):out.rindex("SCRIPT\n")]
        # The program is replaced by one that shows its arguments.
        script = script.replace("exec ", "show() { printf '<%s>' \"$@\"; }\nshow ")
        done = subprocess.run(["bash", "-c", script], cwd=self.folder.name, text=True, stdout=subprocess.PIPE,
                              env=dict(os.environ, SLURM_ARRAY_TASK_ID="1"))
        real = os.path.realpath(folder)
        self.assertTrue(done.stdout.startswith("ready\n"))
        self.assertTrue(done.stdout.endswith(f"<jobs><run><{real}/jobs><1>"), done.stdout)
        call = [line for line in out.splitlines() if line.startswith("sbatch")][0].replace(" <<'SCRIPT'", "")
        shown = subprocess.run(["bash", "-c", "printf '<%s>' " + call], text=True, stdout=subprocess.PIPE).stdout
        self.assertIn(f"<--output={real}/jobs/logs/0000/0+%a.log>".replace("100%", "100%%"), shown)
        self.assertFalse(os.path.exists(self.path("hacked")))
        _, error = self.run_program("submit", "--dry-run", "--folder", "a\nb", "h100", "generate", "in.smi", "-o", "o.sdf",
                                    code=2)
        self.one_line_with(error, "a control character cannot be part of a script")


if __name__ == "__main__":
    unittest.main()
