#!/usr/bin/env python3
"""A submission on a real Slurm cluster of this machine, with everything that happens to jobs: 500 molecules in 20 tasks
under a MaxArraySize of 8, of which one program is killed, one whole job is killed, one runs out of time, one is preempted,
and a node is drained. The merged output is that of one run."""
import json
import os
import re
import signal
import subprocess
import sys
import time
import unittest

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(os.path.dirname(HERE), "cli")]
import program  # noqa: E402
import slurm_cluster  # noqa: E402
from program import ProgramTest  # noqa: E402

TASKS = 20
SETTINGS = ["--seed", "7", "--geometry", "off", "--model", "llama-conformer-undertrained", "--device", "cpu",
            "--threads", "1"]
SLOWLY = ["--batch", "1"]  # which changes no result
PROFILES = """\
[test]
partition = main
time = 1
parallel = 6
setup = export MOLGEN3D_TEST_SETUP='it is'
"""


def molecules():
    """500 chains; many of them equal, so that shards have to know of each other."""
    ends = ["", "O", "N", "F", "Cl", "C(=O)O", "C#N", "c1ccccc1"]
    return "".join(f"{'C' * (6 + i % 7)}{ends[i % 8]} mol {i} it's $({i})\n" for i in range(500))


@unittest.skipIf(slurm_cluster.why_not(), f"no Slurm: {slurm_cluster.why_not()}")
class Slurm(ProgramTest):
    def setUp(self):
        super().setUp()
        os.mkdir(self.path("cluster"))
        self.cluster = slurm_cluster.SlurmCluster(self.path("cluster"), max_array=8)
        self.addCleanup(self.cluster.stop)
        self.write("molecules.smi", molecules())
        self.write("profiles.ini", PROFILES)

    def molgen3d(self, *words, code=0):
        done = subprocess.run([program.PROGRAM, *map(str, words)], cwd=self.folder.name, text=True, timeout=900,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=self.cluster.environment)
        self.assertEqual(done.returncode, code, f"{words}\n{done.stdout[-1000:]}\n{done.stderr[-2000:]}")
        return done.stdout, done.stderr

    def status(self):
        return json.loads(self.molgen3d("jobs", "status", "--json", self.jobs)[0])

    def task(self, number):
        return self.status()["tasks"][number]

    def wait(self, what, is_so, seconds=240):
        return self.cluster.wait_for(what, is_so, seconds)

    def running(self, but=()):
        """A task that runs and has made something but not all: its number, its job, the process ids of its job and of its
        program, which stands still (SIGSTOP) so that it stays like that."""
        for runner in children_named("jobs"):
            words = words_of(runner)
            if words[1:3] != ["jobs", "run"] or int(words[4]) in but or not children_of(runner):
                continue
            child = children_of(runner)[0]
            os.kill(child, signal.SIGSTOP)
            one = self.task(int(words[4]))
            if one["state"] == "running" and one["done"] > 0 and one["left"] > 3:
                return one["task"], one["job"], runner, child
            os.kill(child, signal.SIGCONT)
            time.sleep(0.3)
        return None

    def test_all_that_happens_to_jobs(self):
        self.jobs = "it's a folder of $(jobs)"
        self.molgen3d("generate", "molecules.smi", *SETTINGS, "-o", "whole.sdf", "--quiet")
        out, error = self.molgen3d("submit", "--profiles", "profiles.ini", "--tasks", TASKS, "--margin", "20", "--folder",
                                   self.jobs, "test", "generate", "molecules.smi", *SETTINGS, *SLOWLY, "-o", "out.sdf")
        self.assertRegex(out, r"^20 tasks in jobs \d+, \d+, \d+\n$")
        self.assertIn("jobs status", error)
        status = self.status()
        self.assertEqual(len(status["tasks"]), TASKS)
        self.assertEqual(sum(status["count"].values()), TASKS)
        self.assertEqual(status["samples"], 500)
        self.check_texts(status)

        hit = {}
        # A program is killed: its task starts it again.
        task, _, _, child = self.wait("a running task", self.running)
        os.kill(child, signal.SIGKILL)
        hit["program"] = task
        self.wait("the log of it", lambda: "signal 9" in self.log_of(task))

        # A whole job is killed: nobody is left to start anything, so it is open until it is resumed.
        task, job, runner, child = self.wait("a running task", lambda: self.running(hit.values()))
        os.kill(runner, signal.SIGSTOP)
        os.kill(child, signal.SIGKILL)
        os.kill(runner, signal.SIGKILL)
        hit["job"] = task
        self.wait("its end", lambda: self.task(task)["state"] == "open")

        # Preempted: a job of more weight takes the node.
        task, job, runner, child = self.wait("a running task", lambda: self.running(hit.values()))
        node = self.cluster.run("squeue", "-h", "-j", job, "-o", "%N").strip()
        hit["preempted"] = task
        os.kill(child, signal.SIGCONT)
        urgent = self.cluster.run("sbatch", "--parsable", "--partition=urgent", "--nodelist=" + node, "--time=1",
                                  "--output=/dev/null", "--wrap=sleep 3").strip()
        self.assertRegex(urgent, r"^\d+$")
        self.wait("the preemption", lambda: self.task(task)["state"] == "pending", 60)
        self.assertIn(self.task(task)["reason"].split(",")[0], ("BeginTime", "Resources", "Priority", "None", "JobArrayTaskLimit"))
        self.cluster.run("scontrol", "update", "JobId=" + job, "StartTime=now")

        # Out of time (last, as the others do not wait for it): the program stands still until its time is up, then stops as it is told.
        task, job, runner, child = self.wait("a running task", lambda: self.running(hit.values()))
        hit["time"] = task
        before = self.task(task)["done"]
        left = lambda: time_left(self.cluster, job)  # noqa: E731
        self.wait("the end of its time", lambda: left() is not None and left() < 17, 120)
        self.assertEqual(self.task(task)["state"], "running")
        os.kill(child, signal.SIGCONT)
        self.wait("its stop", lambda: "asks to be queued again" in self.log_of(task), 60)
        self.wait("its next job", lambda: self.task(task)["state"] in ("pending", "running", "done"))
        waiting = self.task(task)
        self.assertEqual(waiting["requeues"], 1)
        self.assertGreaterEqual(waiting["done"], before)
        # Slurm lets a job that is queued again wait for two minutes.
        self.cluster.run("scontrol", "update", "JobId=" + job, "StartTime=now")

        # A node is drained: the rest runs on the other.
        self.cluster.run("scontrol", "update", "NodeName=n2", "State=DRAIN", "Reason=test")
        self.wait("all but the killed job", lambda: self.nudge() and set(self.status()["count"]) == {"done", "open"}, 420)
        status = self.status()
        self.assertEqual(status["count"], {"done": TASKS - 1, "open": 1})
        self.assertEqual([one["task"] for one in status["tasks"] if one["state"] == "open"], [hit["job"]])
        _, error = self.molgen3d("jobs", "merge", self.jobs, code=2)
        self.one_line_with(error, "1 of 20 tasks are not done", str(hit["job"]))

        out, _ = self.molgen3d("jobs", "resume", self.jobs)
        self.assertRegex(out, r"^1 task in job \d+\n$")
        self.wait("the last task", lambda: self.status()["count"] == {"done": TASKS})
        _, error = self.molgen3d("jobs", "merge", self.jobs)
        self.one_line_with(error, "500 records of 20 tasks, 500 samples, 0 failed")
        self.assertEqual(self.read("out.sdf"), self.read("whole.sdf"))
        self.assertGreaterEqual(self.task(hit["program"])["attempts"], 2)
        self.assertGreaterEqual(self.task(hit["time"])["attempts"], 2)
        self.assertGreaterEqual(self.task(hit["preempted"])["attempts"], 2)
        out, _ = self.molgen3d("jobs", "logs", self.jobs, hit["time"], "--lines", "0")
        self.assertIn("asks to be queued again", out)

    def nudge(self):
        """Slurm makes jobs wait that were queued again; the test does not."""
        for line in self.cluster.run("squeue", "-h", "-r", "-t", "PENDING", "-o", "%i %r").splitlines():
            if line.endswith("BeginTime"):
                self.cluster.run("scontrol", "update", "JobId=" + line.split()[0], "StartTime=now")
        return True

    def check_texts(self, status):
        """The table for people says what the one for machines says."""
        text, _ = self.molgen3d("jobs", "status", self.jobs)
        self.assertIn("20 tasks: ", text)
        self.assertRegex(text, r"\d+ of 500 samples done")
        pending = [one for one in status["tasks"] if one["state"] == "pending"]
        self.assertTrue(pending)
        self.assertTrue(all(one["reason"] for one in pending), pending)
        self.assertTrue(re.search(rf"^ +{pending[-1]['task']} pending ", text, re.M), text)

    def log_of(self, task):
        try:
            return self.molgen3d("jobs", "logs", self.jobs, task, "--lines", "0")[0]
        except AssertionError:
            return ""

    def test_cancel_and_resume(self):
        self.jobs = "jobs"
        self.molgen3d("submit", "--profiles", "profiles.ini", "--tasks", "4", "--folder", self.jobs, "--quiet", "test",
                      "generate", "molecules.smi", *SETTINGS, *SLOWLY, "--limit", "160", "-o", "out.sdf")
        _, _, _, child = self.wait("a running task", self.running)
        os.kill(child, signal.SIGCONT)
        _, error = self.molgen3d("jobs", "cancel", self.jobs)
        self.one_line_with(error, "cancelled")
        self.wait("an empty queue", lambda: not self.cluster.run("squeue", "-h").strip(), 60)
        status = self.status()
        self.assertIn("cancelled", status["count"])
        self.assertNotIn("running", status["count"])
        done = status["done"]
        self.assertGreater(done, 0)
        self.molgen3d("jobs", "resume", self.jobs)
        self.wait("all tasks", lambda: self.status()["count"] == {"done": 4})
        self.molgen3d("jobs", "merge", self.jobs)
        self.molgen3d("generate", "molecules.smi", *SETTINGS, "--limit", "160", "-o", "whole.sdf")
        self.assertEqual(self.read("out.sdf"), self.read("whole.sdf"))

    def test_refused_by_slurm(self):
        self.write("bad.ini", "[bad]\npartition = nowhere\ntime = 1\n")
        _, error = self.molgen3d("submit", "--profiles", "bad.ini", "--tasks", "2", "bad", "generate", "molecules.smi",
                                 *SETTINGS, "-o", "out.sdf", code=2)
        self.one_line_with(error, "sbatch: ", "partition")


def words_of(process):
    try:
        with open(f"/proc/{process}/cmdline", "rb") as file:
            return file.read().decode(errors="replace").split("\0")[:-1]
    except OSError:
        return []


def processes():
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def children_named(word):
    return [one for one in processes() if word in words_of(one)[1:2]]


def children_of(parent):
    out = []
    for one in processes():
        try:
            with open(f"/proc/{one}/stat") as file:
                if int(file.read().rsplit(")", 1)[1].split()[1]) == parent:
                    out.append(one)
        except (OSError, IndexError):
            pass
    return out


def time_left(cluster, job):
    """Seconds until a job's time is up."""
    text = cluster.run("squeue", "-h", "-j", job, "-t", "RUNNING", "-o", "%e").strip()
    try:
        return time.mktime(time.strptime(text, "%Y-%m-%dT%H:%M:%S")) - time.time()
    except ValueError:
        return None


if __name__ == "__main__":
    unittest.main()
