#!/usr/bin/env python3
"""Brings the data that tests read: scripts/fetch_test_data.py [--from FOLDER] [--check]

tests/data/manifest.json names every file with its origin, licence and SHA-256. Tests look for a file in
$MOLGEN3D_TEST_DATA, tests/data, .cache/test_data, and ../shared/data; what is in none of them is copied from
FOLDER, or else fetched from GitHub, into .cache/test_data. Files that this project made from others' data
cannot be fetched, only copied. With --check nothing is brought.

Exit code: 0 when all is there, 3 when something is missing, 1 when a file is not what the manifest says.
"""
import argparse
import gzip
import hashlib
import json
import lzma
import os
import sys
import urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
SERVER = "https://github.com"


class Wrong(Exception):
    """A file that is there but is not what the manifest says."""


def folders(root):
    """Where tests look, in this order (tests/test_data.h)."""
    places = [os.environ.get("MOLGEN3D_TEST_DATA"), os.path.join(root, "tests", "data"),
              os.path.join(root, ".cache", "test_data"), os.path.join(root, "..", "shared", "data")]
    return [place for place in places if place]


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def decompressed(name, data):
    if name.endswith(".xz"):
        return lzma.decompress(data)
    return gzip.decompress(data) if name.endswith(".gz") else data


def compressed(name, data):
    if name.endswith(".xz"):
        return lzma.compress(data)
    return gzip.compress(data, mtime=0) if name.endswith(".gz") else data


def verify(name, entry, data):
    """Compressed files may be packed otherwise, as long as their content is the manifest's."""
    if sha256(data) == entry["sha256"]:
        return
    try:
        if "content_sha256" in entry and sha256(decompressed(name, data)) == entry["content_sha256"]:
            return
    except (OSError, EOFError, lzma.LZMAError):
        pass
    raise Wrong(f"{name}: not the file of the manifest (SHA-256 {sha256(data)[:12]}..., {len(data)} bytes)")


def read(path):
    with open(path, "rb") as file:
        return file.read()


STEPS = {
    "gunzip": gzip.decompress,
    "crlf_to_lf": lambda data: data.replace(b"\r\n", b"\n"),
    "drop_header": lambda data: data.split(b"\n", 1)[1],
    "first_column": lambda data: b"".join(line.split(b"\t")[0] + b"\n" for line in data.splitlines()),
}


def fetched(name, entry, server):
    """The file as its origin has it, brought into the form that tests read."""
    url = f"{server}/{entry['repository']}/raw/{entry['commit']}/{entry['path']}"
    with urllib.request.urlopen(url, timeout=60) as answer:
        data = answer.read()
    for step in entry["steps"]:
        data = STEPS[step](data)
    return compressed(name, data) if "content_sha256" in entry else data


def write(path, data):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".partial", "wb") as file:
        file.write(data)
    os.replace(path + ".partial", path)


def bring(name, entry, options):
    """None where the file is there or was brought, else why it is missing."""
    for folder in folders(options.root):
        path = os.path.join(folder, name)
        if os.path.isfile(path):
            verify(name, entry, read(path))
            return None
    if options.check:
        return "missing"
    if options.source:
        path = os.path.join(options.source, name)
        if not os.path.isfile(path):
            return f"not in {options.source}"
        data = read(path)
    elif "steps" not in entry:
        return "made by this project from other data: copy it (--from FOLDER)"
    else:
        try:
            data = fetched(name, entry, options.server)
        except OSError as cause:
            return f"{entry['repository']}: {cause}"
    verify(name, entry, data)
    write(os.path.join(options.root, ".cache", "test_data", name), data)
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--from", dest="source", metavar="FOLDER", help="copy from here instead of the network")
    parser.add_argument("--check", action="store_true", help="bring nothing, say what is missing")
    parser.add_argument("--server", default=SERVER, help="where repositories are [%(default)s]")
    parser.add_argument("--root", default=ROOT, help="the project's folder [%(default)s]")
    options = parser.parse_args()
    with open(os.path.join(options.root, "tests", "data", "manifest.json"), encoding="utf-8") as file:
        files = json.load(file)["files"]
    missing, wrong = {}, []
    for name, entry in files.items():
        try:
            cause = bring(name, entry, options)
            if cause:
                missing[name] = cause
        except Wrong as cause:
            wrong.append(str(cause))
    for line in wrong + [f"{name}: {cause}" for name, cause in missing.items()]:
        print(f"fetch_test_data: {line}", file=sys.stderr)
    print(f"test data: {len(files) - len(missing) - len(wrong)} of {len(files)} files are there", file=sys.stderr)
    sys.exit(1 if wrong else 3 if missing else 0)


if __name__ == "__main__":
    main()
