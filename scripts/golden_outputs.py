#!/usr/bin/env python3
"""Outputs of a fixed set of runs, without times, to compare two builds by `diff -r`.

  scripts/golden_outputs.py build/release before       # of today's build
  ... change, build ...
  scripts/golden_outputs.py build/release after
  diff -r before after

Runs generate, smoke, study, report, evaluate, encode, decode, dataset, tokens, diagnose, model and
trace of BUILD on the CPU with few molecules, and the Python package if it was built. Every command
leaves its output, its messages and its exit code. About two minutes on two cores. --without
geometry leaves out what programs before 0.2 do not know.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parent.parent
MOLECULES = [
    "CC(=O)Oc1ccccc1C(=O)O aspirin", "C[C@H](N)C(=O)O alanine", "F/C=C/Cl trans", "C1CCCCC1 cyclohexane",
    "OC(=O)[C@@H]1CCCN1 proline", "c1ccc2ccccc2c1 naphthalene", "C[C@@H]1CC[C@H](O)CC1 trans-4-methylcyclohexanol",
    "[Na+].CC(=O)[O-] salt", "N#Cc1ccncc1 nitrile", "CS(=O)(=O)N sulfonamide", "not_a_smiles broken",
]
MODELS = {"qwen": "qwen3-conformer", "llama": "llama-conformer-undertrained"}
# What differs between two runs of one build: times, speeds, dates, memory, versions and paths.
TIMES = re.compile(r"(second|time|_ms|per_s|date|started|finished|memory|bytes|version|host|cpu|threads|path|speed|"
                   r"wall|rss|clock|commit|profile|created)", re.I)


def without_times(value):
    if isinstance(value, dict):
        return {key: without_times(item) for key, item in value.items() if not TIMES.search(key)}
    if isinstance(value, list):
        return [without_times(item) for item in value]
    return value


def with_equal_times(value, inside=False):
    """Every number under a key that speaks of time is 1: reports are made from these."""
    if isinstance(value, dict):
        return {key: with_equal_times(item, inside or bool(TIMES.search(key))) for key, item in value.items()}
    if isinstance(value, list):
        return [with_equal_times(item, inside) for item in value]
    if not inside or isinstance(value, bool) or value is None:
        return value
    return "then" if isinstance(value, str) else 1


def text_without_times(text, folder):
    text = text.replace(str(folder), "FOLDER")
    lines = [line for line in text.splitlines()
             if not re.search(r"\b\d+(\.\d+)? (s|ms|us)\b|/s\b|per second|\bseconds?\b|molgen3d \d", line)]
    return "\n".join(lines) + "\n"


class Recorder:
    def __init__(self, program, folder):
        self.program, self.folder = program, folder

    def run(self, name, *arguments, lines=False, silent=False):
        """One command; {x} in its arguments is FOLDER/x."""
        filled = [re.sub(r"\{([^}]*)\}", lambda found: str(self.folder / found.group(1)), argument)
                  for argument in arguments]
        done = subprocess.run([self.program, *filled], capture_output=True, cwd=ROOT, timeout=600,
                              env={**os.environ, "MOLGEN3D_MODELS": str(ROOT / "models")})
        out = done.stdout.decode(errors="backslashreplace")
        error = done.stderr.decode(errors="backslashreplace")
        if silent:
            return  # it prints times in tables
        (self.folder / f"{name}.out").write_text(out if lines else text_without_times(out, self.folder))
        (self.folder / f"{name}.err").write_text(f"exit {done.returncode}\n" + text_without_times(error, self.folder))

    def freeze(self, *patterns):
        """Run reports of which nothing depends on the clock."""
        for pattern in patterns:
            for path in self.folder.glob(pattern):
                path.write_text(json.dumps(with_equal_times(json.loads(path.read_text()))))

    def clean(self):
        """Takes the times out of what commands wrote themselves."""
        for path in sorted(self.folder.rglob("*.json")):
            path.write_text(
                json.dumps(without_times(json.loads(path.read_text())), indent=1, sort_keys=True)
                .replace(str(self.folder), "FOLDER") + "\n")
        for path in self.folder.rglob("*"):
            if path.suffix in (".md", ".html", ".txt"):
                path.write_text(text_without_times(path.read_text(), self.folder))
            elif path.suffix == ".jsonl":
                path.write_text(path.read_text().replace(str(self.folder), "FOLDER"))


def record(recorder, geometry, traces):
    folder = recorder.folder
    (folder / "in.smi").write_text("\n".join(MOLECULES) + "\n")
    (folder / "in.csv").write_text("smiles,name\n" + "\n".join(line.replace(" ", ",") for line in MOLECULES) + "\n")
    off = ["--geometry", "off"] if geometry else []
    common = ["--device", "cpu", "--seed", "5"]
    for short, model in MODELS.items():
        base = ["generate", "{in.smi}", "-n", "2", "--model", model, *common]
        recorder.run(f"generate_{short}", *base, *off, "--temperature", "1", "-o", f"{{{short}.sdf}}")
        recorder.run(f"generate_{short}_greedy", *base, *off, "--sampling", "greedy", "-o", f"{{{short}.jsonl}}")
        for rule in ("none", "generic", "qwen", "allowlist"):
            recorder.run(f"generate_{short}_{rule}", *base, "--constraint", rule, "--temperature", "0.7", "-o",
                         f"{{{short}_{rule}.jsonl}}")
        if geometry:
            for level in ("stereo", "full"):
                recorder.run(f"generate_{short}_{level}", *base, "--geometry", level, "--temperature", "1", "-o",
                             f"{{{short}_{level}.jsonl}}")
    recorder.run("generate_csv", "generate", "{in.csv}", *common, *off, "--audit", "--format", "enriched")
    recorder.run("generate_xyz", "generate", "{in.smi}", *common, *off, "--add-hydrogens", "-o", "{x.xyz}")
    recorder.run("generate_float", "generate", "{in.smi}", *common, *off, "--dtype", "float32", "--top-p", ".9")
    for rule in ("exact", "none", "qwen"):
        recorder.run(f"smoke_{rule}", "smoke", "--sample-size", "12", "--processor-type", rule, "--sampling-config",
                     "top_p_sampling1", "--audit", *common, "--json-report", f"{{smoke_{rule}.json}}", silent=True)
    recorder.run("study", "study", "--sample-size", "8", "--audit-size", "4", *common, "-o", "{study}",
                 "--model", *MODELS.values(), silent=True)
    for path in (folder / "study").glob("report.*"):
        path.unlink()  # written with times; "report" below makes it again
    for path in (folder / "study").glob("*.md"):
        path.unlink()
    recorder.freeze("smoke_*.json", "study/*.json")
    recorder.run("report_study", "report", 
                 *sorted(f"{{study/{path.name}}}" for path in (folder / "study").glob("*.json")))
    reports = [f"{{smoke_{rule}.json}}" for rule in ("exact", "none", "qwen")]
    recorder.run("report", "report", *reports)
    recorder.run("report_files", "report", *reports, "-o", "{report.html}", "{report.md}", "{report.json}")
    recorder.run("diagnose", "diagnose", "--sample-size", "4", "--constraint", "allowlist", *common, "--tokens",
                 "{diagnose.jsonl}")
    recorder.run("dataset", "dataset", "{in.smi}", "-k", "3", "-o", "{data}", "--sdf", "--tsv", "--text", "--quiet",
                 "--threads", "1", "--split", "train=0.7,test=0.3")
    recorder.run("dataset_info", "dataset", "info", "{data}")
    recorder.run("dataset_references", "dataset", "{in.smi}", "-k", "3", "-o", "{references}", "--sdf", "--quiet")
    recorder.run("encode", "encode", "{references/all.sdf}", "--json")
    recorder.run("encode_training", "encode", "{references/all.sdf}", "--training", "-o", "{train.enriched}")
    recorder.run("decode", "decode", "{train.enriched}", "--format", "jsonl")
    recorder.run("decode_sdf", "decode", "[C]<0,0,0>[O]<1.43,0,0>", "--format", "sdf")
    recorder.run("decode_bad", "decode", "[C]<0,0>[O]<1.43,0,0>", "--format", "sdf")
    recorder.run("evaluate", "evaluate", "{qwen.sdf}", "{qwen.jsonl}", "--reference", "{references/all.sdf}",
                 "--bootstrap", "50", "-o", "{evaluation.json}", "{evaluation.csv}", "{evaluation.md}",
                 "--per-molecule", "{molecules.csv}")
    runs = sorted(path.name for path in (folder / "study").glob("*.json"))
    recorder.run("evaluate_study", "evaluate", *[f"{{study/{name}}}" for name in runs], "--bootstrap", "50", "--csv")
    recorder.run("tokens", "tokens", "--list", "[C]<1.2,-0.5,0.25>")
    recorder.run("tokens_json", "tokens", "--json")
    recorder.run("model", "model", "qwen3-conformer")
    for path in sorted(traces.glob("*.json*"))[:12]:
        short = path.name.split(".")[0]
        for question in ("top", "launches", "gpu", "memory", "small", "steps", "check"):
            recorder.run(f"trace_{short}_{question}", "trace", question, str(path), lines=True)


PYTHON = """
import json
import sys
import molgen3d
out = []
for options in ({}, {"temperature": 1.0}, {"rule": "none"}):
    if sys.argv[1] == "geometry" and "rule" not in options:
        options["geometry"] = "off"
    for conformer in molgen3d.generate(["C[C@H](N)C(=O)O", "c1ccccc1O"], n=2, seed=3, device="cpu", errors="keep", **options):
        out.append([conformer.smiles, conformer.text, repr(conformer.error)])
print(json.dumps(out, indent=1))
"""


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("build", type=pathlib.Path, help="build folder, such as build/release")
    parser.add_argument("folder", type=pathlib.Path, help="where the outputs go; must not exist")
    parser.add_argument("--traces", type=pathlib.Path, default=ROOT / "build/data/traces",
                        help="folder of Chrome traces [default: what scripts/fetch_test_data.py fetches]")
    parser.add_argument("--without", choices=["geometry"], help="leave these runs out")
    options = parser.parse_args()
    program = (options.build / "src/cli/molgen3d").resolve()
    if not program.exists():
        sys.exit(f"golden_outputs: {program} is not built (scripts/build.sh)")
    options.folder.mkdir(parents=True)
    recorder = Recorder(program, options.folder.resolve())
    record(recorder, geometry=options.without != "geometry", traces=options.traces)
    package = (options.build / "python").resolve()
    if (package / "molgen3d").exists():
        done = subprocess.run(["/usr/bin/python3", "-c", PYTHON, options.without or "geometry"], capture_output=True, text=True, timeout=600,
                              env={**os.environ, "PYTHONPATH": str(package), "MOLGEN3D_MODELS": str(ROOT / "models")})
        (recorder.folder / "python.out").write_text(done.stdout)
        (recorder.folder / "python.err").write_text(f"exit {done.returncode}\n{done.stderr}")
    recorder.clean()


if __name__ == "__main__":
    main()
