#!/usr/bin/env python3
"""What users' molecules hold beside plain structure: each is carried, refused or named."""
import json
import math
import unittest

from rdkit import Chem
from rdkit.Chem import AllChem, rdDepictor

from program import ProgramTest

MAPPED = "[cH:1]1[cH:2][cH:3][cH:4][cH:5][c:6]1[C:7](=[O:8])[NH:9][CH2:10][CH2:11][O:12][CH3:13]"
RING_PAIRS = [("C[C@H]1CC[C@@H](C)CC1", "C[C@H]1CC[C@H](C)CC1"), ("C[C@H]1C[C@@H](C)C1", "C[C@H]1C[C@H](C)C1"),
              ("C1CC[C@H]2CCCC[C@H]2C1", "C1CC[C@H]2CCCC[C@@H]2C1"),
              ("C[C@H]1C[C@@H](C)C[C@@H](C)C1", "C[C@H]1C[C@H](C)C[C@@H](C)C1"),
              ("O[C@H]1[C@H](O)[C@@H](O)[C@H](O)[C@@H](O)[C@H]1O", "O[C@H]1[C@H](O)[C@H](O)[C@@H](O)[C@H](O)[C@H]1O"),
              ("C[C@H](N)C(=O)O", "C[C@@H](N)C(=O)O")]


def conformer(smiles, name, seed=7):
    mol = Chem.AddHs(Chem.MolFromSmiles(smiles))
    assert AllChem.EmbedMolecule(mol, randomSeed=seed) == 0, smiles
    mol.SetProp("_Name", name)
    return mol


def sdf(records):
    text = ""
    for mol, smiles in records:
        text += Chem.MolToMolBlock(mol)
        if smiles:
            text += f">  <SMILES>\n{smiles}\n\n"
        text += "$$$$\n"
    return text


class Molecules(ProgramTest):
    def molecules(self, name):
        return list(Chem.SDMolSupplier(self.path(name), removeHs=False))

    def generate(self, *arguments, code=0):
        out, error = self.run_program("generate", *arguments, "--format", "jsonl", code=code)
        return [json.loads(line) for line in out.splitlines()], error

    def test_ring_isomers_under_the_right_and_the_wrong_name(self):
        pairs = RING_PAIRS + [(b, a) for a, b in RING_PAIRS]
        for name, share in (("right", 1.0), ("wrong", 0.0)):
            self.write(name + ".sdf", sdf((conformer(a, a), a if name == "right" else b) for a, b in pairs))
            out, _ = self.run_program("evaluate", name + ".sdf", "--json", "-q")
            row = json.loads(out)["rows"][0]
            self.assertEqual(row["figures"]["stereo_right"]["value"], share, name)
        text, _ = self.run_program("dataset", "right.sdf", "--given-coordinates", "-o", "kept", "-q")
        self.assertEqual(len(self.read("kept/all.jsonl").splitlines()), len(pairs))

    def test_bytes_outside_ascii_are_refused_everywhere(self):
        self.write("m.smi", "C\u2013C ethane\nCCO na\u00efve\nN\u2261N x\nC1CC1\u200bC z\n")
        records, error = self.generate("m.smi", code=2)
        self.one_line_with(error, "m.smi:1", "U+2013 at column 2")
        self.one_line_with(error, "m.smi:3", "U+2261 at column 2")
        self.one_line_with(error, "m.smi:4", "U+200B at column 6")
        self.assertEqual(["error" in r for r in records], [True, False, True, True])
        _, error = self.run_program("encode", "m.smi", code=2)
        self.one_line_with(error, "m.smi:3", "U+2261 at column 2")
        self.run_program("dataset", "m.smi", "-o", "d", "-q", code=2)
        self.assertEqual(len(self.read("d/all.jsonl").splitlines()), 1)
        self.write("e.sdf", sdf([(conformer("CCO", "e"), "C\u2013CO")]))
        _, error = self.run_program("evaluate", "e.sdf", "-q", code=2)
        self.one_line_with(error, "e.sdf:1", "U+2013 at column 2")

    def test_labels_stay_out_of_the_prompt_and_come_back(self):
        self.write("m.smi", f"{MAPPED} mapped\n")
        self.write("p.smi", "c1ccccc1C(=O)NCCOC plain\n")
        (mapped,), _ = self.generate("m.smi", "-q", "--seed", 3)
        (plain,), _ = self.generate("p.smi", "-q", "--seed", 3)
        for key in ("smiles", "enriched", "coordinates", "elements", "atom_order"):
            self.assertEqual(mapped[key], plain[key], key)
        self.assertEqual(mapped["atom_maps"], list(range(1, 14)))
        self.assertNotIn("atom_maps", plain)
        self.run_program("generate", "m.smi", "-q", "-o", "m.sdf")
        self.assertEqual([a.GetAtomMapNum() for a in self.molecules("m.sdf")[0].GetAtoms()], list(range(1, 14)))

    def test_deuterium_is_a_hydrogen(self):
        smiles = "CC(=O)Nc1c([2H])c([2H])c(O)c([2H])c1[2H]"
        self.run_program("generate", smiles, "-q", "--add-hydrogens", "-o", "d.sdf")
        mol = self.molecules("d.sdf")[0]
        positions = mol.GetConformer().GetPositions()
        deuterium = [a for a in mol.GetAtoms() if a.GetIsotope() == 2]
        self.assertEqual(len(deuterium), 4)
        for atom in deuterium:
            self.assertEqual(atom.GetAtomicNum(), 1)
            carbon = atom.GetNeighbors()[0].GetIdx()
            self.assertAlmostEqual(math.dist(positions[atom.GetIdx()], positions[carbon]), 1.09, delta=0.05)
        self.run_program("generate", smiles, "-q", "-o", "bare.sdf")
        bare = self.molecules("bare.sdf")[0]
        self.assertEqual(bare.GetNumAtoms(), 11)
        self.assertEqual(bare.GetProp("HYDROGEN_ISOTOPES").count("2H on atom"), 4)

    def test_labels_do_not_get_around_exclusions_and_splits(self):
        self.write("m.smi", "[CH3:1][CH2:2][OH:3] a\nCCO b\nOCC c\nCCN d\n[13CH3]CO e\n[CH3:9][CH2:2][NH2:1] f\n"
                            "[2H]OCC g\n")
        self.write("excl.smi", "[CH3:7]CO\n")
        self.run_program("dataset", "m.smi", "-o", "d", "--exclude", "excl.smi", "-q")
        lines = [json.loads(line) for line in self.read("d/all.jsonl").splitlines()]
        self.assertEqual([(r["title"], r["canonical_smiles"]) for r in lines], [("d", "CCN")])

    def test_cxsmiles_has_one_rule(self):
        self.write("m.smi", "C[C@@H]1CC[C@@H](O1)C(=O)N2CCC=C(F)C2 |&1:1,4,r| F1\nCC |^1:1| ethyl\nCCO F2\n")
        records, error = self.generate("m.smi")
        self.assertEqual([r["title"] for r in records], ["F1", "ethyl", "F2"])
        self.assertEqual(records[1]["smiles"], "[CH2]C")
        self.one_line_with(error, "m.smi:1", "&1:1,4")
        self.one_line_with(error, "m.smi:1", "CXSMILES \"r\"")
        self.write("m.csv", "smiles,id\nCCO |&1:1|,one\n")
        (record,), error = self.generate("m.csv", "--title-column", "id")
        self.assertEqual((record["title"], record["smiles"]), ("one", "CCO"))
        self.one_line_with(error, "m.csv:2", "&1:1")
        (record,), _ = self.generate("CCO |&1:1| name")
        self.assertEqual(record["title"], "name")
        self.write("g.sdf", sdf([(conformer("C[C@H](O)F", "g"), "C[C@H](O)F |&1:1| g")]))
        self.write("r.sdf", sdf([(conformer("C[C@H](O)F", "g", 3), "C[C@H](O)F |o1:1|")]))
        out, _ = self.run_program("evaluate", "g.sdf", "--reference", "r.sdf", "--json", "-q")
        self.assertEqual(json.loads(out)["rows"][0]["figures"]["cov_r"]["value"], 1.0)
        _, error = self.run_program("generate", "[Fe].C |C:1.0|", code=2)
        self.one_line_with(error, "coordinate bond")

    def test_stereo_that_is_not_judged_is_named(self):
        self.write("m.smi", "FC(Cl)=[C@]=C(Br)I allene\nCl[Pt@SP1](Cl)([NH3+])[NH3+] sp\nCCO plain\n")
        records, error = self.generate("m.smi")
        self.assertEqual([r["stereo"] for r in records],
                         ["not judged: allene at atom 4", "not judged: square planar centre at atom 2",
                          "none specified"])
        self.one_line_with(error, "m.smi:1", "allene at atom 4")
        self.one_line_with(error, "m.smi:2", "square planar centre at atom 2")

    def test_coordinates_that_are_none(self):
        drawn = Chem.MolFromSmiles("CC(=O)Nc1ccc(O)cc1")
        rdDepictor.Compute2DCoords(drawn)
        zero = Chem.MolFromSmiles("CC(N)=O")
        zero.AddConformer(Chem.Conformer(4))
        good = conformer("CCN(C)C=O", "good")
        self.write("m.sdf", sdf([(drawn, ""), (zero, ""), (good, "")]))
        out, error = self.run_program("encode", "m.sdf", code=2)
        self.assertEqual(len(out.splitlines()), 1)
        self.one_line_with(error, "m.sdf:1", "flat drawing")
        self.one_line_with(error, "one place")
        self.run_program("dataset", "m.sdf", "--given-coordinates", "-o", "d", "-q", code=2)
        self.assertEqual(len(self.read("d/all.jsonl").splitlines()), 1)
        _, error = self.run_program("evaluate", "m.sdf", "--reference", "m.sdf", "-q", code=2)
        self.one_line_with(error, "m.sdf:1", "flat drawing")
        self.one_line_with(error, "one place")

    def test_samples_without_a_reference_are_said(self):
        smiles = "COC(=O)C1CC(NC(N)=O)C1"
        isomers = ["COC(=O)[C@H]1C[C@@H](NC(N)=O)C1", "COC(=O)[C@H]1C[C@H](NC(N)=O)C1"]
        self.write("r.sdf", sdf([(conformer(s, "mol1"), "") for s in isomers]))
        self.write("g.sdf", sdf([(conformer(s, "mol1"), smiles) for s in isomers]))
        _, error = self.run_program("evaluate", "g.sdf", "--reference", "r.sdf", "-q", code=2)
        self.one_line_with(error, "g.sdf:1", "matches no reference (2 samples)")
        self.one_line_with(error, "2 samples match no reference")
        out, _ = self.run_program("evaluate", "g.sdf", "--reference", "r.sdf", "--match", "title", "--json", "-q")
        figures = json.loads(out)["rows"][0]["figures"]
        self.assertEqual(figures["cov_p"]["value"], 1.0)
        self.write("t.sdf", sdf([(conformer("OC1=CCCC1", "mol1"), "OC1=CCCC1")]))
        _, error = self.run_program("evaluate", "t.sdf", "--reference", "r.sdf", "--match", "title", "-q", code=2)
        self.one_line_with(error, "t.sdf:1", "another molecule")

    def test_rows_of_json_lines_and_the_charge_of_xyz(self):
        (record,), _ = self.generate("OC(=O)C[NH3+]", "-q")
        self.assertEqual(record["elements"], ["O", "C", "O", "C", "N"])
        text = Chem.MolFromSmiles(record["smiles"])
        self.assertEqual([text.GetAtomWithIdx(i).GetSymbol() for i in record["atom_order"]], record["elements"])
        out, _ = self.run_program("generate", "OC(=O)C[NH3+]", "--format", "xyz", "-q")
        self.assertIn(" CHARGE=1 ", out.splitlines()[1])


class Writing(ProgramTest):
    def test_a_sample_that_cannot_be_written_fails_alone(self):
        # Five-coordinate sulfur and molecules of an undertrained model: all written, or a failure each.
        self.write("m.smi", "C[SH](C)(C)C s\nC[PH](C)(C)C p\nCC(C)(C)c1ccc2occ(CC(=O)Nc3ccccc3F)c2c1 m1\nCCO e\n")
        for model in ("llama-conformer-undertrained", "qwen3-conformer"):
            done = self.run_any("generate", "m.smi", "--model", model, "--sampling", "greedy", "--add-hydrogens",
                                "--format", "jsonl")
            self.assertEqual(len(done.stdout.splitlines()), 4)
            done = self.run_any("generate", "m.smi", "--model", model, "--sampling", "greedy", "--add-hydrogens",
                                "-o", "m.sdf", "--overwrite")
            written = self.read("m.sdf").count(b"$$$$\n")
            self.assertEqual(written + done.stderr.count("sample 0: "), 4, done.stderr)
            for mol in Chem.SDMolSupplier(self.path("m.sdf"), removeHs=False, sanitize=False):
                for atom in mol.GetAtoms():
                    if atom.GetAtomicNum() != 1:
                        continue
                    at, positions = atom.GetIdx(), mol.GetConformer().GetPositions()
                    parent = atom.GetNeighbors()[0].GetIdx()
                    self.assertTrue(0.8 < math.dist(positions[at], positions[parent]) < 1.7, mol.GetProp("_Name"))

    def run_any(self, *arguments):
        import subprocess

        from program import PROGRAM
        done = subprocess.run([PROGRAM, *arguments], cwd=self.folder.name, text=True, stdout=subprocess.PIPE,
                              stderr=subprocess.PIPE, timeout=300)
        self.assertIn(done.returncode, (0, 2), done.stderr)
        return done


if __name__ == "__main__":
    unittest.main()
