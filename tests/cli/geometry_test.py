"""`--geometry` from outside: words, CIP labels read back from coordinates, equal decisions on CPU and GPU."""
import json
import os
import shutil
import struct
import unittest

import program
from program import ROOT, ProgramTest

try:
    from rdkit import Chem, RDLogger
    from rdkit.Chem import rdCIPLabeler

    RDLogger.DisableLog("rdApp.*")
except ImportError:
    Chem = None

# Drugs whose hands matter, several centres and double bonds, rings and amines included.
DRUGS = """C[C@H](N)C(=O)O L-alanine
C[C@]12CC[C@H]3[C@@H](CCC4=CC(=O)CC[C@]34C)[C@@H]1CC[C@@H]2O testosterone
CN1[C@H]2CC[C@@H]1[C@H]([C@H](C2)OC(=O)c1ccccc1)C(=O)OC cocaine
CC1(C)S[C@@H]2[C@H](NC(=O)Cc3ccccc3)C(=O)N2[C@H]1C(=O)O penicillin-G
CC(C)(C)NC[C@H](O)COc1nsnc1N1CCOCC1 timolol
C[C@@H](O)[C@H](NC(=O)[C@@H](N)C)C(=O)O dipeptide
CC/C(=C(/c1ccccc1)c1ccc(OCCN(C)C)cc1)c1ccccc1 tamoxifen
OC[C@H]1O[C@@H](O)[C@H](O)[C@@H](O)[C@@H]1O glucose
C/C=C/C(=O)N[C@@H](C)c1ccccc1 crotonamide
CN1CCC[C@H]1c1cccnc1 nicotine
NC[C@H](F)Cl halide
C[S@](=O)c1ccccc1 sulfoxide
"""


def cip_labels(molecule):
    """CIP labels of centres and double bonds by atom number, as RDKit's new labeller gives them."""
    rdCIPLabeler.AssignCIPLabels(molecule)
    atoms = {a.GetIdx(): a.GetProp("_CIPCode") for a in molecule.GetAtoms() if a.HasProp("_CIPCode")}
    bonds = {b.GetIdx(): b.GetProp("_CIPCode") for b in molecule.GetBonds() if b.HasProp("_CIPCode")}
    return atoms, bonds


def empty_checkpoint(source, target):
    """`source` with weights of zero: all logits are equal, so that what is drawn is the noise alone."""
    shutil.copytree(source, target)
    path = os.path.join(target, "model.safetensors")
    with open(path, "r+b") as file:
        size = 8 + struct.unpack("<Q", file.read(8))[0]
        left = os.path.getsize(path) - size
        file.seek(size)
        file.write(bytes(left))


class GeometryTest(ProgramTest):
    def generate(self, name, *arguments, code=0):
        self.run_program("generate", *arguments, "-o", self.path(name), code=code)
        return [json.loads(line) for line in self.read(name).splitlines()] if name.endswith(".jsonl") else None

    def test_words(self):
        for word in ("fullest", "bonds", "stereo+", "stereo+bond", "full+bonds"):
            _, error = self.run_program("generate", "CC", "--geometry", word, "--device", "cpu", code=2)
            self.one_line_with(error, "geometry", f'"{word}"', "posebusters")
        self.run_program("generate", "CC", "--geometry", "stereo+angles", "--constraint", "none", code=2)

    def test_parts_are_what_is_enforced(self):
        """Bonds alone: lengths hold, and nothing else does (or the others would be no parts)."""
        drugs = self.write("drugs.smi", DRUGS)
        common = [drugs, "-n", "1", "--temperature", "1", "--device", "cpu", "--seed", "1"]
        self.run_program("dataset", drugs, "-k", "1", "--sdf", "-q", "-o", self.path("references"))
        rows = {}
        for level in ("stereo", "stereo+bonds", "stereo+bonds+angles+planes", "full", "posebusters"):
            self.generate(f"{level}.jsonl", *common, "--geometry", level)
            self.run_program("evaluate", self.path(f"{level}.jsonl"), "--reference", self.path("references/all.sdf"),
                             "--bootstrap", "20", "-o", self.path(f"{level}.json"), "-q")
            figures = json.loads(self.read(f"{level}.json"))["rows"][0]["figures"]
            rows[level] = {name: figures[name]["value"] for name in ("stereo_right", "geometry_bonds", "geometry_angles", "geometry_clash", "good")}
        for level, row in rows.items():
            self.assertEqual(row["stereo_right"], 1, level)
            self.assertEqual(row["geometry_bonds"] == 1, level != "stereo", level)
            self.assertEqual(row["geometry_angles"] == 1, level not in ("stereo", "stereo+bonds"), level)
        self.assertLess(rows["stereo+bonds"]["geometry_clash"], 1)
        self.assertEqual(rows["posebusters"]["good"], 1)

    @unittest.skipIf(Chem is None, "RDKit for Python is not installed")
    def test_labels_read_back_from_coordinates(self):
        """The isomer is right by a way that shares no code with ours: coordinates, CIP labels."""
        drugs = self.write("drugs.smi", DRUGS)
        self.generate("drugs.sdf", drugs, "-n", "2", "--temperature", "1", "--device", "cpu", "--seed", "3")
        wanted = {line.split()[1]: Chem.MolFromSmiles(line.split()[0]) for line in DRUGS.splitlines()}
        seen = 0
        for found in Chem.SDMolSupplier(self.path("drugs.sdf")):
            molecule = wanted[found.GetProp("_Name")]
            for atom in found.GetAtoms():  # nothing of what the file says of stereo counts
                atom.SetChiralTag(Chem.ChiralType.CHI_UNSPECIFIED)
            Chem.AssignStereochemistryFrom3D(found, replaceExistingTags=True)
            order = found.GetSubstructMatch(molecule)
            self.assertEqual(len(order), molecule.GetNumAtoms())
            # As text: whatever the order of atoms, the isomer is the same.
            self.assertEqual(Chem.MolToSmiles(found), Chem.MolToSmiles(molecule), found.GetProp("_Name"))
            labels = [sorted(part.values()) for part in cip_labels(Chem.Mol(found))]
            self.assertEqual(labels, [sorted(part.values()) for part in cip_labels(Chem.Mol(molecule))])
            seen += 1
        self.assertEqual(seen, 2 * len(wanted))

    def test_device_decides_as_the_cpu(self):
        """Equal logits give equal draws, so every decision of the search has to be the same one."""
        _, error = self.run_program("model", "qwen3-conformer", "--device", "auto")
        drugs = self.write("drugs.smi", DRUGS)
        if os.path.exists("/dev/nvidia0") is False:
            self.skipTest("CUDA backend: no device")
        models = os.environ.get("MOLGEN3D_MODELS", os.path.join(ROOT, "models"))
        for name in ("qwen3-conformer", "llama-conformer-undertrained"):
            model = self.path(name)
            empty_checkpoint(os.path.join(models, name), model)
            for level in ("stereo", "full"):
                rows = {}
                for device in ("cpu", "cuda"):
                    rows[device] = self.generate(f"{name}.{level}.{device}.jsonl", drugs, "-n", "4", "--temperature", "1",
                                                 "--device", device, "--model", model, "--geometry", level, "--seed", "2")
                    for row in rows[device]:
                        for key in ("log_probability", "raw_log_probability"):
                            row.pop(key, None)
                        row["geometry"].pop("log_kept", None)  # sums of logarithms: rounding
                self.assertEqual(rows["cpu"], rows["cuda"], f"{name} {level}")
                self.assertGreater(sum(row["geometry"]["redraws"] for row in rows["cuda"]), 10)


if __name__ == "__main__":
    program.main() if hasattr(program, "main") else unittest.main()
