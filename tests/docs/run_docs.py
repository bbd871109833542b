#!/usr/bin/env python3
"""Runs every ```sh block of README.md, models/README.md and docs/*.md, so that the documentation cannot lie.

usage: run_docs.py MOLGEN3D_PROGRAM [FILE.md ...]

Blocks of one page run in order in one fresh folder that sees the repository's models/ and examples/.
`./run.sh` and `molgen3d` mean the given program. A block marked ```sh no-test is shown but not run (it
needs hours, a GPU or other people's data). A block fails when a command in it does; a block marked
```sh exit-2 must end with that code.
"""
import os
import re
import subprocess
import sys
import tempfile

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
BLOCK = re.compile(r"^```sh[ \t]*([^\n]*)\n(.*?)^```", re.M | re.S)


def run_page(path, program):
    failures = 0
    blocks = BLOCK.findall(open(path, encoding="utf-8").read())
    with tempfile.TemporaryDirectory(prefix="molgen3d_docs_") as folder:
        for name in ("models", "examples"):
            os.symlink(os.path.join(ROOT, name), os.path.join(folder, name))
        os.mkdir(os.path.join(folder, "bin"))
        os.symlink(program, os.path.join(folder, "bin", "molgen3d"))
        environment = dict(os.environ, PATH=os.path.join(folder, "bin") + ":" + os.environ["PATH"])
        for mark, text in blocks:
            if "no-test" in mark:
                continue
            wanted = int(mark.split("exit-")[1].split()[0]) if "exit-" in mark else 0
            script = "set -eo pipefail\n" + text.replace("./run.sh", "molgen3d")
            done = subprocess.run(["bash", "-c", script], cwd=folder, env=environment, text=True,
                                  stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=600)
            if done.returncode != wanted:
                failures += 1
                print(f"{os.path.relpath(path, ROOT)}: exit code {done.returncode}, wanted {wanted}:\n{text}\n"
                      f"--- output\n{done.stdout[-3000:]}")
    print(f"{os.path.relpath(path, ROOT)}: {sum('no-test' not in m for m, _ in blocks)} blocks run, {failures} failed")
    return failures


def main():
    program = os.path.abspath(sys.argv[1])
    docs = os.path.join(ROOT, "docs")
    pages = sys.argv[2:] or [os.path.join(ROOT, "README.md"), os.path.join(ROOT, "models", "README.md")] + sorted(
        os.path.join(docs, f) for f in os.listdir(docs) if f.endswith(".md"))
    sys.exit(1 if sum(run_page(p, program) for p in pages) else 0)


if __name__ == "__main__":
    main()
