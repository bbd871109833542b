#!/usr/bin/env python3
"""Bad input: one clear line each, exit code 2, everything else done."""
import json
import os
import shutil
import struct
import unittest

from program import ROOT, ProgramTest

MODEL = os.path.join(ROOT, "models", "qwen3-conformer")


class BadRecords(ProgramTest):
    def test_bad_lines_are_named_and_the_others_done(self):
        chain = "C" * 300
        self.write("m.smi", "CCO good\nC1CC bad_ring\n\nCC->N dative\nC*C dummy\n[Na+].[Cl-] salt\n" + chain +
                   " long\nCCN also_good\n")
        _, error = self.run_program("generate", "m.smi", "-o", "m.sdf", code=2)
        self.one_line_with(error, "m.smi:2", "C1CC")
        self.one_line_with(error, "m.smi:3", "empty")
        self.one_line_with(error, "m.smi:4", "CC->N")
        self.one_line_with(error, "m.smi:5", "C*C")
        self.one_line_with(error, "m.smi:7", "context")
        titles = [record.split(b"\n")[0] for record in self.read("m.sdf").split(b"$$$$\n") if record]
        self.assertEqual(titles, [b"good", b"salt", b"also_good"])
        failures = [json.loads(line) for line in self.read("m.sdf.failed.jsonl").splitlines()]
        self.assertEqual([f["record"] for f in failures], [1, 2, 3, 4, 6])
        for failure in failures:
            self.assertTrue(failure["error"])

    def test_json_lines_hold_failures_in_place(self):
        self.write("m.smi", "CCO\nnonsense(\nCCN\n")
        out, _ = self.run_program("generate", "m.smi", "--format", "jsonl", "-q", code=2)
        records = [json.loads(line) for line in out.splitlines()]
        self.assertEqual(["error" in r for r in records], [False, True, False])

    def test_missing_file_and_bad_options(self):
        _, error = self.run_program("generate", "absent.smi", code=2)
        self.one_line_with(error, "absent.smi")
        _, error = self.run_program("generate", "CCO", "--device", "cpu", "--kv-dtype", "fp8", code=2)
        self.one_line_with(error, "kv_dtype fp8", "CUDA")
        for options in (["--top-p", "0"], ["--temperature", "-1"], ["--constraint", "magic"], ["--sampling", "beam"],
                        ["--device", "tpu"], ["--format", "pdb"], ["--resume"], ["-n", "0"]):
            _, error = self.run_program("generate", "CCO", *options, code=2)
            self.assertTrue(error.strip(), options)

    def test_full_disk(self):
        if not os.path.exists("/dev/full"):
            self.skipTest("no /dev/full")
        _, error = self.run_program("decode", "[C]<0,0,0>", "-o", "/dev/full", code=2)
        self.one_line_with(error, "/dev/full", "No space left")


class BadModels(ProgramTest):
    def broken(self, name):
        folder = self.path(name)
        shutil.copytree(MODEL, folder)
        return folder

    def json_of(self, folder, name):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            return json.load(file)

    def rewrite_header(self, folder, change):
        path = os.path.join(folder, "model.safetensors")
        with open(path, "rb") as file:
            data = file.read()
        size = struct.unpack("<Q", data[:8])[0]
        header = json.loads(data[8:8 + size])
        change(header)
        text = json.dumps(header).encode()
        text += b" " * (-len(text) % 8)
        with open(path, "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text + data[8 + size:])

    def refused(self, folder, *parts):
        _, error = self.run_program("generate", "CCO", "--model", folder, code=2)
        self.one_line_with(error, *parts)
        self.assertEqual(len(error.strip().splitlines()), 1, error)
        out, _ = self.run_program("model", folder, code=2)
        self.assertIn("problem", out)

    def test_truncated_weights(self):
        folder = self.broken("truncated")
        with open(os.path.join(folder, "model.safetensors"), "r+b") as file:
            file.truncate(1000000)
        self.refused(folder, "model.safetensors")

    def test_wrong_shape(self):
        folder = self.broken("shape")

        def change(header):
            header["model.norm.weight"]["shape"] = [192, 2]
        self.rewrite_header(folder, change)
        self.refused(folder, "model.norm.weight")

    def test_missing_tensor(self):
        folder = self.broken("missing")
        self.rewrite_header(folder, lambda header: header.update({"renamed": header.pop("model.norm.weight")}))
        self.refused(folder, "model.norm.weight", "renamed")

    def test_missing_tokenizer(self):
        folder = self.broken("tokenizer")
        os.remove(os.path.join(folder, "tokenizer.json"))
        self.refused(folder, "tokenizer.json")

    def test_nan_weights(self):
        folder = self.broken("nan")
        path = os.path.join(folder, "model.safetensors")
        with open(path, "r+b") as file:
            file.seek(-1000, os.SEEK_END)
            file.write(b"\xc0\x7f")
        self.refused(folder, "model.", "NaN")

    def test_weights_that_overflow(self):
        """All weights finite and as large as they can be: no answer comes out, whatever the arithmetic makes of it."""
        folder = self.broken("large")
        path = os.path.join(folder, "model.safetensors")
        with open(path, "rb") as file:
            data = file.read()
        begin = 8 + struct.unpack("<Q", data[:8])[0]
        with open(path, "wb") as file:
            file.write(data[:begin] + b"\x7f\x7f" * ((len(data) - begin) // 2))
        for options in ([], ["--dtype", "float32"], ["--constraint", "none"]):
            out, error = self.run_program("generate", "CCO", "--model", folder, "--format", "jsonl", *options, code=2)
            self.one_line_with(error, "sample 0", "not finite")
            self.assertIn("error", json.loads(out))

    def test_settings_and_tokenizers_that_need_a_word(self):
        folder = self.broken("mixed")
        tokenizer = self.json_of(folder, "tokenizer.json")
        tokenizer["added_tokens"].append(dict(tokenizer["added_tokens"][1], id=466, content="0,"))
        self.write("mixed/tokenizer.json", json.dumps(tokenizer))
        self.write("mixed/generation_config.json",
                   json.dumps({"eos_token_id": [461, 300], "temperature": 0, "repetition_penalty": 1.2, "num_beams": 4}))
        out, _ = self.run_program("model", folder)
        self.one_line_with(out, "note", "not applied: num_beams 4, repetition_penalty 1.2")
        self.one_line_with(out, "note", '"0,"', "text is exact", "not proved")
        _, error = self.run_program("generate", "C", "--model", folder)
        self.one_line_with(error, "greedy (generation_config.json)")
        self.one_line_with(error, "not applied: num_beams 4, repetition_penalty 1.2")
        self.one_line_with(error, '"0,"', "text is exact", "not proved")
        for settings, cause in (({"top_p": 0}, "top_p"), ({"eos_token_id": [461, 470]}, "end-of-sequence id 470"),
                                ({"min_p": "a"}, "min_p")):
            self.write("mixed/generation_config.json", json.dumps({"eos_token_id": 461, **settings}))
            out, _ = self.run_program("model", folder, code=2)
            self.one_line_with(out, "problem", cause)
            _, error = self.run_program("generate", "C", "--model", folder, code=2)
            self.assertIn(cause, error)

    def test_digits_as_added_tokens(self):
        """The same ids, cut out of the text by another rule: the same conformer."""
        folder = self.broken("digits")
        tokenizer = self.json_of(folder, "tokenizer.json")
        for digit in "0123456789":
            token = dict(tokenizer["added_tokens"][1], id=tokenizer["model"]["vocab"][digit], content=digit, normalized=True)
            tokenizer["added_tokens"].append(token)
        self.write("digits/tokenizer.json", json.dumps(tokenizer))
        out, _ = self.run_program("model", folder)
        self.assertNotIn("not proved", out)
        texts = []
        for model in (MODEL, folder):
            out, _ = self.run_program("generate", "CCO", "--model", model, "--format", "jsonl", "-q", "--seed", "4")
            texts.append(json.loads(out)["enriched"])
        self.assertEqual(*texts)

    def test_parts_that_are_no_regular_files(self):
        folder = self.broken("fifo")
        for part in ("config.json", "model.safetensors", "tokenizer.json", "generation_config.json"):
            path = os.path.join(folder, part)
            os.rename(path, path + ".kept")
            os.mkfifo(path)
            for command in (["model", folder], ["generate", "CCO", "--model", folder]):
                out, error = self.run_program(*command, code=2)
                self.assertIn(part + ": not a regular file", out + error)
            os.remove(path)
            os.symlink(path, path)
            out, error = self.run_program("generate", "CCO", "--model", folder, code=2)
            self.assertIn(part + ": cannot open", error)
            self.assertNotIn("internal", error)
            os.remove(path)
            os.rename(path + ".kept", path)
        self.run_program("model", folder)

    def test_unknown_model(self):
        _, error = self.run_program("generate", "CCO", "--model", "no-such-model", code=2)
        self.one_line_with(error, "no-such-model", "looked at")


if __name__ == "__main__":
    unittest.main()
