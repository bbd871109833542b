#!/usr/bin/env python3
"""Compile time of two build folders in processor seconds, file by file on the same machine at the same time.

    python3 bench/build/build_time.py BEFORE AFTER [--every N] [--only TEXT]

BEFORE and AFTER are configured with CMAKE_EXPORT_COMPILE_COMMANDS (the presets are); what AFTER precompiles has to be
built. Every N-th file that both compile is compiled twice in each, without ccache, the less busy time counts (user and
system). Sums are for the files measured, then for all of a kind: a busy machine stretches both sides alike, so the ratio
holds where the seconds do not.
"""
import argparse
import json
import os
import re
import resource
import subprocess
import tempfile


def commands(folder):
    """{path in the tree: (folder, command)}; the tree's root is where the longest paths agree."""
    with open(os.path.join(folder, "compile_commands.json"), encoding="utf-8") as file:
        entries = [e for e in json.load(file) if e["file"].endswith(".cpp") and "/precompiled/" not in e["file"]]
    root = os.path.commonpath([e["file"] for e in entries if "/embedded/" not in e["file"]])
    return {os.path.relpath(e["file"], root): (e["directory"], e["command"]) for e in entries
            if not os.path.relpath(e["file"], root).startswith("..") and "/embedded/" not in e["file"]}


def seconds(folder, command, out):
    words = re.sub(r"^(?:env )?(?:CCACHE_\S+ )?\S*ccache ", "", command)
    words = re.sub(r" -o \S+", f" -o {out}", words)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(words, shell=True, cwd=folder, check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("before")
    parser.add_argument("after")
    parser.add_argument("--every", type=int, default=10)
    parser.add_argument("--repeats", type=int, default=2)
    parser.add_argument("--only", default="")
    arguments = parser.parse_args()
    before, after = commands(arguments.before), commands(arguments.after)
    sums = {}
    with tempfile.TemporaryDirectory() as work:
        out = os.path.join(work, "out.o")
        for kind in ("src/cli", "src/molecule src/quality", "src", "python", "tests"):
            taken = set().union(*(s[3] for s in sums.values())) if sums else set()
            paths = [p for p in sorted(set(before) & set(after))
                     if p.startswith(tuple(kind.split())) and p not in taken and arguments.only in p]
            sample = paths[::arguments.every]
            a = b = 0
            for path in sample:
                times = [(seconds(*before[path], out), seconds(*after[path], out)) for _ in range(arguments.repeats)]
                x, y = (min(t[side] for t in times) for side in (0, 1))
                print(f"{x:7.2f} {y:7.2f}  {path}", flush=True)
                a, b = a + x, b + y
            sums[kind] = (len(sample), a, b, set(paths))
    print("\n| files | all | measured | before, s | after, s | after / before |\n| --- | ---: | ---: | ---: | ---: | ---: |")
    for kind, (count, a, b, paths) in sums.items():
        if count:
            print(f"| `{'`, `'.join(kind.split())}` | {len(paths)} | {count} | {a:.1f} | {b:.1f} | {b / a:.2f} |")


if __name__ == "__main__":
    main()
