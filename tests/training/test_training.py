"""Training data: the text is the program's, the frame a proper rotation, the packing loses nothing, the vocabulary
is cut without a trace."""
import importlib.util
import json
import lzma
import pathlib
import random
import sys
import tempfile
import unittest

import numpy as np

import choose_prompts
import conformer_data
import conformer_text
import legal_answers
import molgen3d
import trim_tokenizer
from conformer_tags import TAGS
from molgen3d import tables

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "skips"))
import skips  # noqa: E402,F401 (notes skipped tests)
GOLDEN = ROOT / "tests" / "tokenizer" / "golden"
MOLECULES = [
    "CC(=O)Oc1ccccc1C(=O)O", "C[C@@H](N)C(=O)O", "O=C1/C(=C\\c2ccccc2)SC(=S)N1", "Cn1cnc2c1c(=O)n(C)c(=O)n2C",
    "C[N+](C)(C)CC(=O)[O-]", "Clc1ccc(Br)cc1C#N", "C1CC2CCC1C2", "O=S(=O)(c1ccc2[nH]ccc2c1)N1CCOCC1", "C", "CO", "C#C",
]


def records(seed=0):
    random = np.random.default_rng(seed)
    return [(smiles, random.normal(0, 3, (len(conformer_text.literals(smiles)) - 1, 3))) for smiles in MOLECULES]


def encoder(tokenizer):
    """What training asks of a tokenizer."""
    return lambda texts: [tokenizer.encode(text).tolist() for text in texts]


def texts_of_records():
    return [(conformer_text.prompt(r[0]), conformer_text.answer(*r)) for r in records()]


class Text(unittest.TestCase):
    def test_numbers_are_written_as_the_format_says(self):
        cases = {0: "0", 1: "0.0001", -1: "-0.0001", 5000: "0.5", 10000: "1", -120000: "-12", 123456: "12.3456", 100100: "10.01"}
        for value, text in cases.items():
            self.assertEqual(conformer_text.number(value), text)

    def test_answers_are_those_of_the_encoder(self):
        number_format = molgen3d.NumberFormat(4, "strip", 3)
        for smiles, coordinates in records():
            # Values in the middle between two ten-thousandths: no rounding of the frame can tip the truncation.
            framed = (np.trunc(conformer_text.principal_frame(coordinates) * 10000) + 0.5 * np.sign(coordinates)) / 10000
            texts = conformer_text.literals(smiles)
            numbers = [",".join(map(conformer_text.number, np.trunc(row * 10000).astype(int).tolist())) for row in framed]
            mine = "".join(a + b for a, b in zip(texts, numbers)) + texts[-1]
            molecule = molgen3d.Molecule.from_smiles(smiles)
            theirs = molgen3d.encode(molecule, framed, number_format=number_format, style="as-given")
            self.assertEqual(mine, theirs)

    def test_frame_is_a_proper_rotation_along_the_principal_axes(self):
        for smiles, coordinates in records():
            framed = conformer_text.principal_frame(coordinates)
            np.testing.assert_allclose(framed.mean(0), 0, atol=1e-9)
            before = np.linalg.norm(coordinates[:, None] - coordinates[None], axis=-1)
            after = np.linalg.norm(framed[:, None] - framed[None], axis=-1)
            np.testing.assert_allclose(after, before, atol=1e-9)
            spread = framed.T @ framed
            np.testing.assert_allclose(spread - np.diag(np.diag(spread)), 0, atol=1e-6)
            self.assertTrue(np.all(np.diff(np.diag(spread)) <= 1e-9), smiles)
            if len(framed) >= 4:
                volume = lambda x: np.linalg.det((x[1:4] - x[0]))
                self.assertAlmostEqual(volume(framed), volume(coordinates), places=6)

    def test_frame_does_not_depend_on_where_the_molecule_lay(self):
        random = np.random.default_rng(3)
        for smiles, coordinates in records():
            if len(coordinates) < 4:
                continue  # a line has no third axis
            turn, _ = np.linalg.qr(random.normal(size=(3, 3)))
            turn *= np.sign(np.linalg.det(turn))
            moved = coordinates @ turn + random.normal(size=3)
            np.testing.assert_allclose(
                conformer_text.principal_frame(moved), conformer_text.principal_frame(coordinates), atol=1e-6)

    def test_mirrored_text_is_the_text_of_the_mirror_image(self):
        inverted = {"C[C@@H](N)C(=O)O": "C[C@H](N)C(=O)O"}
        for smiles, coordinates in records():
            other = inverted.get(smiles, smiles)
            self.assertEqual(conformer_text.mirrored(conformer_text.prompt(smiles)), conformer_text.prompt(other))
            text = conformer_text.answer(smiles, coordinates)
            if len(coordinates) > 2:  # a line has no third axis
                self.assertEqual(conformer_text.mirrored(text), conformer_text.answer(other, coordinates * [1, -1, 1]))
            self.assertEqual(conformer_text.mirrored(conformer_text.mirrored(text)), text)
        self.assertEqual(conformer_text.mirrored("[C@H]<1,-2,0>[N@@H+]<-1,2,-0.5>[O]<0,0,0.5>"),
                         "[C@@H]<1,-2,0>[N@H+]<-1,2,0.5>[O]<0,0,-0.5>")

    def test_unreadable_smiles_is_named(self):
        with self.assertRaisesRegex(ValueError, "cannot read '~'"):
            conformer_text.literals("C~O")
        with self.assertRaisesRegex(ValueError, "2 atoms, 3 positions"):
            conformer_text.answer("CO", np.zeros((3, 3)))


class Packing(unittest.TestCase):
    def setUp(self):
        self.tokenizer = molgen3d.Tokenizer.from_file(str(GOLDEN / "qwen_like.json"))
        self.end = self.tokenizer.token_id("<|endoftext|>")
        self.examples = conformer_data.tokenize(texts_of_records(), encoder(self.tokenizer), [7], self.end)

    def test_an_example_is_prefix_prompt_answer_end(self):
        for i, record in enumerate(records()):
            ids = self.examples.tokens[self.examples.starts[i] : self.examples.starts[i + 1]].tolist()
            prompt, answer = conformer_text.prompt(record[0]), conformer_text.answer(*record)
            self.assertEqual(ids, [7] + self.tokenizer.encode(prompt + answer).tolist() + [self.end])
            self.assertEqual(self.tokenizer.decode(ids[1 : self.examples.prompt_lengths[i]]), prompt)

    def test_rows_hold_every_example_once_and_learn_answers_only(self):
        longest = int(np.diff(self.examples.starts).max())
        order = np.random.default_rng(1).permutation(len(self.examples))
        rows = list(conformer_data.packed_rows(self.examples, order, longest + 50))
        self.assertEqual(sorted(i for row in rows for i in row), list(range(len(self.examples))))
        tokens, targets, positions, first = conformer_data.batch_of_rows(self.examples, rows, longest + 50)
        answers = np.diff(self.examples.starts) - self.examples.prompt_lengths
        self.assertEqual(int((targets >= 0).sum()), int(answers.sum()))
        for r, row in enumerate(rows):
            at = 0
            for i in row:
                ids = self.examples.tokens[self.examples.starts[i] : self.examples.starts[i + 1]]
                span, n = slice(at, at + len(ids)), len(ids)
                np.testing.assert_array_equal(tokens[r, span], ids)
                np.testing.assert_array_equal(positions[r, span], np.arange(n))
                self.assertTrue((first[r, span] == at).all())
                learned = np.flatnonzero(targets[r, span] >= 0)
                np.testing.assert_array_equal(learned, np.arange(self.examples.prompt_lengths[i] - 1, n - 1))
                np.testing.assert_array_equal(targets[r, span][learned], ids[learned + 1])
                at += n
            self.assertTrue((first[r, at:] == at).all())
            self.assertTrue((targets[r, at:] == -100).all())

    def test_all_cores_make_the_same_examples_as_one(self):
        texts = texts_of_records() * 400  # more than a worker takes at once
        made = conformer_data.tokenize_all(texts, encoder(self.tokenizer), [7], self.end)
        for field, expected in vars(self.examples).items():
            if field == "starts":
                size = expected[-1]
                expected = np.concatenate([*(expected[:-1] + size * k for k in range(400)), [400 * size]])
            else:
                expected = np.tile(expected, 400)
            np.testing.assert_array_equal(getattr(made, field), expected, field)

    def test_batches_carry_what_is_added_to_them(self):
        made = conformer_data.batches(self.examples, 2, 4096, seed=5, add=lambda rows: [np.array(sum(map(len, rows)))])
        tokens, targets, positions, first, held = next(made)[1]
        self.assertEqual(int((targets >= 0).any(1).sum()), 2)
        self.assertEqual(held, int(((targets[:, :-1] < 0) & (targets[:, 1:] >= 0)).sum()))

    def test_batches_go_through_the_data_epoch_by_epoch(self):
        # Rows of one example each, so that a batch of all rows is an epoch.
        longest = int(np.diff(self.examples.starts).max())
        lonely = conformer_data.Examples(self.examples.tokens[: self.examples.starts[1]], self.examples.starts[:2],
                                         self.examples.prompt_lengths[:1])
        made = conformer_data.batches(lonely, 2, longest, seed=5)
        epochs = [next(made)[0] for _ in range(3)]
        self.assertEqual(epochs, [1, 3, 5])

    def test_compact_file_is_read_back(self):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/data.tsv.xz"
            with lzma.open(path, "wt") as file:
                file.write("CO\t1000 -2000 3 0 0 -10000\n")
            ((smiles, coordinates),) = conformer_data.read_conformers(path)
        self.assertEqual(smiles, "CO")
        np.testing.assert_allclose(coordinates, [[0.1, -0.2, 0.0003], [0, 0, -1]])

    def test_both_kinds_of_files_are_read_and_mirrored(self):
        with tempfile.TemporaryDirectory() as folder:
            compact, lines = f"{folder}/data.tsv", f"{folder}/data.jsonl"
            with open(compact, "w") as file:
                file.writelines(f"{smiles}\t{' '.join(map(str, np.rint(xyz * 1e4).astype(int).flat))}\n" for smiles, xyz in records())
            texts = conformer_data.read_texts(compact)
            with open(lines, "w") as file:
                for (smiles, _), (_, answer) in zip(records(), texts):
                    embedded = answer.removeprefix("[CONFORMER]").removesuffix("[/CONFORMER]")
                    file.write(json.dumps({"canonical_smiles": smiles, "embedded_smiles": embedded}) + "\n")
            self.assertEqual(conformer_data.read_texts(lines), texts)
            self.assertEqual([r[0] for r in texts], [conformer_text.prompt(s) for s in MOLECULES])
            self.assertEqual(conformer_data.read_texts(lines, 1, 3), texts[1::3])
            both = conformer_data.read_all_texts([compact, lines], mirrored=True)
            few = conformer_data.read_all_texts([compact, lines], mirrored=True, limit=1)
        self.assertEqual(few, [texts[0], tuple(map(conformer_text.mirrored, texts[0]))])
        self.assertEqual(both[: 2 * len(texts)], texts + texts)
        self.assertEqual(both[2 * len(texts) :], [tuple(map(conformer_text.mirrored, pair)) for pair in texts + texts])


class Prompts(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.lists = self.write("all.smi", ["C[C@@H](N)C(=O)NCCC", "OCCCCCCN name", "NCCCCCCO", "CCO", "not-a-molecule",
                                            "c1ccccc1Br.Cl", "C/C=C/CCCC", "c1ccccc1Br", "CCCCCCC#N"])

    def write(self, name, lines):
        path = pathlib.Path(self.folder.name) / name
        path.write_text("\n".join(lines) + "\n")
        return str(path)

    def test_only_new_molecules_of_a_fair_size_are_taken_once(self):
        excluded = {choose_prompts.constitution(s) for s in ("CCCNC(=O)[C@@H](C)N", "CCCCC=CC")}
        known = {choose_prompts.canonical("Brc1ccccc1")}
        found = list(choose_prompts.candidates([self.lists], excluded, known, random.Random(0)))
        self.assertEqual(sorted(found), sorted(["NCCCCCCO", "CCCCCCC#N"]))


class LegalAnswers(unittest.TestCase):
    FOLDER = ROOT / "models/qwen3-conformer"

    def setUp(self):
        self.tokenizer = molgen3d.Tokenizer.from_file(str(self.FOLDER / "tokenizer.json"))
        self.end = tables.end_of_sequence_of(self.tokenizer, self.FOLDER)[0]
        self.compiler = molgen3d.TemplateCompiler(
            self.tokenizer, end_of_sequence=self.end, number_format=tables.number_format_of(self.FOLDER))

    def read(self, records):
        with tempfile.TemporaryDirectory() as folder:
            path = f"{folder}/answers.jsonl"
            with open(path, "w") as file:
                file.writelines(json.dumps(record) + "\n" for record in records)
            return legal_answers.read_answers(path, self.tokenizer, self.end)

    def test_every_token_of_an_answer_is_among_the_legal_ones(self):
        answers = {"CO": "[C]<0.7,0,-0.25>[O]<-0.7,0.1,12>", "C": "[C]<0,0,0>", "c1ccccc1": "".join(
            f"[c]<{i}.5,{-i},0>" + ("1" if i in (0, 5) else "") for i in range(6))}
        examples, smiles = self.read([{"smiles": s, "enriched": e} for s, e in answers.items()] + [{"error": "none", "smiles": "N"}])
        self.assertEqual(smiles, list(answers))
        legal = legal_answers.legal_sets(examples, smiles, self.compiler)
        self.assertEqual(len({frozenset(row) for row in legal.table.tolist()}), len(legal.table))
        for i, which in enumerate(legal.which):
            ids = examples.tokens[examples.starts[i] : examples.starts[i + 1]].tolist()
            prompt = examples.prompt_lengths[i]
            self.assertEqual(self.tokenizer.decode(ids[:prompt]), conformer_text.prompt(smiles[i]))
            program = self.compiler.compile(molgen3d.literals_of_smiles(smiles[i]))
            self.assertEqual(len(which), len(ids) - prompt)
            for k, allowed in zip(range(prompt, len(ids)), legal.table[which].tolist()):
                self.assertIn(ids[k], allowed)
                kind, listed = program.choices_after(ids[prompt:k])
                self.assertEqual(set(allowed), set(np.atleast_1d(listed).tolist()), (smiles[i], k, kind))

    def test_an_answer_of_another_rule_is_refused(self):
        examples, smiles = self.read([{"smiles": "CO", "enriched": "[C]<0.7,0,0>[N]<-0.7,0,0>"}])
        with self.assertRaisesRegex(ValueError, "CO is not legal under the exact rule from token"):
            legal_answers.legal_sets(examples, smiles, self.compiler)


@unittest.skipIf(importlib.util.find_spec("torch") is None, "needs PyTorch")
class Distillation(unittest.TestCase):
    def test_a_model_is_its_own_teacher(self):
        """Nothing apart among the legal tokens; the illegal mass is that of a softmax by hand; its gradient lowers it."""
        import torch

        from model import Decoder
        from rule_loss import divergence

        shape = dict(model_type="qwen3", hidden_size=32, intermediate_size=48, head_dim=16, num_attention_heads=2,
                     num_key_value_heads=1, num_hidden_layers=2, vocab_size=40, rms_norm_eps=1e-6,
                     rope_parameters={"rope_theta": 1e4})
        model, teacher = Decoder(shape, 3), Decoder(shape, 3)
        tokens = torch.arange(24).view(2, 12) % 7
        targets = torch.full((2, 12), -100)
        targets[:, 5:] = 1
        positions, first = torch.arange(12).repeat(2, 1), torch.zeros(2, 12, dtype=torch.int32)
        legal = torch.tensor([[1, 4, 9]]).repeat(14, 1)
        part = (tokens, targets, positions, first)
        mass, apart = divergence(model, teacher, part, legal)
        shares = model.logits(tokens, positions, first)[:, 5:].softmax(-1)[..., [1, 4, 9]].sum(-1)
        self.assertAlmostEqual(apart.item(), 0, places=5)
        self.assertAlmostEqual(mass.item(), -shares.log().sum().item(), places=3)
        mass.backward()
        with torch.no_grad():
            for parameter in model.parameters():
                parameter -= 0.05 * parameter.grad
        lower, apart = divergence(model, teacher, part, legal)
        self.assertLess(lower.item(), 0.9 * mass.item())
        self.assertGreater(apart.item(), 0)

    def test_attention_sees_only_its_own_example(self):
        import torch

        from model import Decoder

        shape = dict(model_type="llama", hidden_size=32, intermediate_size=48, head_dim=16, num_attention_heads=2,
                     num_key_value_heads=2, num_hidden_layers=2, vocab_size=40, rms_norm_eps=1e-6,
                     rope_parameters={"rope_theta": 1e4})
        model, ids = Decoder(shape, 1), torch.arange(3, 23)
        alone = [model.logits(part[None], torch.arange(len(part))[None], torch.zeros(1, len(part)))[0] for part in ids.split(12)]
        positions = torch.cat([torch.arange(12), torch.arange(8)])[None]
        first = torch.tensor([[0] * 12 + [12] * 8])
        together = model.logits(ids[None], positions, first)[0]
        torch.testing.assert_close(together, torch.cat(alone), atol=2e-2, rtol=0)


class Vocabulary(unittest.TestCase):
    def test_texts_are_cut_as_before(self):
        for name, end, begin, digits in (
            ("qwen_like", "<|endoftext|>", None, 1), ("llama_like", "<|end_of_text|>", "<|begin_of_text|>", 3),
            ("gpt2_like", "<|endoftext|>", None, 1),
        ):
            source = (GOLDEN / f"{name}.json").read_text()
            full = molgen3d.Tokenizer.from_json(source)
            if begin and full.token_id(begin) is None:
                begin = None
            letters = trim_tokenizer.byte_letters()
            texts = [conformer_text.prompt(r[0]) + conformer_text.answer(*r) for r in records()]
            met = {i for text in texts for i in full.encode(text).tolist() if not full.is_added(i)}
            used = {"".join(letters[b] for b in full.token_bytes(i)) for i in met}
            digits = digits if "000" in json.loads(source)["model"]["vocab"] else 1
            small_json = trim_tokenizer.trimmed(json.loads(source), used, begin, end, digits)
            small = molgen3d.Tokenizer.from_json(json.dumps(small_json))
            self.assertLess(len(small_json["model"]["vocab"]), len(json.loads(source)["model"]["vocab"]))
            for text in texts:
                cut = lambda t: [t.token_bytes(i) for i in t.encode(text).tolist()]
                self.assertEqual(cut(small), cut(full), name)
            for tag in TAGS:
                self.assertTrue(small.is_added(small.token_id(tag)))

    def test_byte_letters_are_those_of_a_byte_level_vocabulary(self):
        vocabulary = json.loads((ROOT / "models/qwen3-conformer/tokenizer.json").read_text())["model"]["vocab"]
        letters = trim_tokenizer.byte_letters()
        self.assertEqual(len(set(letters.values())), 256)
        self.assertTrue(all(letter in vocabulary for letter in letters.values()))


if __name__ == "__main__":
    unittest.main()
