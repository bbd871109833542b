import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest
import warnings

import numpy as np

import molgen3d
import support
from molgen3d import ConformerLogitsProcessor, ConstraintTables, StepError, arrays

try:
    from molgen3d import _molecule  # noqa: F401

    HAVE_RDKIT = True
except ImportError:
    HAVE_RDKIT = False

SMILES = ["CCO", "c1ccc(N)cc1", "C[C@@H](N)C(=O)O", "[O-][n+]1ccccc1", "ClC(Br)=C"]


def carried(name):
    """Molecules whose literals the small character vocabulary can spell."""
    return ["CCO", "CC(C)C"] if name == "characters" else SMILES


class Runner(unittest.TestCase):
    def run_loop(self, name, rule="exact", copies=2, xp="numpy", seed=0, **extra):
        tok = support.tokenizer(name)
        eos = support.end_of(tok)
        smiles = carried(name)
        if rule != "exact":
            extra.setdefault("descriptors", "verbatim")
        processor = ConformerLogitsProcessor(tok, smiles, rule, eos_token_id=eos, **extra)
        prompt = support.prompt_batch(tok, smiles, copies, pad=eos)
        columns = tok.vocabulary_size + 5
        ids = support.decode_loop(processor, prompt, columns, eos, eos, seed, xp)
        return tok, eos, [s for s in smiles for _ in range(copies)], ids


class Loop(Runner):
    def test_every_answer_is_the_molecule(self):
        for name in support.TOKENIZERS:
            for seed in range(3):
                tok, eos, smiles, ids = self.run_loop(name, seed=seed)
                for text, row in zip(smiles, ids):
                    with self.subTest(name=name, seed=seed, smiles=text):
                        written = support.answer(tok, row, eos)
                        self.assertTrue(
                            support.is_answer(written, molgen3d.literals_of_smiles(text)), written
                        )
                        # Canonical: the tokens are those that the tokenizer gives for the text.
                        used = [int(i) for i in row[: list(row).index(eos)]]
                        self.assertEqual(used, list(tok.encode(written)))

    def test_rows_of_one_prompt_differ(self):
        _, _, _, ids = self.run_loop("qwen_like")
        self.assertFalse(np.array_equal(ids[0], ids[1]))

    def test_masks_are_the_native_choices(self):
        for name in support.TOKENIZERS:
            for rule in ("exact", "generic", "allowlist"):
                with self.subTest(name=name, rule=rule):
                    self.compare_masks(name, rule)

    def compare_masks(self, name, rule):
        tok = support.tokenizer(name)
        eos, smiles = support.end_of(tok), carried(name)[:2]
        processor = ConformerLogitsProcessor(tok, smiles, rule, eos_token_id=eos, descriptors="verbatim")
        programs = processor.tables.programs
        columns = tok.vocabulary_size + 3
        steps = 0

        def compare(generated, scores, masked, alive):
            nonlocal steps
            steps += 1
            for row in np.flatnonzero(alive):
                kind, ids = programs[row].choices_after(generated[row].tolist())
                wanted = np.zeros(columns, bool)
                wanted[ids] = True
                if kind == "blocked":
                    wanted = ~wanted
                    wanted[tok.vocabulary_size :] = False
                np.testing.assert_array_equal(np.isfinite(masked[row]), wanted)
                np.testing.assert_array_equal(masked[row][wanted], scores[row][wanted])
            for row in np.flatnonzero(~alive):
                self.assertEqual(np.flatnonzero(np.isfinite(masked[row])).tolist(), [eos])

        prompt = support.prompt_batch(tok, smiles, 1, eos)
        support.decode_loop(processor, prompt, columns, eos, eos, on_step=compare)
        self.assertGreaterEqual(steps, processor.min_new_tokens)
        self.assertLessEqual(steps, processor.max_new_tokens)

    def test_byte_level_fallback(self):
        tok = support.tokenizer("qwen_like")
        eos = support.end_of(tok)
        crossing = tok.with_added_tokens([(tok.vocabulary_size, "0,", False)])
        with self.assertWarns(UserWarning):
            processor = ConformerLogitsProcessor(crossing, ["CCO"], eos_token_id=eos)
        prompt = support.prompt_batch(crossing, ["CCO"], 3, eos)
        ids = support.decode_loop(processor, prompt, crossing.vocabulary_size, eos, eos)
        for row in ids:
            self.assertTrue(
                support.is_answer(support.answer(crossing, row, eos), molgen3d.literals_of_smiles("CCO"))
            )
        with self.assertRaisesRegex(molgen3d.Error, "cannot be saved"):
            processor.tables.save("/nonexistent")

    def test_saved_tables_need_no_native_module(self):
        tok = support.tokenizer("qwen_like")
        eos = support.end_of(tok)
        for rule in ("exact", "qwen"):
            with self.subTest(rule=rule), tempfile.TemporaryDirectory() as folder:
                tables = ConstraintTables.compile(
                    tok, SMILES, rule, eos_token_id=eos, descriptors="verbatim"
                )
                tables.save(f"{folder}/tables.npz")
                prompt = support.prompt_batch(tok, SMILES, 2, eos)
                np.save(f"{folder}/prompt.npy", prompt)
                here = support.decode_loop(
                    ConformerLogitsProcessor.from_tables(tables), prompt, tok.vocabulary_size, eos, eos
                )
                script = (
                    "import sys, numpy as np\n"
                    "sys.modules['molgen3d._core'] = None\n"
                    "import support\nfrom molgen3d import ConformerLogitsProcessor\n"
                    f"p = ConformerLogitsProcessor.from_tables('{folder}/tables.npz')\n"
                    f"prompt = np.load('{folder}/prompt.npy')\n"
                    f"ids = support.decode_loop(p, prompt, {tok.vocabulary_size}, {eos}, {eos})\n"
                    f"np.save('{folder}/ids.npy', ids)\n"
                )
                here_path = str(pathlib.Path(__file__).parent)
                path = os.pathsep.join([here_path, *filter(None, sys.path)])
                subprocess.run(
                    [sys.executable, "-c", script], check=True, env=dict(os.environ, PYTHONPATH=path)
                )
                np.testing.assert_array_equal(np.load(f"{folder}/ids.npy"), here)

    def test_reset_repeats(self):
        tok = support.tokenizer("qwen_like")
        eos = support.end_of(tok)
        processor = ConformerLogitsProcessor(tok, ["CCO"], eos_token_id=eos)
        prompt = support.prompt_batch(tok, ["CCO"], 1, eos)
        first = support.decode_loop(processor, prompt, tok.vocabulary_size, eos, eos)
        processor.reset()
        second = support.decode_loop(processor, prompt, tok.vocabulary_size, eos, eos)
        np.testing.assert_array_equal(first, second)


def positions(text):
    """(atoms, 3) of an enriched answer."""
    return np.array([[float(v) for v in block.split(",")] for block in re.findall(r"<([^<>]*)>", text)])


@unittest.skipUnless(HAVE_RDKIT, "this build has no RDKit")
class Geometry(Runner):
    """From random scores: a law that knows nothing of molecules."""

    ALANINES = ["C[C@@H](N)C(=O)O", "C[C@H](N)C(=O)O"]

    def answers(self, name, smiles, copies=3, seed=0):
        tok = support.tokenizer(name)
        eos = support.end_of(tok)
        processor = ConformerLogitsProcessor(tok, smiles, eos_token_id=eos, geometry="full")
        prompt = support.prompt_batch(tok, smiles, copies, pad=eos)
        ids = support.decode_loop(processor, prompt, tok.vocabulary_size, eos, eos, seed)
        texts = [support.answer(tok, row, eos) for row in ids]
        return processor, list(zip([s for s in smiles for _ in range(copies)], texts))

    def test_answers_are_right_in_space_up_to_dead_ends(self):
        whole = 0
        for name in ("qwen_like", "llama_like"):
            for seed in range(3):
                processor, answers = self.answers(name, self.ALANINES, seed=seed)
                ends = processor.dead_ends
                self.assertEqual(len(ends), len(answers))
                for (smiles, text), end in zip(answers, ends):
                    with self.subTest(name=name, seed=seed, smiles=smiles, text=text, end=end):
                        self.assertTrue(support.is_answer(text, molgen3d.literals_of_smiles(smiles)))
                        self.check(smiles, positions(text), 6 if end is None else end)
                whole += ends.count(None)
        self.assertGreater(whole, 4)

    def check(self, smiles, at, standing):
        """Bonds among the first `standing` atoms, and the centre when its neighbours are among them."""
        for a, b in ((0, 1), (1, 2), (1, 3), (3, 4), (3, 5)):
            if b < standing:
                self.assertAlmostEqual(np.linalg.norm(at[a] - at[b]), 1.4, delta=0.4)
        if standing > 3:
            arms = at[[0, 2, 3]] - at[1]
            volume = np.linalg.det(arms / np.linalg.norm(arms, axis=1, keepdims=True))
            self.assertGreater(volume * (-1 if "@@" in smiles else 1), 0.3)

    def test_rows_without_geometry_have_no_dead_ends(self):
        tok = support.tokenizer("qwen_like")
        processor = ConformerLogitsProcessor(tok, ["CC"], eos_token_id=support.end_of(tok))
        self.assertEqual(processor.dead_ends, [])
        self.assertIsNone(processor.tables.hard_sets)

    def test_refusals(self):
        tok = support.tokenizer("qwen_like")
        eos = support.end_of(tok)
        with self.assertRaisesRegex(molgen3d.Error, 'geometry "flat": not one of off, stereo, full'):
            ConformerLogitsProcessor(tok, ["CC"], eos_token_id=eos, geometry="flat")
        with self.assertRaisesRegex(molgen3d.Error, "geometry 'full' needs rule exact, not generic"):
            ConformerLogitsProcessor(tok, ["CC"], "generic", eos_token_id=eos, geometry="full")
        tables = ConstraintTables.compile(tok, ["CC"], eos_token_id=eos, geometry="full")
        with self.assertRaisesRegex(molgen3d.Error, "cannot be saved: hard sets"):
            tables.save("tables.npz")


@unittest.skipIf(support.torch is None, "torch is not installed")
class TorchLoop(Runner):
    """The same batch through torch tensors gives the same tokens."""

    def test_equals_numpy(self):
        for name in support.TOKENIZERS:
            for rule in ("exact", "allowlist"):
                with self.subTest(name=name, rule=rule):
                    a, b = (self.run_loop(name, rule, xp=xp)[3] for xp in ("numpy", "torch"))
                    np.testing.assert_array_equal(a, b)

    def test_reads_back_rarely(self):
        """No device-to-host copy per step: the prompt once, then the counts at steps 2, 4, 8, ... until the
        shortest answer is over."""
        tok = support.tokenizer("qwen_like")
        eos = support.end_of(tok)
        reads = []
        original = arrays.TorchOps.host
        arrays.TorchOps.host = staticmethod(lambda array: reads.append(array.shape) or original(array))
        try:
            processor = ConformerLogitsProcessor(tok, ["CC(C)Cc1ccc(C)cc1"], eos_token_id=eos)
            prompt = support.prompt_batch(tok, ["CC(C)Cc1ccc(C)cc1"], 4, eos)
            counts = []
            support.decode_loop(
                processor, prompt, tok.vocabulary_size, eos, eos, xp="torch",
                on_step=lambda *_: counts.append(len(reads)),
            )  # fmt: skip
        finally:
            arrays.TorchOps.host = staticmethod(original)
        shortest = processor.min_new_tokens
        self.assertGreater(shortest, 64)
        self.assertLessEqual(counts[shortest - 1], 1 + 3 * int(np.log2(shortest)))
        self.assertTrue(all(len(shape) == 1 for shape in reads[1:]))

    def test_half_precision(self):
        tok = support.tokenizer("qwen_like")
        eos = support.end_of(tok)
        processor = ConformerLogitsProcessor(tok, ["CCO"], eos_token_id=eos)
        prompt = support.torch.from_numpy(support.prompt_batch(tok, ["CCO"], 1, eos))
        scores = support.torch.randn(1, tok.vocabulary_size).to(support.torch.bfloat16) * 4
        masked = processor(prompt, scores)
        self.assertEqual(masked.dtype, support.torch.bfloat16)
        self.assertEqual(int(support.torch.isfinite(masked).sum()), 1)


class Refusals(unittest.TestCase):
    def setUp(self):
        self.tok = support.tokenizer("qwen_like")
        self.eos = support.end_of(self.tok)
        self.columns = self.tok.vocabulary_size
        self.prompt = support.prompt_batch(self.tok, ["CCO", "CC"], 2, self.eos)

    def processor(self, smiles=("CCO", "CC"), **extra):
        return ConformerLogitsProcessor(self.tok, list(smiles), eos_token_id=self.eos, **extra)

    def scores(self, rows=4, step=0, columns=None):
        return support.random_scores(0, step, rows, columns or self.columns)

    def test_smiles_that_the_format_cannot_carry(self):
        for smiles, cause in {
            "": "empty", "CC*": "dummy atom", "C->[Fe]": "dative", "C1CC": "ring 1 is never closed",
            "[O]": "plain atom", "C[X": "never closed", "C~C": "any order", "CC O": "character",
        }.items():  # fmt: skip
            with self.subTest(smiles=smiles), self.assertRaisesRegex(molgen3d.MoleculeError, cause):
                self.processor([smiles])
        with self.assertRaisesRegex(molgen3d.MoleculeError, "no text"):
            self.processor([None])
        with self.assertRaisesRegex(molgen3d.Error, "at least one"):
            self.processor([])

    def test_tokenizer_that_is_not_the_models(self):
        with self.assertRaisesRegex(molgen3d.TokenizerError, "not this model's tokenizer"):
            self.processor()(self.prompt, self.scores(columns=self.columns - 1))
        other = support.tokenizer("gpt2_like")
        prompt = support.prompt_batch(other, ["CCO", "CC"], 2, 0)
        with self.assertRaisesRegex(StepError, "row 0 does not end with"):
            self.processor()(prompt, self.scores(columns=other.vocabulary_size))
        untagged = json.loads((support.GOLDEN / "qwen_like.json").read_text())
        untagged["added_tokens"] = untagged["added_tokens"][:1]
        tok = molgen3d.Tokenizer.from_json(json.dumps(untagged))
        with self.assertRaisesRegex(molgen3d.TokenizerError, r"no added token \[SMILES\]"):
            ConformerLogitsProcessor(tok, ["CCO"], eos_token_id=self.eos)
        with self.assertRaisesRegex(molgen3d.TokenizerError, "eos_token_id is not known"):
            ConformerLogitsProcessor(self.tok, ["CCO"])
        with self.assertRaisesRegex(molgen3d.TokenizerError, "eos_token_id 999999"):
            ConformerLogitsProcessor(self.tok, ["CCO"], eos_token_id=999999)
        with self.assertRaises(molgen3d.TokenizerError):
            ConformerLogitsProcessor(object(), ["CCO"])
        with self.assertRaises(molgen3d.TokenizerError):
            ConformerLogitsProcessor("/no/such/tokenizer.json", ["CCO"])

    def test_batch_size(self):
        with self.assertRaisesRegex(StepError, "3 rows of ids.*2 SMILES"):
            self.processor()(self.prompt[:3], self.scores(3))
        processor = self.processor()
        ids = self.take(processor, self.prompt)
        with self.assertRaisesRegex(StepError, "2 rows after 4"):
            processor(ids[:2], self.scores(2, 1))

    def take(self, processor, ids, step=0):
        masked = processor(ids, self.scores(len(ids), step))
        return np.concatenate([ids, masked.argmax(axis=1)[:, None]], axis=1)

    def test_order_of_the_smiles(self):
        with self.assertRaisesRegex(StepError, "row 0 does not end with"):
            self.processor(["CC", "CCO"])(self.prompt, self.scores())

    def test_right_padding(self):
        prompt = np.roll(self.prompt, -1, axis=1)
        with self.assertRaisesRegex(StepError, "row 2 does not end with|row 0 does not end with"):
            self.processor()(prompt, self.scores())

    def test_beams(self):
        scores = self.scores().astype(np.float64)
        scores -= np.log(np.exp(scores).sum(axis=1, keepdims=True))
        with self.assertRaisesRegex(StepError, "beam search"):
            self.processor()(self.prompt, scores.astype(np.float32))

    def test_exchanged_rows(self):
        processor = self.processor()
        ids = self.prompt
        with self.assertRaisesRegex(StepError, "other ids than in the step before"):
            for step in range(40):
                ids = self.take(processor, ids, step)
                if step > 20:
                    ids[[0, 1]] = ids[[1, 0]]

    def test_overruled(self):
        processor = self.processor()
        ids = self.prompt
        with self.assertRaisesRegex(StepError, "row 1 took a token that was not allowed"):
            for step in range(40):
                ids = self.take(processor, ids, step)
                ids[1, -1] = self.eos

    def test_goes_on_after_the_end(self):
        for rule in ("exact", "allowlist"):
            with self.subTest(rule=rule):
                processor = self.processor(rule=rule, descriptors="verbatim")
                ids = support.decode_loop(processor, self.prompt, self.columns, self.eos, self.eos)
                ids = np.concatenate([self.prompt, ids], axis=1)
                with self.assertRaisesRegex(StepError, "goes on after end of sequence"):
                    processor(ids, self.scores())

    def test_second_generation_without_reset(self):
        processor = self.processor()
        support.decode_loop(processor, self.prompt, self.columns, self.eos, self.eos)
        with self.assertRaisesRegex(StepError, "reset"):
            processor(self.prompt, self.scores())

    def test_unknown_rule(self):
        with self.assertRaisesRegex(molgen3d.Error, "not one of exact, generic"):
            self.processor(rule="magic")

    def test_damaged_tables(self):
        with tempfile.NamedTemporaryFile(suffix=".npz") as file:
            file.write(b"not a zip file")
            file.flush()
            with self.assertRaisesRegex(molgen3d.Error, "no constraint tables"):
                ConformerLogitsProcessor.from_tables(file.name)


class Sources(unittest.TestCase):
    """What may be handed over as the tokenizer."""

    def test_checkpoint_directory(self):
        processor = ConformerLogitsProcessor(support.MODEL, "CCO")
        declared = json.loads((support.MODEL / "generation_config.json").read_text())
        self.assertEqual(processor.tables.meta["eos_token_id"], declared["eos_token_id"])

    def test_transformers_tokenizer(self):
        class Backend:
            def to_str(self):
                return (support.MODEL / "tokenizer.json").read_text()

        class Fast:
            name_or_path = str(support.MODEL)
            backend_tokenizer = Backend()
            eos_token_id = 1

        a = ConformerLogitsProcessor(Fast(), "CCO")
        b = ConformerLogitsProcessor(str(support.MODEL / "tokenizer.json"), "CCO")
        self.assertEqual(a.tables.meta["eos_token_id"], b.tables.meta["eos_token_id"])
        np.testing.assert_array_equal(a.tables.arrays["edge_key"], b.tables.arrays["edge_key"])
        Fast.name_or_path = "hub/name"
        self.assertEqual(ConformerLogitsProcessor(Fast(), "CCO").tables.meta["eos_token_id"], 1)

    def test_signature(self):
        """transformers passes keyword arguments to processors with more than two parameters."""
        import inspect

        parameters = inspect.signature(ConformerLogitsProcessor.__call__).parameters
        self.assertEqual(list(parameters), ["self", "input_ids", "scores"])


if __name__ == "__main__":
    warnings.simplefilter("error")
    unittest.main()
