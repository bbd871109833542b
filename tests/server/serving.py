"""Shared by the tests of the server: starts molgen3d serve on a free port, speaks HTTP to it, ends it."""
import http.client
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import unittest

sys.path.insert(0, os.path.join(os.path.dirname(os.path.dirname(os.path.abspath(__file__))), "cli"))
from program import PROGRAM, ROOT, ProgramTest  # noqa: E402,F401

MOLECULES = os.path.join(ROOT, "src", "cli", "study_molecules.smi")


def molecules(count):
    with open(MOLECULES, encoding="utf-8") as file:
        lines = [line.split()[0] for line in file if line.strip() and not line.startswith("#")]
    return lines[:count]


class Server:
    """A running `molgen3d serve`; `url` is (host, port)."""

    def __init__(self, *arguments, wait=120):
        self.process = subprocess.Popen([PROGRAM, "serve", "--port", "0", *map(str, arguments)],
                                        stderr=subprocess.PIPE, text=True)
        self.lines = []
        deadline = time.monotonic() + wait
        self.port = None
        while time.monotonic() < deadline:
            line = self.process.stderr.readline()
            if not line:
                break
            self.lines.append(line)
            found = re.search(r"listening on http://([^ ]+):(\d+)", line)
            if found:
                self.host, self.port = found[1], int(found[2])
                return
        raise AssertionError("the server did not start: " + "".join(self.lines))

    def connection(self, timeout=300):
        return http.client.HTTPConnection(self.host, self.port, timeout=timeout)

    def request(self, method, path, body=None, headers=None):
        """Status, header fields and body of one request on its own connection."""
        connection = self.connection()
        headers = dict(headers or {})
        if isinstance(body, (dict, list)):
            body = json.dumps(body)
            headers.setdefault("Content-Type", "application/json")
        connection.request(method, path, body=body, headers=headers)
        answer = connection.getresponse()
        try:
            return answer.status, answer.headers, answer.read()
        finally:
            connection.close()

    def post(self, path, body, **headers):
        return self.request("POST", path, body, headers)

    def raw(self, data, timeout=30):
        """What comes back for these bytes, up to the end of the connection."""
        with socket.create_connection((self.host, self.port), timeout=timeout) as link:
            link.sendall(data)
            parts = []
            while part := link.recv(65536):
                parts.append(part)
        return b"".join(parts)

    def metrics(self):
        text = self.request("GET", "/metrics")[2].decode()
        return {line.rsplit(" ", 1)[0]: float(line.rsplit(" ", 1)[1])
                for line in text.splitlines() if not line.startswith("#")}

    def end(self, number=signal.SIGTERM, wait=120):
        """The exit code, and the rest of standard error."""
        if self.process.poll() is None:
            self.process.send_signal(number)
        rest = self.process.communicate(timeout=wait)[1]
        return self.process.returncode, rest


class ServerTest(ProgramTest):
    """One server for all tests of a class."""
    arguments = ()

    @classmethod
    def setUpClass(cls):
        cls.server = Server(*cls.arguments)

    @classmethod
    def tearDownClass(cls):
        code, rest = cls.server.end()
        assert code == 0, (code, rest)

    def error(self, answer, status, *parts):
        """The message of an error answer, which holds `parts`."""
        self.assertEqual(answer[0], status, answer[2][:500])
        message = json.loads(answer[2])["error"]["message"]
        for part in parts:
            self.assertIn(part, message)
        self.assertNotIn("\n", message)
        return message


def main():
    unittest.main()
