"""Whatever cannot be used is a molgen3d.Error of one line that names it."""
import json
import pathlib
import shutil
import tempfile
import unittest

import numpy as np

import molgen3d
import support
from molgen3d import ConformerLogitsProcessor, ConstraintTables, StepError

try:
    from molgen3d import _molecule
except ImportError:
    _molecule = None


class Case(unittest.TestCase):
    def refused(self, call, pattern, error=molgen3d.Error):
        with self.assertRaisesRegex(error, pattern) as caught:
            call()
        self.assertNotIn("\n", str(caught.exception))
        return str(caught.exception)


@unittest.skipIf(_molecule is None, "built without RDKit")
class Generate(Case):
    @classmethod
    def setUpClass(cls):
        cls.model = molgen3d.load_model()

    def generate(self, smiles="C", **options):
        return molgen3d.generate(smiles, model=self.model, device="cpu", **options)

    def test_numbers(self):
        for options, pattern in (
            (dict(n=1.5), r"n 1\.5: an integer from 1"),
            (dict(n=True), "n True: an integer"),
            (dict(n="2"), "n '2': an integer"),
            (dict(n=0), "n 0: an integer"),
            (dict(n=2**40), "n 1099511627776: an integer"),
            (dict(seed=-1), "seed -1: an integer from 0"),
            (dict(seed=2**64), "seed 18446744073709551616: an integer"),
            (dict(seed=None), "seed None: an integer"),
            (dict(top_k=-1), "top_k -1: an integer"),
            (dict(top_k=2.0), r"top_k 2\.0: an integer"),
            (dict(top_p=0), "top_p 0 "),
            (dict(top_p="high"), "top_p 'high': a number"),
            (dict(min_p=1.5), r"min_p 1\.5 "),
            (dict(min_p=float("nan")), "min_p nan: a number"),
            (dict(temperature=-1), "temperature -1 "),
            (dict(temperature=10**400), "temperature 1000.*: a number"),
            (dict(batch=-3), "batch -3: an integer"),
            (dict(threads=1.5), r"threads 1\.5: an integer"),
            (dict(max_new_tokens=-1), "max_new_tokens -1: an integer"),
        ):
            with self.subTest(options=options):
                self.refused(lambda: self.generate(**options), pattern)
        self.assertEqual(len(self.generate(n=np.int64(2), seed=np.uint8(3), max_new_tokens=5)), 2)

    def test_texts(self):
        for options, pattern in (
            (dict(rule=5), "rule: int 5 is no text"),
            (dict(rule="magic\u00e9"), "magic\u00e9"),
            (dict(style=None), "style: NoneType None is no text"),
            (dict(sampling="beam"), "unknown sampling preset"),
            (dict(descriptors=3), "descriptors: int 3"),
            (dict(errors="\udc80"), "errors"),
            (dict(progress="yes"), "progress 'yes'"),
        ):
            with self.subTest(options=options):
                self.refused(lambda: self.generate(**options), pattern)

    def test_smiles(self):
        for smiles, pattern in (
            (5, "smiles: int 5: a text or a list"),
            (None, "smiles: NoneType"),
            (["C", 5], r"smiles\[1\]: int 5 is no text"),
            (["C", b"C"], r"smiles\[1\]: bytes"),
            (["C\udcffC"], r"smiles\[0\]: .* is not valid Unicode: character 2"),
            (["[\u00e9]"], r"smiles\[0\]"),
            (["\U0001f9ea" * 50], r"smiles\[0\]"),
        ):
            with self.subTest(smiles=smiles):
                self.refused(lambda: self.generate(smiles), pattern)
        kept = self.generate(["[\u00e9]", "C"], errors="keep", max_new_tokens=5)
        self.assertFalse(kept[0].ok)
        self.assertIsInstance(kept[0].error, str)
        self.assertEqual(kept[0].input, "[\u00e9]")

    def test_models(self):
        self.refused(lambda: molgen3d.load_model(5), "model: int 5 is no path")
        self.refused(lambda: molgen3d.load_model("no/such\u00e9"), "no/such\u00e9.*not found")
        with tempfile.TemporaryDirectory() as folder:
            file = pathlib.Path(folder, "model.gguf")
            file.write_bytes(b"GGUF" + bytes(100))
            self.refused(lambda: molgen3d.load_model(file), "a file, a GGUF file")
            self.refused(lambda: molgen3d.load_model(folder), "config.json: missing")

    def test_warnings(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            for file in support.MODEL.iterdir():
                shutil.copy(file, folder)
            tokenizer = json.loads((folder / "tokenizer.json").read_text())
            tokenizer["added_tokens"].append(dict(tokenizer["added_tokens"][1], id=466, content="0,"))
            (folder / "tokenizer.json").write_text(json.dumps(tokenizer))
            settings = dict(eos_token_id=461, repetition_penalty=1.5, temperature=0)
            (folder / "generation_config.json").write_text(json.dumps(settings))
            model = molgen3d.load_model(folder)
            self.assertEqual(model.settings_not_applied, ["repetition_penalty 1.5"])
            with self.assertWarnsRegex(UserWarning, '"0,".*not proved'):
                found = molgen3d.generate("C", model=model, device="cpu", sampling="greedy")
            self.assertTrue(found[0].ok, found[0].error)
            with self.assertWarnsRegex(UserWarning, "not applied: repetition_penalty 1.5"):
                molgen3d.generate("C", model=model, device="cpu", rule="none", max_new_tokens=3)

    def test_min_p(self):
        plain = self.generate("CCO", n=2, sampling="min_p_sampling4", seed=3)
        same = self.generate("CCO", n=2, temperature=1.2, top_p=1, min_p=0.1, seed=3)
        self.assertEqual([c.text for c in plain], [c.text for c in same])
        sharp = self.generate("CCO", n=2, temperature=1.2, top_p=1, min_p=1, seed=3)
        greedy = self.generate("CCO", sampling="greedy")
        self.assertEqual([c.text for c in sharp], [greedy[0].text] * 2)


class Text(Case):
    @unittest.skipIf(_molecule is None, "built without RDKit")
    def test_encode_and_decode(self):
        for value in (5, None, b"[C]<0,0,0>", "\udc80"):
            with self.subTest(value=value):
                self.refused(lambda: molgen3d.decode(value), "text: ", molgen3d.DecodeError)
        for value in (5, None, [1], b"C"):
            with self.subTest(value=value):
                self.refused(lambda: molgen3d.encode(value, np.zeros((1, 3))), "molecule: .* neither a Molecule")
        self.refused(lambda: molgen3d.encode("C", "no array"), r"Molecule\.with_coordinates: ")
        self.refused(lambda: molgen3d.encode("[\u00e9]", np.zeros((1, 3))), "\u00e9", molgen3d.MoleculeError)
        self.refused(lambda: molgen3d.encode("\udc80", np.zeros((2, 3))), "not valid Unicode", molgen3d.MoleculeError)

    def test_native_arguments(self):
        tok = support.tokenizer("qwen_like")
        for call, pattern in (
            (lambda: tok.encode(5), r"Tokenizer\.encode: cannot be called with \(int \"5\"\)"),
            (lambda: tok.encode("\udc80"), r"Tokenizer\.encode: "),
            (lambda: tok.encode(), r"Tokenizer\.encode: cannot be called with \(\)"),
            (lambda: tok.decode([2**40]), r"Tokenizer\.decode: "),
            (lambda: tok.decode("abc"), r"Tokenizer\.decode: "),
            (lambda: tok.token_bytes(2**40), r"Tokenizer\.token_bytes: "),
            (lambda: tok.token_bytes(1.5), r"Tokenizer\.token_bytes: "),
            (lambda: tok.with_added_tokens([("a", 1)]), r"with_added_tokens: "),
            (lambda: molgen3d.Tokenizer.from_file(5), r"Tokenizer\.from_file: "),
            (lambda: molgen3d.NumberFormat(decimals="4"), r"NumberFormat\.\(\): .*decimals=str"),
            (lambda: molgen3d.TemplateCompiler(tok, "1"), r"TemplateCompiler\.\(\): "),
            (lambda: molgen3d.TemplateCompiler(tok, []), "no end-of-sequence id"),
            (lambda: molgen3d.TemplateCompiler(tok, -5), "end_of_sequence -5"),
            (lambda: molgen3d.literals_of_smiles(None), "literals_of_smiles: "),
            (lambda: molgen3d.literals_of_smiles("C\u2013C"), "C\u2013C"),
        ):
            with self.subTest(pattern=pattern):
                self.refused(call, pattern)
        # What is accepted is as ever: keywords, defaults, NumPy's arrays.
        self.assertEqual(tok.decode(ids=tok.encode(text="CCO"), skip_special=True), "CCO")
        self.assertEqual(tok.token_id(token=b"C"), tok.token_id("C"))


class Ends(Case):
    """eos_token_id: an id, or several, found as by the engine."""

    def setUp(self):
        self.tok = support.tokenizer("qwen_like")
        self.eos = support.end_of(self.tok)

    def test_refused(self):
        for ends, pattern in (
            ([], "eos_token_id is not known"),
            ([self.eos, 999999], "eos_token_id 999999 is outside"),
            ([self.eos, -1], "eos_token_id -1: an integer"),
            (1.5, r"eos_token_id 1\.5: an integer"),
            ("7", "eos_token_id '7': an integer"),
            (2**70, "eos_token_id 1180591620717411303424: an integer"),
        ):
            with self.subTest(ends=ends):
                self.refused(lambda: ConformerLogitsProcessor(self.tok, ["CCO"], eos_token_id=ends), pattern)

    def test_any_id_of_a_list(self):
        other = self.tok.token_id("Z")
        for rule in ("exact", "qwen", "allowlist"):
            for wanted in (self.eos, other):
                with self.subTest(rule=rule, wanted=wanted):
                    processor = ConformerLogitsProcessor(
                        self.tok, ["CCO"], rule, eos_token_id=[other, self.eos, other], descriptors="verbatim"
                    )
                    self.assertEqual(processor.tables.meta["eos_token_ids"], sorted([self.eos, other]))
                    ids = support.prompt_batch(self.tok, ["CCO"], 1, self.eos)
                    for step in range(processor.max_new_tokens):
                        scores = support.random_scores(1, step, 1, self.tok.vocabulary_size)
                        scores[0, wanted] += 100  # never legal before the end
                        masked = processor(ids, scores)
                        ids = np.concatenate([ids, masked.argmax(axis=1)[:, None]], axis=1)
                        if ids[0, -1] == wanted:
                            break
                    legal = np.flatnonzero(np.isfinite(masked[0])).tolist()
                    self.assertEqual(legal, sorted([self.eos, other]))
                    text = self.tok.decode(ids[0, -step - 1 : -1])
                    self.assertTrue(text.endswith("[/CONFORMER]"), text)
                    processor_tables = processor.tables
                    with tempfile.TemporaryDirectory() as folder:
                        processor_tables.save(f"{folder}/t.npz")
                        again = ConstraintTables.load(f"{folder}/t.npz")
                    self.assertEqual(again.meta, processor_tables.meta)

    def test_found_as_by_the_engine(self):
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            shutil.copy(support.MODEL / "tokenizer.json", folder)
            write = lambda file, value: (folder / file).write_text(json.dumps(value))  # noqa: E731
            ends = lambda: ConstraintTables.compile(folder, ["CCO"]).meta["eos_token_ids"]  # noqa: E731
            self.refused(ends, "not known")
            write("config.json", {"eos_token_id": [300, 461]})
            self.assertEqual(ends(), [300, 461])
            write("generation_config.json", {"temperature": 1})
            self.assertEqual(ends(), [300, 461])
            write("generation_config.json", {"eos_token_id": 461})
            self.assertEqual(ends(), [461])
            write("generation_config.json", {"eos_token_id": "461"})
            self.refused(ends, "generation_config.json: eos_token_id '461': an integer")
            write("generation_config.json", {"eos_token_id": 470})  # a padding row of the model
            self.refused(ends, "eos_token_id 470 is outside its 466 tokens")
            write("generation_config.json", [1])
            self.refused(ends, "generation_config.json: not a JSON object")
            (folder / "generation_config.json").write_text('{"a":' + "[" * 100000)
            self.refused(ends, "generation_config.json: ")
            write("generation_config.json", {"eos_token_id": 461})
            write("conformer_format.json", {"decimals": "4"})
            self.refused(ends, "conformer_format.json: ")
            write("conformer_format.json", {"decimal": 4})
            self.refused(ends, "conformer_format.json: unknown key 'decimal'")


class Tables(Case):
    def setUp(self):
        tok = support.tokenizer("qwen_like")
        self.tables = ConstraintTables.compile(tok, ["CCO", "C"], eos_token_id=support.end_of(tok))

    def test_cut_files(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "t\u00e9.npz")
            self.tables.save(path)
            whole = path.read_bytes()
            for size in [*range(0, len(whole), max(1, len(whole) // 150)), len(whole) - 1]:
                path.write_bytes(whole[:size])
                self.refused(lambda: ConstraintTables.load(path), "no constraint tables: .")
            damaged = bytearray(whole)
            for at in range(0, len(whole), max(1, len(whole) // 100)):
                damaged[at] ^= 0x55
                path.write_bytes(damaged)
                try:
                    ConstraintTables.load(path)
                except molgen3d.Error:
                    pass
                damaged[at] ^= 0x55

    def test_other_contents(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder, "t.npz")
            meta, arrays = self.tables.meta, self.tables.arrays

            def refused(pattern, meta=meta, **changed):
                kept = {k: v for k, v in {**arrays, **changed}.items() if v is not None}
                np.savez(path, meta=np.array(json.dumps(meta)), **kept)
                self.refused(lambda: ConstraintTables.load(path), pattern)

            refused("version 9", {**meta, "version": 9})
            refused("version None", [])
            refused("rule is missing", {**meta, "rule": None})
            refused("unknown rule 'magic'", {**meta, "rule": "magic"})
            refused("array edge_key", edge_key=None)
            refused("array edge_key", edge_key=np.zeros(3))
            refused("array choices", choices=np.zeros(3, np.int64))
            refused("number of prompts", program_of_prompt=np.array([0]))
            refused("programs that are not there", program_of_prompt=np.array([0, 7]))
            np.savez(path, other=np.zeros(3))
            self.refused(lambda: ConstraintTables.load(path), "no constraint tables")
        self.refused(lambda: ConstraintTables.load("/no/such.npz"), "no constraint tables")
        self.refused(lambda: self.tables.save("/no/such/folder/t.npz"), "/no/such/folder")


class Scores(Case):
    def setUp(self):
        self.tok = support.tokenizer("qwen_like")
        self.eos = support.end_of(self.tok)
        self.columns = self.tok.vocabulary_size

    def begin(self, smiles, copies=1):
        processor = ConformerLogitsProcessor(self.tok, smiles, eos_token_id=self.eos)
        return processor, support.prompt_batch(self.tok, smiles, copies, self.eos)

    @staticmethod
    def log_softmax(scores):
        scores = scores.astype(np.float64)
        peak = scores.max(axis=1, keepdims=True)
        return (scores - peak - np.log(np.exp(scores - peak).sum(axis=1, keepdims=True))).astype(np.float32)

    def test_one_row_per_prompt_may_be_normalized(self):
        texts = []
        for normalize in (lambda x: x, self.log_softmax):
            processor, ids = self.begin(["CCO", "CC"])
            for step in range(processor.max_new_tokens):
                scores = normalize(support.random_scores(0, step, 2, self.columns))
                ids = np.concatenate([ids, processor(ids, scores).argmax(axis=1)[:, None]], axis=1)
                if (ids == self.eos).sum(axis=1).min() >= 1 and step > processor.min_new_tokens:
                    break
            texts.append(ids.tolist())
        self.assertEqual(*texts)

    def test_beams_are_still_refused(self):
        processor, ids = self.begin(["CCO"], 2)
        scores = self.log_softmax(support.random_scores(0, 0, 2, self.columns))
        self.refused(lambda: processor(ids, scores), "beam search", StepError)
        # One row per prompt, and yet beams: the prompts were repeated by hand.
        processor, ids = self.begin(["CC(C)C"] * 4)
        ids[:] = ids[0]

        def search():
            nonlocal ids
            generator = np.random.default_rng(0)
            for step in range(60):
                scores = self.log_softmax(support.random_scores(0, step, 4, self.columns))
                ids = np.concatenate([ids, processor(ids, scores).argmax(axis=1)[:, None]], axis=1)
                ids = ids[generator.permutation(4)]

        self.refused(search, "rows were exchanged", StepError)

    def test_forced_by_another_processor(self):
        """A zero among minus infinities is no sign of beams."""
        processor, ids = self.begin(["CCO"], 2)
        scores = np.full((2, self.columns), -np.inf, np.float32)
        scores[:, self.tok.token_id("[CONFORMER]")] = 0
        legal = np.flatnonzero(np.isfinite(processor(ids, scores)[0])).tolist()
        self.assertEqual(legal, [self.tok.token_id("[CONFORMER]")])

    def test_other_shapes_and_types(self):
        scores = support.random_scores(0, 0, 1, self.columns)
        for change, pattern in (
            (lambda ids: (ids[0], scores), r"input_ids: shape \(.*,\): an array"),
            (lambda ids: (ids.tolist(), scores), "input_ids: list: an array"),
            (lambda ids: (ids, scores[0]), r"scores: shape"),
            (lambda ids: (ids, None), "scores: NoneType"),
            (lambda ids: (ids[:, :0], scores), "input_ids: shape"),
            (lambda ids: (ids, scores.astype(np.int64)), "scores of int64"),
        ):
            with self.subTest(pattern=pattern):
                processor, ids = self.begin(["CCO"])
                self.refused(lambda: processor(*change(ids)), pattern, StepError)

    def test_scores_that_decide_nothing(self):
        nan, blocked = "row 1: its scores hold NaN", "row 1: every token .* minus infinity"
        for value, pattern in ((np.nan, nan), (-np.inf, blocked)):
            for step in (0, 1, 25):
                with self.subTest(value=value, step=step):
                    processor, ids = self.begin(["CCO", "CC"])

                    def run():
                        nonlocal ids
                        for k in range(step + 1):
                            scores = support.random_scores(0, k, 2, self.columns)
                            if k == step:
                                scores[1] = value
                            chosen = processor(ids, scores).argmax(axis=1)
                            ids = np.concatenate([ids, chosen[:, None]], axis=1)

                    self.refused(run, pattern, StepError)


if __name__ == "__main__":
    unittest.main()
