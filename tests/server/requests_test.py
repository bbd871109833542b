"""What the server refuses, how it bounds what it is asked for, and how it ends."""
import concurrent.futures
import json
import signal
import socket
import subprocess
import threading
import time
import unittest

from serving import PROGRAM, ProgramTest, Server, ServerTest, main, molecules

SLOW = {"smiles": molecules(40), "n": 50, "seed": 1}  # more than any test waits for


class Requests(ServerTest):
    def test_health_models_and_metrics(self):
        self.assertEqual(json.loads(self.server.request("GET", "/health")[2]), {"status": "ok"})
        models = json.loads(self.server.request("GET", "/v1/models")[2])
        self.assertEqual([model["id"] for model in models["data"]], ["qwen3-conformer"])
        self.assertEqual(self.server.post("/v1/conformers", {"smiles": "CCO", "n": 2})[0], 200)
        metrics = self.server.metrics()
        self.assertGreaterEqual(metrics['molgen3d_samples_total{outcome="ok"}'], 2)
        self.assertGreaterEqual(metrics['molgen3d_requests_total{path="/v1/conformers",status="200"}'], 1)
        self.assertEqual(metrics["molgen3d_up"], 1)

    def test_bad_bodies(self):
        for body, parts in (("", ["JSON"]), ("{", ["JSON"]), ("[]", ["object"]), ("{}", ["smiles"]),
                            ('{"smiles": 3}', ["smiles", "3"]), ('{"smiles": []}', ["smiles"]),
                            ('{"smiles": "CCO", "n": 0}', ["n", "0"]), ('{"smiles": "CCO", "n": -1}', ["n"]),
                            ('{"smiles": "CCO", "n": 1.5}', ["n"]), ('{"smiles": "CCO", "seed": 1e30}', ["seed"]),
                            ('{"smiles": "CCO", "temperature": -1}', ["temperature", "-1"]),
                            ('{"smiles": "CCO", "top_p": 2}', ["top_p"]),
                            ('{"smiles": "CCO", "format": "pdf"}', ["format", "pdf"]),
                            ('{"smiles": "CCO", "geometry": "perfect"}', ["perfect"]),
                            ('{"smiles": "CCO", "tempreature": 1}', ["unknown field", "tempreature"]),
                            ('{"smiles": "CCO", "format": "sdf", "with_sdf": true}', ["with_sdf"]),
                            ('{"smiles": "\\ud800"}', ["JSON"]), (b'{"smiles": "\xff"}', ["JSON"])):
            with self.subTest(body=body):
                answer = self.server.post("/v1/conformers", body, **{"Content-Type": "application/json"})
                self.error(answer, 400, *parts)
        self.error(self.server.post("/v1/conformers", {"smiles": "C", "model": "gpt-4"}), 404, "gpt-4")

    def test_no_path_opens_a_file(self):
        path = self.write("molecules.smi", "CCO\n")
        self.error(self.server.post("/v1/conformers", {"smiles": path}), 422, "molecules.smi")
        self.error(self.server.post("/v1/conformers", {"smiles": "-"}), 422, '"-"')
        self.error(self.server.request("GET", "/../../etc/passwd"), 404)
        self.error(self.server.request("GET", "//etc/passwd"), 404)

    def test_deep_and_large_bodies(self):
        kind = {"Content-Type": "application/json"}
        self.error(self.server.post("/v1/conformers", "[" * 1000000, **kind), 400, "nested")
        self.error(self.server.post("/v1/conformers", '{"a":' * 200000, **kind), 400, "nested")
        self.error(self.server.post("/v1/conformers", b" " * (10 << 20), **kind), 413, "8388608")
        # Without an announced length.
        chunk = b"%x\r\n" % (1 << 20) + b" " * (1 << 20) + b"\r\n"
        head = (b"POST /v1/conformers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                b"Transfer-Encoding: chunked\r\n\r\n")
        self.assertIn(b" 413 ", self.server.raw(head + 10 * chunk + b"0\r\n\r\n").split(b"\r\n")[0])
        self.assertEqual(self.server.request("GET", "/health")[0], 200)

    def test_broken_http(self):
        for data, status in ((b"GET\r\n\r\n", b"400"), (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n", b"400"),
                             (b"GET / HTTP/1.1\r\nContent-Length: x\r\n\r\n", b"400"),
                             (b"POST /v1/conformers HTTP/1.1\r\nTransfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\nabc",
                              b"400"),
                             (b"GET / HTTP/1.1\r\nA: " + b"b" * 100000 + b"\r\n\r\n", b"431")):
            with self.subTest(data=data[:40]):
                self.assertIn(b" " + status + b" ", self.server.raw(data).split(b"\r\n")[0])
        self.assertEqual(self.server.request("GET", "/health")[0], 200)

    def test_methods_types_and_places(self):
        self.error(self.server.request("GET", "/v1/conformers"), 405, "POST")
        self.error(self.server.request("DELETE", "/health"), 405, "GET")
        self.error(self.server.request("GET", "/nothing"), 404, "/nothing")
        self.error(self.server.post("/v1/conformers", '{"smiles": "CCO"}', **{"Content-Type": "text/plain"}), 415)
        status, headers, body = self.server.request("HEAD", "/health")
        self.assertEqual((status, body), (200, b""))

    def test_only_its_own_pages_may_ask(self):
        body = {"smiles": "CCO"}
        self.error(self.server.post("/v1/conformers", body, Origin="https://example.org"), 403, "origin")
        self.error(self.server.post("/v1/conformers", body, Host="evil.example"), 421, "localhost")
        own = f"http://localhost:{self.server.port}"
        self.assertEqual(self.server.post("/v1/conformers", body, Origin=own, Host=own[7:])[0], 200)
        headers = self.server.request("GET", "/health")[1]
        self.assertNotIn("Access-Control-Allow-Origin", headers)

    def test_a_connection_serves_many_requests(self):
        connection = self.server.connection()
        for _ in range(3):
            connection.request("POST", "/v1/conformers", body='{"smiles": "CC"}',
                               headers={"Content-Type": "application/json"})
            self.assertIn(b"$$$$", connection.getresponse().read())
            connection.request("GET", "/nothing")
            self.assertEqual(connection.getresponse().read()[:8], b'{"error"')
        connection.close()

    def test_who_leaves_frees_the_batch(self):
        with socket.create_connection(("127.0.0.1", self.server.port)) as link:
            body = json.dumps(SLOW).encode()
            link.sendall(b"POST /v1/conformers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                         b"Content-Length: %d\r\n\r\n" % len(body) + body)
            self.assertTrue(link.recv(1000).startswith(b"HTTP/1.1 200"))
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline:
            metrics = self.server.metrics()
            if metrics["molgen3d_requests_accepted"] == 0 and metrics["molgen3d_samples_running"] == 0:
                return
            time.sleep(0.05)
        self.fail(f"the samples of a reader who left still run: {metrics}")

    def test_batch_lines(self):
        lines = [{"custom_id": "a", "method": "POST", "url": "/v1/conformers", "body": {"smiles": "CCO", "seed": 5}},
                 {"custom_id": "b", "method": "POST", "url": "/v1/completions",
                  "body": {"model": "qwen3-conformer", "prompt": "[SMILES]CCO[/SMILES]", "seed": 5}},
                 {"custom_id": "c", "method": "POST", "url": "/v1/models", "body": {}},
                 {"custom_id": "d", "url": "/v1/conformers", "body": {"smiles": "C1CC"}}]
        text = "\n".join(map(json.dumps, lines)) + "\nnonsense\n\n"
        status, _, body = self.server.post("/v1/batch", text, **{"Content-Type": "application/x-ndjson"})
        self.assertEqual(status, 200)
        answers = [json.loads(line) for line in body.splitlines()]
        self.assertEqual([(a["custom_id"], a["response"]["status_code"]) for a in answers],
                         [("a", 200), ("b", 200), ("c", 400), ("d", 422), ("", 400)])
        self.assertEqual(answers[0]["response"]["body"].encode(),
                         self.server.post("/v1/conformers", lines[0]["body"])[2])
        self.assertEqual(answers[1]["response"]["body"]["choices"],
                         json.loads(self.server.post("/v1/completions", lines[1]["body"])[2])["choices"])

    def test_etkdg(self):
        body = self.server.post("/v1/etkdg", {"smiles": "C[C@H](N)C(=O)O", "n": 3, "seed": 2})[2]
        lines = [json.loads(line) for line in body.splitlines()]
        self.assertEqual([(line["source"], line["stereo"]) for line in lines], 3 * [("ETKDG", "ok")])
        self.assertEqual(body, self.server.post("/v1/etkdg", {"smiles": "C[C@H](N)C(=O)O", "n": 3, "seed": 2})[2])
        self.error(self.server.post("/v1/etkdg", {"smiles": "C1CC"}), 422)


class Limits(ServerTest):
    arguments = ("--max-requests", 2, "--max-atoms", 20, "--max-samples", 100, "--max-molecules", 50,
                 "--max-seconds", 4, "--max-idle", 2)

    def test_atoms_samples_molecules(self):
        self.error(self.server.post("/v1/conformers", {"smiles": "C" * 21}), 422, "21 heavy atoms", "20")
        self.error(self.server.post("/v1/conformers", {"smiles": "C", "n": 101}), 400, "n", "100")
        self.error(self.server.post("/v1/conformers", {"smiles": ["C"] * 51}), 400, "smiles", "50")

    def test_busy_and_late(self):
        slow = {"smiles": ["C" * 20] * 50, "n": 100, "format": "jsonl"}
        with concurrent.futures.ThreadPoolExecutor(8) as pool:
            def one(_):
                try:
                    status, headers, body = self.server.post("/v1/conformers", slow)
                    return status, headers, body
                except Exception as broken:  # noqa: BLE001 (the late ones end without their last chunk)
                    return type(broken).__name__, {}, getattr(broken, "partial", b"")
            answers = list(pool.map(one, range(8)))
        statuses = [answer[0] for answer in answers]
        self.assertEqual(statuses.count(429), 6, statuses)
        for status, headers, body in answers:
            if status == 429:
                self.assertTrue(1 <= int(headers["Retry-After"]) <= 60)
            elif status == 504:  # nothing was finished within --max-seconds
                self.assertIn(b"time limit", body)
            else:  # cut off, between records
                self.assertEqual(status, "IncompleteRead")
                self.assertTrue(body.endswith(b"\n"))
                for line in body.splitlines():
                    json.loads(line)

    def test_slow_and_silent_connections(self):
        links = [socket.create_connection(("127.0.0.1", self.server.port), timeout=20) for _ in range(20)]
        for link in links[:10]:
            link.sendall(b"GET /health HTTP/1.1\r\nHost:")  # half a head, and nothing more
        for link in links:
            self.assertEqual(link.recv(100), b"")  # closed after --max-idle
            link.close()
        self.assertEqual(self.server.request("GET", "/health")[0], 200)


class Ends(ProgramTest):
    def test_a_second_server_on_the_port(self):
        server = Server()
        try:
            _, error = self.run_program("serve", "--port", server.port, code=2)
            self.one_line_with(error, f"127.0.0.1:{server.port}", "in use")
            self.assertEqual(len(error.splitlines()), 1)
        finally:
            server.end()

    def test_other_addresses_need_a_token(self):
        _, error = self.run_program("serve", "--address", "0.0.0.0", "--port", 0, code=2)
        self.one_line_with(error, "0.0.0.0", "--token-file")
        _, error = self.run_program("serve", "--token-file", self.write("short", "abc\n"), code=2)
        self.one_line_with(error, "short", "guessed")
        _, error = self.run_program("serve", "--address", "localhost.example", code=2)
        self.one_line_with(error, "localhost.example")

    def test_token(self):
        secret = "correct-horse-battery"
        server = Server("--token-file", self.write("token", secret + "\n"), "--address", "0.0.0.0")
        server.host = "127.0.0.1"
        try:
            body = {"smiles": "CCO"}
            for wrong in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Bearer " + secret + "x"},
                          {"Authorization": secret}, {"Authorization": "Bearer " + secret[:-1]}):
                self.assertEqual(server.post("/v1/conformers", body, **wrong)[0], 401)
            self.assertEqual(server.request("GET", "/metrics")[0], 401)
            self.assertEqual(server.request("GET", "/health")[0], 200)
            self.assertEqual(server.post("/v1/conformers", body, Authorization="Bearer " + secret)[0], 200)
        finally:
            server.end()

    def test_sigterm_finishes_what_was_accepted(self):
        server = Server()
        body = {"smiles": molecules(8), "seed": 3, "format": "jsonl"}
        wanted = server.post("/v1/conformers", body)[2]
        with concurrent.futures.ThreadPoolExecutor(3) as pool:
            answers = [pool.submit(server.post, "/v1/conformers", body) for _ in range(3)]
            while server.metrics()["molgen3d_requests_accepted"] < 3:
                time.sleep(0.02)
            code, _ = server.end()
        self.assertEqual(code, 0)
        for answer in answers:
            self.assertEqual((answer.result()[0], answer.result()[2]), (200, wanted))
        with self.assertRaises(OSError):
            server.request("GET", "/health")

    def test_a_second_signal_breaks_off_between_records(self):
        server = Server()
        parts = []

        def read():
            connection = server.connection()
            connection.request("POST", "/v1/conformers", body=json.dumps(SLOW),
                               headers={"Content-Type": "application/json"})
            answer = connection.getresponse()
            try:
                while part := answer.read1(65536):
                    parts.append(part)
            except Exception:  # noqa: BLE001 (the connection is broken)
                pass
            answer.close()
            connection.close()

        reader = threading.Thread(target=read)
        reader.start()
        while not parts:
            time.sleep(0.02)
        server.process.send_signal(signal.SIGTERM)
        time.sleep(0.5)
        code, _ = server.end(signal.SIGTERM)
        reader.join()
        self.assertEqual(code, 0)
        self.assertTrue(b"".join(parts).endswith(b"$$$$\n"))


if __name__ == "__main__":
    main()
