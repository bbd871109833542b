"""What the lints share: the files of a source tree, and how findings become an exit code."""
import os
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CPP = (".h", ".cpp", ".cu", ".cuh")
_NOT_SOURCE = {"node_modules", "__pycache__", "native"}


def files(root, *folders, endings):
    """Paths below `folders` (all of the tree without any), relative to `root`, sorted."""
    found = []
    for folder in folders or ("",):
        for place, children, names in os.walk(os.path.join(root, folder)):
            children[:] = [c for c in children if c not in _NOT_SOURCE and not c.startswith((".", "build"))
                           and not c.endswith(".egg-info")]
            found += [os.path.relpath(os.path.join(place, n), root) for n in names if n.endswith(endings)]
    return sorted(found)


def read(root, path):
    with open(os.path.join(root, path), encoding="utf-8") as file:
        return file.read()


def against_list(found, allowed, list_name):
    """Messages of `found` {key: message} that `allowed` does not name, and entries it need not name."""
    out = [message for key, message in sorted(found.items()) if key not in allowed]
    out += [f"{key}: no longer an exception; take it from {list_name}"
            for key in sorted(set(allowed) - set(found))]
    return out


def main(check):
    """Runs check(root) over the tree in argv[1], or this one; prints what it finds."""
    messages = check(sys.argv[1] if len(sys.argv) > 1 else ROOT)
    for message in messages:
        print(message)
    print(f"{len(messages)} findings")
    sys.exit(1 if messages else 0)
