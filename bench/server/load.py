#!/usr/bin/env python3
"""Many connections to one server for a while: what they get, how long they wait, what it costs.

usage: load.py MOLGEN3D_PROGRAM [--connections 1000] [--seconds 60] [--batch 32] [--device cpu] [--model NAME]

Every connection sends one molecule at a time and waits for its answer; a busy server (429) is asked again after the
pause that it names. Prints a table: answers by status, p50 and p99 of the wait of the served ones, samples per second,
the server's memory; and `generate` on the same molecules, alone, at the same batch.
"""
import argparse
import asyncio
import collections
import json
import os
import re
import signal
import subprocess
import sys
import time

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def molecules():
    with open(os.path.join(ROOT, "src", "cli", "study_molecules.smi"), encoding="utf-8") as file:
        return [line.split()[0] for line in file if line.strip() and not line.startswith("#")]


class Load:
    def __init__(self, port, smiles):
        self.port, self.smiles = port, smiles
        self.statuses = collections.Counter()
        self.waits, self.samples, self.broken = [], 0, []
        self.next = 0

    def body(self):
        number = self.next
        self.next += 1
        return json.dumps({"smiles": self.smiles[number % len(self.smiles)], "seed": number // len(self.smiles)}).encode()

    async def answer(self, reader, writer):
        """Status, fields and body of one request."""
        body = self.body()
        writer.write(b"POST /v1/conformers HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
                     b"Content-Length: %d\r\n\r\n" % len(body) + body)
        await writer.drain()
        head = await reader.readuntil(b"\r\n\r\n")
        fields = dict(line.split(b": ", 1) for line in head.split(b"\r\n")[1:] if line)
        if fields.get(b"Transfer-Encoding") != b"chunked":
            return int(head.split()[1]), fields, await reader.readexactly(int(fields[b"Content-Length"]))
        parts = []
        while size := int(await reader.readline(), 16):
            parts.append((await reader.readexactly(size + 2))[:-2])
        while (await reader.readline()) != b"\r\n":
            pass  # trailers
        return int(head.split()[1]), fields, b"".join(parts)

    async def one(self, deadline):
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port, limit=1 << 20)
            while (began := time.monotonic()) < deadline:
                status, fields, body = await self.answer(reader, writer)
                self.statuses[status] += 1
                if status == 200:
                    self.waits.append(time.monotonic() - began)
                    self.samples += body.count(b"$$$$\n")
                    if not body.endswith(b"$$$$\n"):
                        self.broken.append("half a record")
                elif status == 429:
                    await asyncio.sleep(min(float(fields[b"Retry-After"]), max(deadline - time.monotonic(), 0)))
            writer.close()
        except Exception as error:  # noqa: BLE001 (every kind is a finding)
            self.broken.append(f"{type(error).__name__}: {error}")

    async def run(self, connections, seconds):
        deadline = time.monotonic() + seconds
        await asyncio.gather(*(self.one(deadline) for _ in range(connections)))


def resident_mb(pid):
    with open(f"/proc/{pid}/status", encoding="ascii") as file:
        text = file.read()
    return [int(re.search(name + r":\s+(\d+)", text)[1]) / 1024 for name in ("VmRSS", "VmHWM")]


def start(program, options):
    process = subprocess.Popen([program, "serve", "--port", "0", *options], stderr=subprocess.PIPE, text=True)
    for line in process.stderr:
        if found := re.search(r"listening on http://127.0.0.1:(\d+)", line):
            return process, int(found[1])
    raise SystemExit("the server did not start")


def generate_rate(program, options, smiles):
    """Samples per second of `generate`, as it says itself: without the loading."""
    done = subprocess.run([program, "generate", *smiles, *options], capture_output=True, check=False)
    return float(re.search(rb"\(([\d.]+) samples/s", done.stderr)[1])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("program")
    parser.add_argument("--connections", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--model", default="qwen3-conformer")
    parser.add_argument("-n", "--generated", type=int, default=4, help="samples a molecule of the generate run")
    arguments = parser.parse_args()
    options = ["--batch", str(arguments.batch), "--device", arguments.device, "--model", arguments.model]
    smiles = molecules()
    alone = generate_rate(arguments.program, [*options, "-n", str(arguments.generated)], smiles)
    process, port = start(arguments.program, options)
    before = resident_mb(process.pid)[0]
    load = Load(port, smiles)
    began = time.monotonic()
    asyncio.run(load.run(arguments.connections, arguments.seconds))
    took = time.monotonic() - began
    after, most = resident_mb(process.pid)
    process.send_signal(signal.SIGTERM)
    code = process.wait(120)
    waits = sorted(load.waits) or [float("nan")]
    rate = load.samples / took
    print("| what | |\n| --- | ---: |")
    for name, value in (("connections", arguments.connections), ("seconds", f"{took:.1f}"),
                        *((f"answers {status}", count) for status, count in sorted(load.statuses.items())),
                        ("broken answers", len(load.broken)), ("p50 of the wait, s", f"{waits[len(waits) // 2]:.2f}"),
                        ("p99 of the wait, s", f"{waits[int(len(waits) * 0.99)]:.2f}"),
                        ("samples/s", f"{rate:.1f}"), ("generate alone, samples/s", f"{alone:.1f}"),
                        ("share of generate", f"{rate / alone:.2f}"),
                        ("memory before, after, most, MB", f"{before:.0f}, {after:.0f}, {most:.0f}"),
                        ("exit code after SIGTERM", code)):
        print(f"| {name} | {value} |")
    for what in sorted(set(load.broken))[:5]:
        print(what, file=sys.stderr)
    sys.exit(1 if load.broken or code != 0 or set(load.statuses) - {200, 429} else 0)


if __name__ == "__main__":
    main()
