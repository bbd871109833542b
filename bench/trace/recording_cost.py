#!/usr/bin/env python3
"""What --profile costs: CPU time of the same run with and without it, in turns.

    python3 bench/trace/recording_cost.py build/release/src/cli/molgen3d [TURNS]

CPU time of all threads (the one that writes the trace included), one decoding thread: on a machine
with other work, wall times say more about that work. Best and median of TURNS (12).
"""
import os
import statistics
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def cpu_seconds(command, folder):
    before = os.times()
    subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
    after = os.times()
    return (after.children_user + after.children_system) - (before.children_user + before.children_system)


def main():
    program = os.path.abspath(sys.argv[1])
    turns = int(sys.argv[2]) if len(sys.argv) > 2 else 12
    with tempfile.TemporaryDirectory() as folder:
        print("| batch | without: best, median CPU s | with --profile | cost of the best | of the median |\n"
              "| --- | --- | --- | --- | --- |")
        for batch, samples in ((1, 1), (32, 8)):
            command = [program, "generate", os.path.join(ROOT, "examples/drugs.smi"), "-n", str(samples), "--seed", "3",
                       "--batch", str(batch), "--threads", "1", "--device", "cpu", "-q", "-o", "out.sdf", "--overwrite"]
            plain, recorded = [], []
            for _ in range(turns):
                plain.append(cpu_seconds(command, folder))
                recorded.append(cpu_seconds(command + ["--profile", "run.json.gz"], folder))
            cost = [f(recorded) / f(plain) - 1 for f in (min, statistics.median)]
            print(f"| {batch} | {min(plain):.3f}, {statistics.median(plain):.3f} | {min(recorded):.3f}, "
                  f"{statistics.median(recorded):.3f} | {100 * cost[0]:+.2f} % | {100 * cost[1]:+.2f} % |", flush=True)


if __name__ == "__main__":
    main()
