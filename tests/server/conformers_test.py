"""/v1/conformers gives the bytes of `generate`, whatever else the server does meanwhile."""
import concurrent.futures
import json
import os
import random
import subprocess

from serving import PROGRAM, Server, ServerTest, main, molecules

#: One after the other on a CPU: 200 take minutes, so every run has fewer.
COUNT = int(os.environ.get("MOLGEN3D_SERVER_MOLECULES", "60"))
CLIENTS = 50


def generated(*arguments):
    """Standard output of generate, exit code aside."""
    return subprocess.run([PROGRAM, "generate", "--quiet", *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, timeout=300).stdout


class Conformers(ServerTest):
    def same(self, smiles, fields, *options):
        status, _, body = self.server.post("/v1/conformers", {"smiles": smiles, **fields})
        self.assertEqual(status, 200, body[:300])
        self.assertEqual(body, generated(*smiles, *options))
        return body

    def test_formats(self):
        smiles = ["CC(=O)Oc1ccccc1C(=O)O aspirin", "C[C@H](N)C(=O)O", "CCO", "CCO"]
        for name in ("sdf", "xyz", "jsonl", "enriched"):
            body = self.same(smiles, {"n": 3, "seed": 7, "format": name}, "-n", "3", "--seed", "7", "--format", name)
            self.assertGreater(len(body), 200)

    def test_settings(self):
        self.same(["CCOC"], {"seed": 3, "temperature": 0.7, "top_p": 0.9, "top_k": 40, "min_p": 0.01},
                  "--seed", "3", "--temperature", "0.7", "--top-p", "0.9", "--top-k", "40", "--min-p", "0.01")
        self.same(["CCOC"], {"sampling": "greedy", "geometry": "off"}, "--sampling", "greedy", "--geometry", "off")
        self.same(["OCC"], {"prompt": "as-given", "format": "jsonl"}, "--prompt", "as-given", "--format", "jsonl")
        self.same(["CCO"], {"constraint": "none", "format": "jsonl"}, "--constraint", "none", "--format", "jsonl")
        self.same(["CCO"], {"add_hydrogens": True}, "--add-hydrogens")

    def test_failures_stand_in_json_lines_as_in_generate(self):
        self.same(["CCO", "C1CC", "", "N"], {"n": 2, "format": "jsonl"}, "-n", "2", "--format", "jsonl")
        status, headers, body = self.server.post("/v1/conformers", {"smiles": ["CCO", "C1CC"]})
        self.assertEqual((status, body.count(b"$$$$")), (200, 1))
        self.error(self.server.post("/v1/conformers", {"smiles": "C1CC"}), 422, '"C1CC"')

    def test_with_sdf(self):
        body = self.server.post("/v1/conformers", {"smiles": "CCO", "format": "jsonl", "with_sdf": True})[2]
        line = json.loads(body)
        self.assertEqual(line.pop("sdf").encode(), self.same(["CCO"], {}))
        self.assertEqual(line, json.loads(generated("CCO", "--format", "jsonl")))

    def test_many_clients_at_once(self):
        smiles = molecules(COUNT)
        self.assertEqual(len(set(smiles)), COUNT)
        lines = [json.loads(line) for line in generated(*smiles, "--seed", "11", "--format", "jsonl").splitlines()]
        records = iter(generated(*smiles, "--seed", "11").split(b"$$$$\n"))
        # What `generate` writes for each of them; nothing for those that fail.
        wanted = [None if "error" in line else next(records) + b"$$$$\n" for line in lines]
        self.assertGreater(sum(record is not None for record in wanted), 0.9 * COUNT)

        def one(index):
            return index, self.server.post("/v1/conformers", {"smiles": smiles[index], "seed": 11})

        def other(seed):  # traffic beside them, with settings of its own
            return self.server.post("/v1/conformers", {"smiles": smiles[seed::40], "seed": seed, "temperature": 0.5,
                                                       "n": 2, "geometry": "off"})

        order = list(range(COUNT))
        random.Random(5).shuffle(order)
        with concurrent.futures.ThreadPoolExecutor(CLIENTS + 5) as pool:
            beside = [pool.submit(other, seed) for seed in range(5)]
            for index, (status, _, body) in pool.map(one, order):
                if wanted[index] is None:
                    self.error((status, None, body), 422, lines[index]["error"])
                else:
                    self.assertEqual((status, body), (200, wanted[index]))
            for each in beside:
                self.assertEqual(each.result()[0], 200)

    def test_batch_size_changes_nothing(self):
        small = Server("--batch", 3, "--threads", 1, "--workers", 1)
        try:
            body = {"smiles": molecules(12), "n": 2, "seed": 4}
            self.assertEqual(small.post("/v1/conformers", body)[2], self.server.post("/v1/conformers", body)[2])
        finally:
            small.end()


if __name__ == "__main__":
    main()
