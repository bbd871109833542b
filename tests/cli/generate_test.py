#!/usr/bin/env python3
"""molgen3d generate: right molecules, the same bytes however the work is cut."""
import json
import os
import unittest

from program import ROOT, ProgramTest

try:
    from rdkit import Chem
except ImportError:
    Chem = None

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
DRUGS = os.path.join(ROOT, "examples", "drugs.smi")


class Generate(ProgramTest):
    @unittest.skipIf(Chem is None, "RDKit for Python is not installed")
    def test_ten_conformers_of_aspirin(self):
        self.run_program("generate", ASPIRIN, "-n", 10, "--seed", 7, "-o", "a.sdf")
        molecules = list(Chem.SDMolSupplier(self.path("a.sdf")))
        self.assertEqual(len(molecules), 10)
        order = [atom.GetSymbol() for atom in Chem.MolFromSmiles(ASPIRIN).GetAtoms()]
        for number, molecule in enumerate(molecules):
            self.assertEqual(Chem.MolToSmiles(molecule), Chem.CanonSmiles(ASPIRIN))
            self.assertEqual([atom.GetSymbol() for atom in molecule.GetAtoms()], order)
            self.assertEqual(molecule.GetProp("SAMPLE"), str(number))
            self.assertEqual(molecule.GetProp("SEED"), "7")
            self.assertTrue(molecule.GetConformer().Is3D())
        self.assertGreater(len({Chem.MolToXYZBlock(m) for m in molecules}), 1, "all conformers are equal")

    def test_same_bytes_however_the_work_is_cut(self):
        common = ["generate", DRUGS, "-n", 2, "--seed", 7]
        self.run_program(*common, "-o", "reference.sdf")
        for name, options in {
            "again": [],
            "batch1": ["--batch", 1],
            "batch7": ["--batch", 7],
            "threads1": ["--threads", 1],
            "threads2": ["--threads", 2],
            "no_runs": ["--no-forced-runs"],
            "full_output": ["--full-output"],
        }.items():
            self.run_program(*common, *options, "-o", name + ".sdf")
            self.assertEqual(self.read(name + ".sdf"), self.read("reference.sdf"), name)

    def test_results_do_not_depend_on_the_order_of_the_input(self):
        with open(DRUGS) as file:
            lines = file.read().splitlines()
        self.write("reversed.smi", "\n".join(reversed(lines)) + "\n")
        self.run_program("generate", DRUGS, "--format", "enriched", "-o", "a.txt")
        self.run_program("generate", "reversed.smi", "--format", "enriched", "-o", "b.txt")
        self.assertEqual(self.read("a.txt").splitlines(), self.read("b.txt").splitlines()[::-1])

    def test_seeds_and_repeats_differ(self):
        out, _ = self.run_program("generate", ASPIRIN, ASPIRIN, "--seed", 1, "--format", "enriched", "-q")
        first, second = out.splitlines()
        self.assertNotEqual(first, second)
        out, _ = self.run_program("generate", ASPIRIN, "--seed", 2, "--format", "enriched", "-q")
        self.assertNotEqual(out.splitlines()[0], first)

    def test_formats_titles_and_compression(self):
        self.run_program("generate", DRUGS, "--limit", 2, "-o", "x.sdf.gz")
        self.assertEqual(self.read("x.sdf.gz")[:2], b"\x1f\x8b")
        out, _ = self.run_program("generate", DRUGS, "--limit", 2, "--format", "jsonl", "-q")
        records = [json.loads(line) for line in out.splitlines()]
        self.assertEqual([r["title"] for r in records], ["aspirin", "ibuprofen"])
        self.assertEqual([len(r["coordinates"]) for r in records], [13, 15])
        out, _ = self.run_program("generate", "CCO ethanol", "--format", "xyz", "-q")
        self.assertEqual(out.splitlines()[0], "3")
        self.assertIn("ethanol", out.splitlines()[1])
        out, _ = self.run_program("generate", "CCO ethanol", "--format", "xyz", "--add-hydrogens", "-q")
        self.assertEqual(out.splitlines()[0], "9")

    def test_reads_csv_standard_input_and_sdf(self):
        self.write("m.csv", 'id,smiles\n"a, first",CCO\nb,c1ccccc1\n')
        out, _ = self.run_program("generate", "m.csv", "--title-column", "id", "--format", "enriched", "-q")
        self.assertEqual([line.split("\t")[1] for line in out.splitlines()], ["a, first", "b"])
        out, _ = self.run_program("generate", "-", "--format", "enriched", "-q", stdin="CCO one\nCCN two\n")
        self.assertEqual([line.split("\t")[1] for line in out.splitlines()], ["one", "two"])
        self.run_program("generate", "OCC title", "-o", "m.sdf")
        out, _ = self.run_program("generate", "m.sdf", "--format", "jsonl", "-q")
        record = json.loads(out)
        self.assertEqual((record["title"], record["smiles"]), ("title", "CCO"))

    def test_prompt_as_given_keeps_the_spelling(self):
        out, _ = self.run_program("generate", "OCC", "--prompt", "as-given", "--format", "jsonl", "-q")
        record = json.loads(out)
        self.assertEqual(record["smiles"], "OCC")
        self.assertTrue(record["enriched"].startswith("[O]<"))

    def test_audit_says_what_the_constraint_removed(self):
        out, _ = self.run_program("generate", ASPIRIN, "--audit", "--format", "jsonl", "-q", "--sampling", "top_p_sampling1")
        record = json.loads(out)
        self.assertLessEqual(record["log_kept_mass"], 0)
        self.assertLessEqual(record["raw_log_probability"], record["log_probability"] + 1e-6)

    def test_undertrained_checkpoint_is_exact_too(self):
        out, _ = self.run_program("generate", DRUGS, "--model", "llama-conformer-undertrained", "--format", "jsonl", "-q",
                                  "--temperature", "1.0", "--top-p", "1.0")
        self.assertEqual(len(out.splitlines()), 10)

    def test_dry_run_prints_a_plan(self):
        out, _ = self.run_program("generate", "CCO", "--dry-run", "--batch", 4)
        self.assertIn("keys and values", out)
        self.assertIn("4 sequences at once", out)


if __name__ == "__main__":
    unittest.main()
