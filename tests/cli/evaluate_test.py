#!/usr/bin/env python3
"""evaluate from outside: files in, tables out; RDKit's own GetBestRMS gives the distances."""
import csv
import gzip
import json
import lzma
import unittest

from rdkit import Chem
from rdkit.Chem import rdMolAlign

from program import ProgramTest

SMILES = ["CC(C)C[C@H](N)C(=O)[O-]", "c1ccccc1CC(=O)NC", "CC(=O)OCC"]


class Evaluate(ProgramTest):
    def setUp(self):
        super().setUp()
        self.write("m.smi", "".join(f"{s} molecule-{i}\n" for i, s in enumerate(SMILES)))
        self.run_program("generate", "m.smi", "-n", 3, "--seed", 4, "-q", "-o", "g.sdf")
        # References of RDKit for the molecules of g.sdf.
        self.run_program("evaluate", "g.sdf", "--baseline", "etkdg", "--baseline-output", "r.sdf", "-q")

    def row(self, *arguments, label="g", code=0):
        out, _ = self.run_program("evaluate", *arguments, "--json", "-q", code=code)
        return next(r for r in json.loads(out)["rows"] if r["label"] == label)

    def value(self, row, key):
        return row["figures"][key]["value"]

    def test_distances_are_those_of_rdkit(self):
        def conformers(name):
            by_smiles = {}
            for mol in Chem.SDMolSupplier(self.path(name)):
                by_smiles.setdefault(Chem.CanonSmiles(mol.GetProp("SMILES")), []).append(Chem.RemoveHs(mol))
            return by_smiles

        generated, references = conformers("g.sdf"), conformers("r.sdf")
        self.assertEqual(len(references), 3)
        mat_r, mat_p, cov_r = [], [], []
        for smiles, truth in references.items():
            table = [[rdMolAlign.GetBestRMS(Chem.Mol(g), r) for g in generated[smiles]] for r in truth]
            mat_r.append(sum(map(min, table)) / len(table))
            mat_p.append(sum(map(min, zip(*table))) / len(table[0]))
            cov_r.append(sum(min(row) < 0.75 for row in table) / len(table))
        row = self.row("g.sdf", "--reference", "r.sdf")
        self.assertAlmostEqual(self.value(row, "mat_r"), sum(mat_r) / 3, delta=1e-3)
        self.assertAlmostEqual(self.value(row, "mat_p"), sum(mat_p) / 3, delta=1e-3)
        self.assertAlmostEqual(self.value(row, "cov_r"), sum(cov_r) / 3, delta=1e-9)

    def test_the_same_from_sdf_json_lines_compressed_and_standard_input(self):
        self.run_program("generate", "m.smi", "-n", 3, "--seed", 4, "-q", "-o", "g.jsonl")
        with gzip.open(self.path("g2.sdf.gz"), "wb") as file:
            file.write(self.read("g.sdf"))
        for name in ("g.jsonl", "r.sdf"):
            with lzma.open(self.path(name + ".xz"), "wb") as file:
                file.write(self.read(name))
        sdf = self.row("g.sdf", "--reference", "r.sdf")
        for name, references, label in (("g.jsonl", "r.sdf", "g"), ("g2.sdf.gz", "r.sdf", "g2"),
                                        ("g.jsonl.xz", "r.sdf.xz", "g")):
            other = self.row(name, "--reference", references, label=label)
            for key in ("cov_p", "mat_r", "mat_p", "stereo_right", "geometry", "bonds_within"):
                self.assertAlmostEqual(self.value(sdf, key), self.value(other, key), delta=1e-3, msg=f"{name} {key}")
        out, _ = self.run_program("evaluate", "g.sdf", "--reference", "-", "--json", "-q",
                                  stdin=self.read("r.sdf").decode())
        self.assertEqual(json.loads(out)["rows"][0]["figures"]["mat_r"], sdf["figures"]["mat_r"])

    def test_study_and_evaluate_are_two_commands(self):
        self.run_program("study", "--dataset", "m.smi", "--sample-size", 3, "--num-generations", 2, "--rules", "none,exact",
                         "--audit-size", 0, "--threads", 1, "-o", "s", "-q")
        self.run_program("evaluate", "s", "--reference", "r.sdf", "--baseline", "etkdg", "-q", "-o", "q.md", "-o", "q.json",
                         "-o", "q.csv", "--per-molecule", "m.csv")
        data = json.loads(self.read("q.json"))
        self.assertEqual([r["label"] for r in data["rows"]], ["none", "exact", "RDKit ETKDGv3", "reference"])
        self.assertEqual(data["settings"]["against"], "none")
        exact = data["rows"][1]
        self.assertEqual(self.value(exact, "strict"), 1)
        self.assertEqual(self.value(exact, "valid"), 1)
        self.assertIn("cov_r", exact["differences"])
        self.assertGreater(exact["seconds"], 0)
        self.assertEqual(data["rows"][2]["samples"], 6)
        markdown = self.read("q.md").decode()
        self.assertIn("| exact |", markdown)
        self.assertIn("time (s)", markdown)
        with open(self.path("m.csv"), newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(len(rows), 9)
        self.assertEqual({r["references"] for r in rows}, {"3"})
        figures = [line.split(",") for line in self.read("q.csv").decode().splitlines()]
        self.assertEqual(figures[0], ["section", "row", "figure", "value", "low", "high"])
        self.assertTrue(all(len(line) == 6 for line in figures))

    def test_results_depend_on_nothing_but_input_and_seed(self):
        first, _ = self.run_program("evaluate", "g.sdf", "--reference", "r.sdf", "--threads", 1, "--json", "-q")
        again, _ = self.run_program("evaluate", "g.sdf", "--reference", "r.sdf", "--threads", 3, "--json", "-q")
        self.assertEqual(first, again)
        other, _ = self.run_program("evaluate", "g.sdf", "--reference", "r.sdf", "--seed", 1, "--json", "-q")
        self.assertNotEqual(first, other)

    def test_missing_samples_fail(self):
        row = self.row("g.sdf", "--reference", "r.sdf", "--samples", "2K")
        self.assertEqual(row["samples"], 18)
        self.assertEqual(row["failures"], {"missing from the file": 9})
        self.assertEqual(self.value(row, "valid"), 0.5)

    def test_bad_input_costs_only_itself(self):
        self.write("bad.sdf", self.read("g.sdf") + b"junk\nmore\n$$$$\n")
        row = self.row("bad.sdf", "--reference", "r.sdf", label="bad", code=2)
        self.assertEqual((row["samples"], row["valid"]), (10, 9))
        self.assertEqual(self.value(row, "valid"), 0.9)
        self.write("badref.sdf", b"junk\n\n$$$$\n" + self.read("r.sdf"))
        _, error = self.run_program("evaluate", "g.sdf", "--reference", "badref.sdf", "-q", "--json", code=2)
        self.one_line_with(error, "badref.sdf:1", "junk")

    def test_wrong_calls(self):
        for arguments, part in ((("nothing.sdf",), "nothing.sdf"), ((), "nothing to evaluate"),
                                (("g.sdf", "--reference", "r.sdf", "--against", "x"), '"x"'),
                                (("g.sdf", "--samples", "some"), '"some"'), (("m.smi",), "m.smi"),
                                (("g.sdf", "--format", "pdf"), '"pdf"'),
                                (("g.sdf", "-o", "no/where.md"), "no/where.md"),
                                (("--baseline", "etkdg"), "--reference")):
            _, error = self.run_program("evaluate", *arguments, "-q", code=2)
            self.one_line_with(error, part)

    def test_help_has_an_example(self):
        out, _ = self.run_program("evaluate", "--help")
        self.assertIn("Example:", out)


if __name__ == "__main__":
    unittest.main()
