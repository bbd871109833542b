#!/usr/bin/env python3
"""The small inputs of ../shared/data/cases, read as they are, each with the outcome that its README calls right."""
import csv
import json
import math
import os
import shutil
import subprocess
import sys
import unittest

from rdkit import Chem

import program
from program import ROOT, ProgramTest

CASES = os.path.join(ROOT, "..", "shared", "data", "cases")
MODEL = os.path.join(ROOT, "models", "qwen3-conformer")


def case(name):
    return os.path.join(CASES, name)


def text_of(name):
    with open(case(name), encoding="utf-8", errors="replace", newline="") as file:
        return file.read()


class CaseTest(ProgramTest):
    def lines(self, *arguments, code=0):
        """JSON lines of `generate`, and standard error."""
        out, error = self.run_program("generate", *arguments, "--format", "jsonl", "-q", code=code)
        return [json.loads(line) for line in out.splitlines()], error

    def titles(self, *arguments, code=0):
        return [record["title"] for record in self.lines(*arguments, code=code)[0]]

    def kept(self, folder):
        return [json.loads(line) for line in self.read(folder + "/all.jsonl").splitlines()]

    def figures(self, *arguments, code=0):
        out, error = self.run_program("evaluate", *arguments, "--json", "-q", code=code)
        return {name: figure["value"] for name, figure in json.loads(out)["rows"][0]["figures"].items()}, error


class Molecules(CaseTest):
    def test_ring_isomers(self):
        right, _ = self.figures(case("ring_stereo_right.sdf"))
        self.assertEqual((right["stereo_right"], right["mirror_image"]), (1.0, 0.0))
        wrong, _ = self.figures(case("ring_stereo_mislabelled.sdf"), "--per-molecule", "each.csv")
        self.assertEqual(wrong["geometry"], 1.0)
        self.assertEqual(wrong["stereo_right"], 2 / 26)
        with open(self.path("each.csv"), newline="") as file:
            rows = list(csv.DictReader(file))
        self.assertEqual(sum(int(row["samples"]) for row in rows), 26)
        # The two names of spiro33 are of one isomer: both of its records are right.
        for row in rows:
            self.assertEqual(float(row["stereo_right"]), 1.0 if row["title"] == "spiro33" else 0.0, row["smiles"])

    def test_a_sample_without_place_for_hydrogens_fails_alone(self):
        source = case("hydrogen_abort.smi")
        done = subprocess.run([program.PROGRAM, "generate", source, "--model", "llama-conformer-undertrained",
                               "--sampling", "greedy", "--add-hydrogens", "-o", self.path("h.sdf"), "-q"],
                              stderr=subprocess.PIPE, text=True, timeout=300)
        self.assertIn(done.returncode, (0, 2), done.stderr)
        asked = len(text_of("hydrogen_abort.smi").splitlines())
        failed = self.read("h.sdf.failed.jsonl").count(b"\n") if done.returncode == 2 else 0
        written = self.read("h.sdf").count(b"$$$$\n")
        self.assertEqual(written + failed, asked)
        self.assertGreater(written, 0)
        self.assertEqual(failed > 0, done.returncode == 2)

    def test_maps_never_reach_the_prompt(self):
        (mapped, plain), _ = self.lines(case("mapped_quality.smi"))
        self.assertEqual(mapped["smiles"], plain["smiles"])
        self.assertEqual(mapped["atom_maps"], list(range(1, 14)))
        self.assertNotIn("atom_maps", plain)
        self.write("alone.smi", text_of("mapped_quality.smi").splitlines()[1])
        (alone,), _ = self.lines("alone.smi")
        self.assertEqual(alone["coordinates"], mapped["coordinates"])  # both are record 0
        self.run_program("generate", case("mapped_quality.smi"), "-o", "m.sdf", "-q")
        first = next(Chem.SDMolSupplier(self.path("m.sdf")))
        self.assertEqual([atom.GetAtomMapNum() for atom in first.GetAtoms()], list(range(1, 14)))

    def test_exclusions_ignore_maps_and_isotopes(self):
        for exclusions, titles in (([], ["a", "d"]), (["--exclude", case("excl.smi")], ["d"])):
            self.run_program("dataset", case("maps_ds.smi"), *exclusions, "-o", "d", "-q", "--overwrite")
            self.assertEqual([record["title"] for record in self.kept("d")], titles)
        self.run_program("dataset", case("plain_ds.smi"), "--exclude", case("maps_ds.smi"), "-o", "p", "-q")
        self.assertEqual(self.kept("p"), [])

    def test_cxsmiles(self):
        records, _ = self.lines(case("cx.smi"))
        self.assertEqual([r["title"] for r in records], ["F1", "F2"])
        _, error = self.run_program("generate", case("cx.smi"), "--format", "jsonl")
        self.one_line_with(error, "cx.smi:1", "&1:1,4")
        self.one_line_with(error, "cx.smi:1", 'CXSMILES "r"')
        _, error = self.run_program("dataset", case("cx_ds.smi"), "-o", "d")
        self.one_line_with(error, "cx_ds.smi:1", "&1:1")
        kept = self.kept("d")
        self.assertEqual([r["title"] for r in kept], ["rac_name", "ethyl"])
        self.assertEqual(kept[1]["canonical_smiles"], "[CH2]C")

    def test_stereo_that_is_not_judged(self):
        records, error = self.lines(case("nontet.smi"), code=2)
        self.assertEqual(len(records), 13)
        for record in records:
            if "error" in record:  # a carbon of three bonds without hydrogens
                self.assertEqual(record["title"], "AL")
                self.one_line_with(error, "nontet.smi:9", "F[C@AL1]=C=CCl")
            else:
                self.assertTrue(record["stereo"].startswith("not judged: "), record["title"])

    def test_tetrahedral_and_double_bond_stereo(self):
        records, _ = self.lines(case("stereo.smi"))
        for given, record in zip(text_of("stereo.smi").splitlines(), records, strict=True):
            smiles, title = given.split(" ", 1)
            self.assertEqual((record["title"], record["input"]), (title, smiles))
            # RDKit has more than one canonical SMILES of some of them: each must be in the other.
            # A hydrogen with an isotope is a hydrogen: no atom of the text, and it makes no centre.
            asked = Chem.MolFromSmiles(smiles.replace("[2H]", "[H]"))
            got = Chem.MolFromSmiles(record["smiles"])
            self.assertEqual(asked.GetNumAtoms(), got.GetNumAtoms(), title)
            self.assertTrue(asked.HasSubstructMatch(got, useChirality=True), title)
            self.assertTrue(got.HasSubstructMatch(asked, useChirality=True), title)

    def test_deuterium(self):
        self.run_program("generate", case("d4_paracetamol.smi"), "--add-hydrogens", "-o", "d.sdf", "-q")
        mol = next(Chem.SDMolSupplier(self.path("d.sdf"), removeHs=False))
        positions = mol.GetConformer().GetPositions()
        found = [atom for atom in mol.GetAtoms() if atom.GetIsotope() == 2]
        self.assertEqual(len(found), 4)
        for atom in found:
            carbon = atom.GetNeighbors()[0].GetIdx()
            self.assertAlmostEqual(math.dist(positions[atom.GetIdx()], positions[carbon]), 1.08, delta=0.03)
        (record,), _ = self.lines(case("d4_paracetamol.smi"))
        self.assertEqual(record["smiles"], "CC(=O)Nc1ccc(O)cc1")

    def test_coordinates_that_are_none(self):
        for name, places in (("allzero", 1), ("flat2d", 3)):
            out, error = self.run_program("encode", case(name + ".sdf"), code=2)
            self.assertEqual((out, error.count("no 3D coordinates")), ("", places))
            self.run_program("dataset", case(name + ".sdf"), "--given-coordinates", "-o", name, "-q", code=2)
            self.assertEqual(self.kept(name), [])
            _, error = self.run_program("evaluate", case(name + ".sdf"), "--reference", case(name + ".sdf"), "-q", code=2)
            self.assertEqual(error.count("no 3D coordinates"), places)

    def test_open_centres_are_matched_or_said(self):
        samples, reference = case("ref_open_centre_prop.sdf"), case("ref_open_centre.sdf")
        figures, _ = self.figures(samples, "--reference", reference, "--match", "title")
        self.assertEqual((figures["cov_p"], figures["cov_r"]), (1.0, 1.0))
        figures, _ = self.figures(reference, "--reference", reference)
        self.assertEqual((figures["cov_p"], figures["cov_r"]), (1.0, 1.0))
        _, error = self.figures(samples, "--reference", reference, code=2)
        self.one_line_with(error, "20 samples match no reference")


class Records(CaseTest):
    def test_delimiters_of_sdf(self):
        titles = ["ethanol", "benzene", "acetamide", "ethylamine"]
        for name in ("delim_ok.sdf", "delim_trailing_space.sdf"):
            self.assertEqual(self.titles(case(name)), titles)

    def test_sdf_zoo(self):
        records, error = self.lines(case("sdf_zoo.sdf"), code=2)
        asked = [text.split("\n")[0] for text in text_of("sdf_zoo.sdf").split("$$$$\n")]
        self.assertEqual([r["title"] for r in records], [title for title in asked if title])
        refused = {r["title"] for r in records if "error" in r}
        self.assertEqual(refused, {"R_group", "A_query", "Q_query", "bond8_any", "lone_pair_LP", "dummy_Du",
                                   "blank_before_MEND", "zero_atoms", "N4_no_charge", "bad_bond_index", "v3000_dative"})
        self.assertEqual(error.count("sdf_zoo.sdf:"), len(refused))
        smiles = {r["title"]: r.get("smiles") for r in records}
        self.assertEqual(smiles["M_CHG"], "CC(=O)[O-]")
        self.assertEqual(smiles["old_style_charge"], "CC(=O)[O-]")
        self.assertEqual(smiles["M_RAD"], "C[CH]C")
        self.assertEqual(smiles["bond4_aromatic"], "c1ccccc1")

    def test_titles(self):
        text = text_of("titles.smi").splitlines()
        self.assertEqual(self.titles(case("titles.smi")), [line[3:].strip() for line in text])
        # None of them ends a record of SDF, or begins another.
        self.run_program("generate", case("titles.smi"), "-o", "t.sdf", "-q")
        self.assertEqual([m.GetNumAtoms() for m in Chem.SDMolSupplier(self.path("t.sdf"))], [3] * len(text))

    def test_bytes_outside_ascii(self):
        places = {"nonascii.smi": ["U+2013 at column 2", "U+2212 at column 3", "U+00A0 at column 4", "U+2261 at column 2",
                                   "U+FF1D at column 2"],
                  "zwsp.smi": ["U+200B at column 14", "U+00A0 at column 15"]}
        for name, wanted in places.items():
            for command in (["generate", "-q"], ["encode"], ["dataset", "-o", name + ".d", "-q"]):
                _, error = self.run_program(*command, case(name), code=2)
                for number, place in enumerate(wanted, 1):
                    self.one_line_with(error, f"{name}:{number}:", place)
                self.assertEqual(len(error.splitlines()), len(wanted), command)
            self.assertEqual(self.kept(name + ".d"), [])

    def test_cut_and_packed_streams(self):
        (record,), error = self.lines(case("truncated_download.smi.gz"), code=2)
        self.assertIn("end too early", record["error"])
        self.one_line_with(error, "truncated_download.smi.gz:1", "end too early")
        with open(case("three.smi.xz"), "rb") as packed:
            done = subprocess.run([program.PROGRAM, "generate", "-", "--format", "jsonl", "-q"], stdin=packed,
                                  stdout=subprocess.PIPE, timeout=300)
        self.assertEqual((done.returncode, len(done.stdout.splitlines())), (0, 3))
        self.assertEqual(len(self.lines(case("three.smi.xz"))[0]), 3)

    def test_headers_comments_and_columns(self):
        for name, titles, word in (("header.smi", ["1", "2"], "a header line"), ("comment.smi", ["1"], "a comment")):
            _, error = self.run_program("generate", case(name), "--format", "jsonl")
            self.one_line_with(error, name + ":1", word)
            self.assertEqual(self.titles(case(name)), titles)
        self.assertEqual(self.titles(case("tab.csv"), "--delimiter", "tab", "--title-column", "name"), ["eth"])

    def test_a_file_of_another_kind_is_refused_once(self):
        for command in ("generate", "encode"):
            _, error = self.run_program(command, case("some.xyz"), code=2)
            self.one_line_with(error, "some.xyz: an XYZ file")
            self.assertEqual(len(error.splitlines()), 1)


class Tokenizers(CaseTest):
    def test_tokenizers_that_write_digits_their_own_way(self):
        for name in ("added_digits", "smollm_pre"):
            shutil.copytree(MODEL, self.path(name))
            shutil.copy(case(f"tokenizer/{name}.json"), self.path(name + "/tokenizer.json"))
            out, _ = self.run_program("model", name, "--json")
            self.assertTrue(json.loads(out)["usable"], out)
            _, error = self.run_program("generate", "CC(=O)O", "--model", name, "-n", "4", "--format", "jsonl", "-o",
                                        name + ".jsonl")
            self.assertEqual(len(self.read(name + ".jsonl").splitlines()), 4)
            self.assertNotIn("not proved", error)


class Traces(CaseTest):
    def sql(self, name, query):
        out, _ = self.run_program("trace", "sql", case("trace/" + name), query, "--json", "--quiet")
        return [list(row.values()) for row in json.loads(out)]

    def test_kernel_groups(self):
        with open(case("trace/groups_expected.json")) as file:
            expected = json.load(file)
        found = {}
        for group in set(expected.values()):
            out, _ = self.run_program("trace", "top", case("trace/groups.json"), "--group", group, "--json")
            for row in json.loads(out)["tables"][0]["rows"]:
                self.assertNotIn(row["name"], found)
                found[row["name"]] = group
        self.assertEqual(found, expected)

    def test_async_slices(self):
        us = 1000
        durations = "SELECT name, dur FROM slice ORDER BY ts"
        self.assertEqual(self.sql("async_overlap.json", durations), [["outer", 90 * us], ["first", 20 * us], ["second", 40 * us]])
        self.assertEqual(self.sql("async_scope.json", durations), [["p", 30 * us], ["q", 50 * us]])

    def test_equal_times_keep_the_stack(self):
        rows = self.sql("be_equal.json", "SELECT s.name, s.depth, p.name AS parent FROM slice s "
                                         "LEFT JOIN slice p ON p.id = s.parent_id ORDER BY s.id")
        self.assertEqual(rows, [["outer", 0, None], ["inner", 1, "outer"], ["p", 0, None], ["z", 1, "p"]])

    def test_invalid_escapes_keep_their_backslash(self):
        names = [name for name, in self.sql("windows.json", "SELECT name FROM slice ORDER BY ts")]
        self.assertEqual(names[0], r"torch\cuda\__init__.py(219): _lazy_init")
        self.assertEqual(names[2], r"C:\users\u0\x.py(1): f")
        out, error = self.run_program("trace", "check", case("trace/windows.json"), code=2)
        self.assertIn("7 x an escape that JSON does not know", out)

    def test_runtimes_of_other_devices(self):
        out, _ = self.run_program("trace", "launches", case("trace/xpu.json"))
        self.assertIn("2 of 2 calls started 2 device slices", out)

    def test_a_number_in_quotes_is_the_number(self):
        self.assertEqual(self.sql("pidmix.json", "SELECT pid, name FROM process"), [[7, "NPU card"]])
        self.assertEqual(self.sql("pidmix.json", "SELECT tid, name FROM thread"), [[3, "Stream 3"]])

    def test_a_second_document_is_said(self):
        size = os.path.getsize(case("trace/concat.json"))
        _, error = self.run_program("trace", "top", case("trace/concat.json"))
        self.one_line_with(error, f"{size // 2} bytes after the end of the document were ignored")

    def test_check_names_what_is_no_json(self):
        causes = {"c_after": "bytes after the end", "c_badutf8": "no UTF-8", "c_ctrl": "a control character",
                  "c_escape": "an escape that JSON does not know", "c_nan": "NaN",
                  "c_trailcomma": "a comma before a closing bracket"}
        for name, cause in causes.items():
            out, _ = self.run_program("trace", "check", case(f"trace/{name}.json"), code=2)
            self.assertIn(cause, out)
            self.assertIn("not clean", out)
        out, _ = self.run_program("trace", "check", case("trace/c_good.json"))
        self.assertIn(": clean", out)
        given = {name for name in os.listdir(case("trace")) if name.startswith("c_")}
        self.assertEqual(given, {name + ".json" for name in [*causes, "c_good"]})

    def test_short_names_are_told_apart(self):
        subprocess.run([sys.executable, case("trace/gen_short_names.py"), "t", self.path("short.json")], check=True)
        out, _ = self.run_program("trace", "sql", "short.json", "SELECT COUNT(DISTINCT name) AS n FROM slice", "--json",
                                  "--quiet")
        self.assertEqual(json.loads(out), [{"n": 60000}])


if __name__ == "__main__":
    if os.path.isdir(CASES):
        unittest.main()
    else:
        print(f"skipped: needs {os.path.normpath(CASES)}")
