#!/usr/bin/env python3
"""encode, decode, tokens, model: the commands that need no generation."""
import json
import os
import unittest

from program import ROOT, ProgramTest

SDF = """ethanol
  hand

  3  2  0  0  0  0  0  0  0  0999 V2000
    1.0000    0.0000    0.0000 O   0  0
   -0.0000    0.5000    0.0000 C   0  0
   -1.2345   -0.5000    0.12999 C   0  0
  1  2  1  0
  2  3  1  0
M  END
$$$$
""".replace("0.12999", " 0.1300")


class Text(ProgramTest):
    def test_encode_and_decode_are_inverse(self):
        self.write("m.sdf", SDF)
        out, _ = self.run_program("encode", "m.sdf")
        self.assertEqual(out, "[C]<-1.2345,-0.5,0.13>[C]<0,0.5,0>[O]<1,0,0>\tethanol\n")
        out, _ = self.run_program("encode", "m.sdf", "--numbers", "fixed")
        self.assertEqual(out, "[C]<-1.2345,-0.5000,0.1300>[C]<0.0000,0.5000,0.0000>[O]<1.0000,0.0000,0.0000>\tethanol\n")
        out, _ = self.run_program("encode", "m.sdf", "--training")
        self.assertEqual(out, "[SMILES]CCO[/SMILES][CONFORMER][C]<-1.2345,-0.5,0.13>[C]<0,0.5,0>[O]<1,0,0>[/CONFORMER]\n")
        text, _ = self.run_program("encode", "m.sdf")
        out, _ = self.run_program("decode", "-", "--format", "jsonl", stdin=text)
        record = json.loads(out)
        self.assertEqual(record["smiles"], "CCO")
        self.assertEqual(record["coordinates"], [[-1.2345, -0.5, 0.13], [0, 0.5, 0], [1, 0, 0]])

    def test_strict_and_lenient(self):
        text = '[C]<0.5204"1,0,0>[O]<1.4,0,0>'
        _, error = self.run_program("decode", text, code=2)
        self.one_line_with(error, "argument 1")
        out, _ = self.run_program("decode", text, "--lenient", "--format", "jsonl")
        self.assertEqual(json.loads(out)["coordinates"][0][0], 1)

    def test_whole_answers_are_decoded(self):
        out, _ = self.run_program("decode", "[SMILES]CO[/SMILES][CONFORMER][C]<0,0,0>[O]<1.4,0,0>[/CONFORMER]",
                                  "--format", "xyz")
        self.assertEqual(out.splitlines()[0], "2")

    def test_brackets_on_the_command_line_are_text(self):
        out, _ = self.run_program("generate", "[NH4+]", "[13CH3]O[2H]", "--format", "jsonl", "-q")
        self.assertEqual([json.loads(line)["smiles"] for line in out.splitlines()], ["[NH4+]", "CO"])
        out, _ = self.run_program("tokens", "--tokenizer", "qwen3-conformer", "--list", "[C]", "--json")
        self.assertEqual(json.loads(out)["tokenizers"][0]["lists"][0]["text"], "[C]")

    def test_tokens_of_the_shipped_tokenizers(self):
        out, _ = self.run_program("tokens", "--json")
        data = json.loads(out)
        qwen, llama = data["tokenizers"]
        self.assertEqual([b["isolated"] for b in qwen["blocks"]][:2], [22, 13])
        self.assertEqual([b["isolated"] for b in llama["blocks"]][:2], [16, 13])
        self.assertEqual(qwen["skeletons"][0], {"text": "[C]<0.0000,0.0000,0.0000>=[O]<0.0000,0.0000,0.0000>",
                                                "tokens": 47, "free": 40, "copy": 7})
        self.assertEqual(llama["skeletons"][0]["tokens"], 35)

    def test_model_describes(self):
        out, _ = self.run_program("model", os.path.join(ROOT, "models", "qwen3-conformer"))
        self.assertIn("Qwen3ForCausalLM", out)
        self.assertIn("15919232", out)
        out, _ = self.run_program("model", "llama-conformer-undertrained", "--json")
        json.loads(out)

    def test_every_command_has_help_with_an_example(self):
        for command in ("generate", "encode", "decode", "tokens", "model"):
            out, _ = self.run_program(command, "--help")
            self.assertIn("Example:", out)


if __name__ == "__main__":
    unittest.main()
