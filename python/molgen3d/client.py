"""A client of `molgen3d serve`. Standard library only: neither the native modules nor RDKit are loaded."""
import http.client
import json
import time
import urllib.parse

from .errors import Error

_BUSY = 429


class ServerError(Error):
    """An answer that is none: `status` is HTTP's, 0 where the connection broke."""

    def __init__(self, message, status=0):
        super().__init__(message)
        self.status = status


class Client:
    """One server. Every call is a connection of its own, so a client may be shared by threads.

    `timeout`: seconds without a byte. `patience`: seconds in which a busy server (429) is asked again, after the
    pauses that it names.
    """

    def __init__(self, url="http://127.0.0.1:8000", token=None, *, timeout=600.0, patience=600.0):
        parts = urllib.parse.urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise Error(f"url {url!r}: not one like http://127.0.0.1:8000")
        self._https = parts.scheme == "https"
        self._host, self._port = parts.hostname, parts.port
        self._prefix = parts.path.rstrip("/")
        self._headers = {"Authorization": f"Bearer {token}"} if token else {}
        self._timeout, self._patience = timeout, patience

    def conformers(self, smiles, n=1, *, seed=0, **settings):
        """The conformers of a SMILES, or of several, as they come: one dictionary each, `error` in those that failed.

        `settings` are the fields of /v1/conformers: temperature, top_p, geometry, with_sdf, ...
        """
        body = {"smiles": smiles, "n": n, "seed": seed, "format": "jsonl", **settings}
        for line in self._lines("/v1/conformers", body):
            yield json.loads(line)

    def sdf(self, smiles, n=1, *, seed=0, **settings):
        """The same as the text of an SD file: what `molgen3d generate` writes."""
        body = {"smiles": smiles, "n": n, "seed": seed, "format": "sdf", **settings}
        return b"".join(self._lines("/v1/conformers", body)).decode()

    def complete(self, prompt, **settings):
        """The answer of /v1/completions to a prompt, or to several, as a dictionary of OpenAI's shape."""
        return json.loads(b"".join(self._lines("/v1/completions", {"prompt": prompt, **settings, "stream": False})))

    def models(self):
        """The names of the models: one."""
        return [model["id"] for model in json.loads(b"".join(self._lines("/v1/models")))["data"]]

    def _connect(self):
        kind = http.client.HTTPSConnection if self._https else http.client.HTTPConnection
        return kind(self._host, self._port, timeout=self._timeout)

    def _open(self, path, body):
        connection = self._connect()
        headers = dict(self._headers)
        data = None
        if body is not None:
            data = json.dumps(body)
            headers["Content-Type"] = "application/json"
        connection.request("GET" if body is None else "POST", self._prefix + path, body=data, headers=headers)
        return connection, connection.getresponse()

    def _lines(self, path, body=None):
        place = f"{self._host}:{self._port}{path}"
        deadline = time.monotonic() + self._patience
        while True:
            try:
                connection, answer = self._open(path, body)
            except OSError as error:
                raise ServerError(f"{place}: {error}") from None
            try:
                pause = float(answer.headers.get("Retry-After") or 1)
                if answer.status != _BUSY or time.monotonic() + pause > deadline:
                    yield from self._body(place, answer)
                    return
            finally:
                connection.close()
            time.sleep(pause)

    @staticmethod
    def _body(place, answer):
        try:
            if answer.status == 200:
                yield from answer
                return
            text = answer.read()
        except (OSError, http.client.HTTPException) as error:
            raise ServerError(f"{place}: the answer breaks off: {error}") from None
        try:
            message = json.loads(text)["error"]["message"]
        except (ValueError, KeyError, TypeError):
            message = text.decode(errors="replace")[:200]
        raise ServerError(f"{place}: {answer.status}: {message}", answer.status)
