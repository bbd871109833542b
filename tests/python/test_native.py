import ast
import inspect
import json
import unittest

import numpy as np

import molgen3d
import support

try:
    from molgen3d import _molecule
except ImportError:
    _molecule = None

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"


class Tokens(unittest.TestCase):
    def test_golden(self):
        for name, cases in json.loads((support.GOLDEN / "expected.json").read_text()).items():
            path = support.GOLDEN / f"{name}.json"
            if not path.is_file():
                continue
            tok = molgen3d.Tokenizer.from_file(str(path))
            for case in cases:
                with self.subTest(name=name, text=case["text"]):
                    self.assertEqual(tok.encode(case["text"]).tolist(), case["ids"])

    def test_offsets_and_decode(self):
        tok = support.tokenizer("qwen_like")
        text = "[CONFORMER][C]<1.5,-0.25,0>[/CONFORMER]"
        ids, spans = tok.encode_with_offsets(text)
        self.assertEqual(tok.decode(ids), text)
        self.assertEqual("".join(text[a:b] for a, b in spans), text)
        self.assertEqual(b"".join(tok.token_bytes(int(i)) for i in ids).decode(), text)
        self.assertEqual(tok.token_id("[SMILES]"), tok.token_id(b"[SMILES]"))
        self.assertIsNone(tok.token_id("no such token"))
        self.assertEqual(len(tok), tok.vocabulary_size)
        # A lone continuation byte is no UTF-8.
        broken = next(i for i in range(len(tok)) if tok.token_bytes(i) == b"\xff")
        self.assertEqual(tok.decode([broken]), "\ufffd")

    def test_ids_that_are_no_tokens(self):
        tok = support.tokenizer("qwen_like")
        for id_ in (-1, -(2**31), len(tok), 2**31 - 1):
            with self.subTest(id=id_):
                self.assertEqual(tok.token_bytes(id_), b"")
                self.assertEqual(tok.decode([id_]), "")
                self.assertFalse(tok.is_added(id_) or tok.is_special(id_))
        program = molgen3d.TemplateCompiler(tok, support.end_of(tok)).compile(["[CONFORMER][C]<", ">[/CONFORMER]"])
        self.assertEqual(program.follow([-1, 2**31 - 1]), (0, False))

    def test_compiler(self):
        tok = support.tokenizer("qwen_like")
        eos = support.end_of(tok)
        compiler = molgen3d.TemplateCompiler(tok, eos, molgen3d.NumberFormat(4, "strip", 2))
        self.assertEqual(compiler.fallback_reason, "")
        program = compiler.compile(molgen3d.literals_of_smiles("CO"))
        ids = tok.encode("[CONFORMER][C]<1.5,-0.25,0>[O]<0,0,12.0001>[/CONFORMER]").tolist() + [eos]
        self.assertEqual(program.follow(ids), (len(ids), True))
        self.assertTrue(program.min_tokens <= len(ids) <= program.max_tokens)
        # `1.50` is no number of a format that strips zeros.
        wrong = tok.encode("[CONFORMER][C]<1.50,").tolist()
        self.assertLess(program.follow(wrong)[0], len(wrong))
        with self.assertRaisesRegex(molgen3d.Error, "not legal there"):
            program.choices_after(wrong)
        kind, first = program.choices_after([])
        self.assertEqual((kind, first.tolist()), ("forced", [tok.token_id("[CONFORMER]")]))

    def test_wrong_arguments(self):
        with self.assertRaisesRegex(molgen3d.Error, "not one of strip"):
            molgen3d.NumberFormat(trailing_zeros="no")
        with self.assertRaisesRegex(molgen3d.Error, "decimals 7"):
            molgen3d.NumberFormat(decimals=7)
        with self.assertRaisesRegex(molgen3d.TokenizerError, "broken.json"):
            molgen3d.Tokenizer.from_json("{", "broken.json")
        with self.assertRaises(AttributeError):
            molgen3d.no_such_name
        self.assertTrue(issubclass(molgen3d.MoleculeError, molgen3d.Error))
        self.assertTrue(issubclass(molgen3d.Error, ValueError))


@unittest.skipIf(_molecule is None, "built without RDKit")
class Text(unittest.TestCase):
    def test_round_trip(self):
        coordinates = np.random.default_rng(0).uniform(-9, 9, (13, 3)).round(4)
        text = molgen3d.encode(ASPIRIN, coordinates)
        back = molgen3d.decode(text)
        self.assertEqual(back.smiles, molgen3d.Molecule.from_smiles(ASPIRIN).smiles)
        # Truncated toward zero, so that the last of four decimals may be one less.
        np.testing.assert_allclose(back.coordinates, coordinates, atol=1.0001e-4)
        self.assertEqual(back.elements, list("CCOOCCCCCCCOO"))
        self.assertEqual(molgen3d.encode(back), molgen3d.encode(molgen3d.decode(molgen3d.encode(back))))

    def test_literals_agree_with_rdkit(self):
        for smiles in (ASPIRIN, "C[C@@H](N)C(=O)O", "[O-][n+]1ccccc1", "C/C=C/Cl", "[Na+].[Cl-]", "C%10CCC%10"):
            with self.subTest(smiles=smiles):
                self.assertEqual(
                    molgen3d.literals_of_smiles(smiles),
                    molgen3d.tagged_literals(smiles, "as-given", "verbatim"),
                )
        self.assertEqual(
            molgen3d.tagged_literals("CO", "canonical", "study"),
            ["[CONFORMER][C]<", ">[OH]<", ">[/CONFORMER]"],
        )

    def test_decode_errors(self):
        for text, cause in {
            "[C]<1,2>": "Bad coord triplet", "[C]<1,2,x>": "Bad float token", "C": "Unrecognized|Unparsed",
        }.items():  # fmt: skip
            with self.subTest(text=text), self.assertRaisesRegex(molgen3d.DecodeError, cause):
                molgen3d.decode(text, strict=False)

    def test_encode_errors(self):
        with self.assertRaises(molgen3d.MoleculeError):
            molgen3d.encode("C1CC", np.zeros((3, 3)))
        with self.assertRaises(molgen3d.Error):
            molgen3d.encode("CC", np.zeros((3, 3)))
        with self.assertRaisesRegex(molgen3d.Error, "shape"):
            molgen3d.encode("CC", np.zeros((2, 2)))
        with self.assertRaisesRegex(molgen3d.Error, ""):
            molgen3d.encode("CC", np.full((2, 3), np.nan))


@unittest.skipIf(_molecule is None, "built without RDKit")
class Generation(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.model = molgen3d.load_model()

    def generate(self, *args, **extra):
        return molgen3d.generate(*args, **{"model": self.model, "device": "cpu", **extra})

    def test_conformers(self):
        calls = []
        found = self.generate(["OCC", "CC(N)=O"], 2, seed=3, progress=lambda *x: calls.append(x))
        self.assertEqual([c.sample for c in found], [0, 1, 0, 1])
        self.assertEqual([c.record for c in found], [0, 0, 1, 1])
        self.assertEqual(calls[-1], (4, 4))
        for c in found:
            self.assertTrue(c.ok, c.error)
            self.assertEqual(c.coordinates.shape, (len(c.elements), 3))
            self.assertEqual(c.coordinates.dtype, np.float64)
            self.assertTrue(molgen3d.same_molecular_graph(molgen3d.decode(c.text).smiles, c.input))
            block = c.sdf().split("\n")
            row = [float(x) for x in block[4].split()[:3]]
            np.testing.assert_allclose(row, c.coordinates[0], atol=1e-4)
            self.assertIn("$$$$", block)
        # Input order, not that of the canonical text.
        self.assertEqual(found[0].elements, ["O", "C", "C"])
        self.assertEqual(found[0].smiles, "CCO")
        self.assertIn("HYDROGENS", found[0].sdf(add_hydrogens=True))
        self.assertEqual(found[0].xyz().split("\n")[0], "3")

    def test_same_whatever_the_batch(self):
        smiles = ["CCO", "c1ccccc1", "CC(N)=O"]
        a = self.generate(smiles, 3, seed=1, batch=1, threads=1)
        b = self.generate(smiles, 3, seed=1, batch=7, threads=2)
        c = self.generate(smiles, 3, seed=2)
        self.assertEqual([x.text for x in a], [x.text for x in b])
        self.assertNotEqual([x.text for x in a], [x.text for x in c])

    def test_processor_allows_what_the_engine_wrote(self):
        tables = molgen3d.ConstraintTables.compile(self.model.directory, ASPIRIN)
        for conformer in self.generate(ASPIRIN, 2, style="as-given"):
            self.assertEqual(tables.programs[0].follow(conformer.tokens.tolist()), (len(conformer.tokens), True))

    def test_errors(self):
        with self.assertRaisesRegex(molgen3d.MoleculeError, r"smiles\[1\].*ring 1 is never closed"):
            self.generate(["CCO", "C1CC"])
        kept = self.generate(["C1CC", "C"], 2, errors="keep")
        self.assertEqual([c.ok for c in kept], [False, False, True, True])
        self.assertIn("ring 1 is never closed", kept[0].error)
        self.assertIsNone(kept[0].coordinates)
        with self.assertRaisesRegex(molgen3d.Error, "no structure"):
            kept[0].sdf()
        for wrong in ({"n": 0}, {"rule": "magic"}, {"device": "tpu"}, {"dtype": "int4"}, {"top_p": 2.0},
                      {"sampling": "no"}, {"temperature": -1.0}, {"style": "x"}, {"errors": "x"}):  # fmt: skip
            with self.subTest(wrong=wrong), self.assertRaises(molgen3d.Error):
                self.generate("CCO", **wrong)
        with self.assertRaisesRegex(molgen3d.Error, "not found"):
            molgen3d.generate("CCO", model="no-such-model")

    def test_progress_can_stop(self):
        class Stop(Exception):
            pass

        def stop(done, total):
            raise Stop

        with self.assertRaises(Stop):
            self.generate([ASPIRIN] * 20, 5, progress=stop)


class Stubs(unittest.TestCase):
    """The .pyi files declare what there is, no more and no less."""

    def names(self, body):
        for node in body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef)):
                yield node.name, node
            elif isinstance(node, ast.AnnAssign):
                yield node.target.id, node

    def test_stubs(self):
        import importlib

        folder = support.ROOT / "python" / "molgen3d"
        for name in ("_core", "_molecule", "errors", "generation", "processor", "tables", "text"):
            if _molecule is None and name in ("_molecule", "generation", "text"):
                continue
            module = importlib.import_module(f"molgen3d.{name}")
            declared = dict(self.names(ast.parse((folder / f"{name}.pyi").read_text()).body))
            for item, node in declared.items():
                with self.subTest(module=name, item=item):
                    self.assertTrue(hasattr(module, item))
                    if isinstance(node, ast.ClassDef):
                        self.compare(getattr(module, item), node)
                    elif isinstance(node, ast.FunctionDef) and inspect.isfunction(getattr(module, item)):
                        self.same_arguments(getattr(module, item), node)
            if name.startswith("_"):
                public = {n for n in vars(module) if not n.startswith("_")}
                self.assertEqual(public - set(declared), set())

    def compare(self, cls, node):
        declared = dict(self.names(node.body))
        for member, item in declared.items():
            self.assertTrue(hasattr(cls, member) or isinstance(item, ast.AnnAssign), f"{cls}.{member}")
            value = inspect.getattr_static(cls, member, None)
            if isinstance(value, (staticmethod, classmethod)):
                value = value.__func__
            if inspect.isfunction(value):
                self.same_arguments(value, item)
        real = {n for n in vars(cls) if not n.startswith("_")}
        self.assertEqual(real - set(declared), set(), cls)

    def same_arguments(self, function, node):
        arguments = node.args.posonlyargs + node.args.args + node.args.kwonlyargs
        self.assertEqual([a.arg for a in arguments], list(inspect.signature(function).parameters), node.name)


if __name__ == "__main__":
    unittest.main()
