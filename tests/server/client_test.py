"""molgen3d.Client and OpenAI's own client for Node.js against a running server."""
import json
import os
import re
import shutil
import subprocess
import sys
import types
import unittest

from serving import ROOT, ServerTest, main

# The package's client alone: it needs neither the native modules nor NumPy.
sys.path.insert(0, os.path.join(ROOT, "python"))
package = types.ModuleType("molgen3d")
package.__path__ = [os.path.join(ROOT, "python", "molgen3d")]
sys.modules["molgen3d"] = package
from molgen3d.client import Client, ServerError  # noqa: E402
from molgen3d.errors import Error  # noqa: E402

ASPIRIN = "CC(=O)Oc1ccccc1C(=O)O"
NODE_MODULES = os.path.join(ROOT, "build", "npm-server", "node_modules")


class PythonClient(ServerTest):
    def setUp(self):
        super().setUp()
        self.client = Client(f"http://127.0.0.1:{self.server.port}")

    def test_conformers_and_sdf(self):
        found = list(self.client.conformers([ASPIRIN, "C1CC"], n=2, seed=7))
        self.assertEqual([("error" in one, one["sample"]) for one in found], [(False, 0), (False, 1), (True, 0), (True, 1)])
        self.assertEqual(len(found[0]["coordinates"]), 13)
        sdf = self.client.sdf(ASPIRIN, n=2, seed=7)
        self.assertEqual(sdf.encode(), self.server.post("/v1/conformers", {"smiles": ASPIRIN, "n": 2, "seed": 7})[2])
        self.assertEqual(self.client.models(), ["qwen3-conformer"])
        answer = self.client.complete(f"[SMILES]{ASPIRIN}[/SMILES]", seed=7, constraint="exact")
        self.assertTrue(answer["choices"][0]["text"].startswith("[CONFORMER]"))

    def test_example_of_the_page(self):
        with open(os.path.join(ROOT, "docs", "serve.md"), encoding="utf-8") as file:
            block = re.search(r"^```python\n(.*?)^```", file.read(), re.M | re.S)[1]
        self.assertIn("127.0.0.1:8000", block)
        self.assertLessEqual(block.count("\n"), 10)
        block = block.replace(":8000", f":{self.server.port}")
        path = os.path.join(ROOT, "python")
        done = subprocess.run([sys.executable, "-W", "error", "-c", block], cwd=self.folder.name, text=True,
                              capture_output=True, env=dict(os.environ, PYTHONPATH=path), timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(len(done.stdout.splitlines()), 4)
        self.assertEqual(self.read("aspirin.sdf").count(b"$$$$"), 5)

    def test_errors(self):
        with self.assertRaisesRegex(ServerError, 'conformers: 422: .*"C1CC"') as caught:
            self.client.sdf("C1CC")
        self.assertEqual(caught.exception.status, 422)
        with self.assertRaisesRegex(ServerError, "refused"):
            Client("http://127.0.0.1:1").models()
        with self.assertRaisesRegex(Error, "ftp"):
            Client("ftp://somewhere")


@unittest.skipUnless(shutil.which("node") and os.path.isdir(os.path.join(NODE_MODULES, "openai")),
                     "no openai client (scripts/fetch_openai_client.sh)")
class OpenAiClient(ServerTest):
    def test_completes_and_streams(self):
        script = os.path.join(os.path.dirname(os.path.abspath(__file__)), "openai_client.mjs")
        shutil.copy(script, os.path.dirname(NODE_MODULES))
        done = subprocess.run(["node", os.path.join(os.path.dirname(NODE_MODULES), "openai_client.mjs"),
                               f"http://127.0.0.1:{self.server.port}/v1"], capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stderr)
        seen = json.loads(done.stdout)
        self.assertEqual(seen["models"], ["qwen3-conformer"])
        whole = seen["whole"]
        self.assertEqual(whole["object"], "text_completion")
        self.assertEqual([choice["index"] for choice in whole["choices"]], [0, 1])
        self.assertEqual(whole["usage"]["total_tokens"],
                         whole["usage"]["prompt_tokens"] + whole["usage"]["completion_tokens"])
        self.assertGreater(whole["usage"]["completion_tokens"], 50)
        # The stream says the same in pieces.
        self.assertEqual(seen["streamed"], [choice["text"] for choice in whole["choices"]])
        self.assertGreater(seen["pieces"], 2)
        self.assertEqual(seen["streamedUsage"], whole["usage"])
        self.assertEqual(seen["stopped"], {"text": whole["choices"][0]["text"].split(">")[0], "finish_reason": "stop"})
        self.assertEqual(seen["short"]["finish_reason"], "length")
        self.assertEqual(seen["refused"], [400, True])
        # With the exact rule it is what generate writes.
        enriched = subprocess.run([self.program(), "generate", ASPIRIN, "--seed", "7", "--geometry", "off", "--quiet",
                                   "--format", "enriched"], capture_output=True, text=True, timeout=300).stdout
        smiles = json.loads(subprocess.run([self.program(), "generate", ASPIRIN, "--format", "jsonl", "--quiet"],
                                           capture_output=True, text=True, timeout=300).stdout)["smiles"]
        answer = json.loads(self.server.post("/v1/completions", {"prompt": f"[SMILES]{smiles}[/SMILES]", "seed": 7,
                                                                 "constraint": "exact"})[2])
        self.assertEqual(answer["choices"][0]["text"], "[CONFORMER]" + enriched.strip() + "[/CONFORMER]")

    @staticmethod
    def program():
        import program
        return program.PROGRAM


class Completions(ServerTest):
    def test_refusals(self):
        for body, parts in (({"prompt": "hello", "constraint": "exact"}, ["exact rule", "[SMILES]"]),
                            ({"prompt": "[SMILES]C1CC[/SMILES]", "constraint": "exact"}, ["C1CC"]),
                            ({"prompt": "[SMILES]CCO[/SMILES]", "logprobs": 3}, ["logprobs"]),
                            ({"prompt": "[SMILES]CCO[/SMILES]", "echo": True}, ["echo"]),
                            ({"prompt": "[SMILES]CCO[/SMILES]", "stop": ""}, ["stop"]),
                            ({"prompt": "[SMILES]CCO[/SMILES]", "constraint": "qwen"}, ["qwen"]),
                            ({"prompt": "x" * 100000}, ["context"])):
            with self.subTest(body=str(body)[:60]):
                self.error(self.server.post("/v1/completions", body), 400, *parts)

    def test_neutral_fields_and_many_prompts(self):
        body = {"model": "qwen3-conformer", "prompt": ["[SMILES]CCO[/SMILES]", "[SMILES]CCN[/SMILES]"], "n": 2, "seed": 1,
                "echo": False, "logprobs": None, "best_of": 2, "user": "me", "frequency_penalty": 0, "logit_bias": {}}
        first = json.loads(self.server.post("/v1/completions", body)[2])
        self.assertEqual([choice["index"] for choice in first["choices"]], [0, 1, 2, 3])
        again = json.loads(self.server.post("/v1/completions", body)[2])
        self.assertEqual(first["choices"], again["choices"])


if __name__ == "__main__":
    main()
