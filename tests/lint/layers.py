#!/usr/bin/env python3
"""Who may include whom: every #include of src is one that docs/architecture.md's table allows.

The table is the one place of the rule; it must name every room and have no circle. RDKit's headers are
for the rooms in RDKIT only.
"""
import re

import tree

RDKIT = {"molecule", "quality"}
RDKIT_HEADER = re.compile(r"#\s*include\s*<(?:GraphMol|RDGeneral|DistGeom|ForceField|Numerics|Geometry|DataStructs)/")
INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.M)
ROW = re.compile(r"^\| `([a-z/]+)` \| ([^|]*) \|$", re.M)

#: Includes that the table forbids and that stand for now, with what has to happen.
EXCEPTIONS = set()


def rules(text):
    """{room: rooms that it may include} from the table below the heading "Who may include whom"."""
    section = re.search(r"^## Who may include whom\n(.*?)(?=^## |\Z)", text, re.M | re.S)
    if not section:
        return {}
    return {room: set(re.findall(r"`([a-z/]+)`", below)) for room, below in ROW.findall(section.group(1))}


def circle(allowed):
    """A room from which the table leads back to itself, or None."""
    for start in allowed:
        seen, open_rooms = set(), list(allowed[start])
        while open_rooms:
            room = open_rooms.pop()
            if room == start:
                return start
            if room not in seen:
                seen.add(room)
                open_rooms += allowed.get(room, ())
    return None


def room_of(path, allowed):
    """The room of a path below src: the longest folder that the table names, else the first folder."""
    parts = path.split("/")[:-1]
    for size in range(len(parts), 0, -1):
        if "/".join(parts[:size]) in allowed:
            return "/".join(parts[:size])
    return parts[0] if parts else ""


def check(root, exceptions=None):
    exceptions = EXCEPTIONS if exceptions is None else exceptions
    allowed = rules(tree.read(root, "docs/architecture.md"))
    if not allowed:
        return ["docs/architecture.md: no table below \"Who may include whom\""]
    out = []
    found = {}
    for path in tree.files(root, "src", endings=tree.CPP):
        text = tree.read(root, path)
        room = room_of(path[4:], allowed)
        if room not in allowed:
            found[f"{path}: {room}"] = f"{path}: docs/architecture.md's table does not name the room {room}"
            continue
        if RDKIT_HEADER.search(text) and room not in RDKIT:
            found[f"{path}: RDKit"] = f"{path}: RDKit in room {room}"
        for header in INCLUDE.findall(text):
            other = room_of(header, allowed)
            if other not in allowed or other == room or other in allowed[room]:
                continue  # generated headers and Highway's are of no room
            found[f"{path}: {header}"] = f"{path}: room {room} may not include {header} (docs/architecture.md)"
    if circle(allowed):
        out.append(f"docs/architecture.md: the table leads from {circle(allowed)} back to itself")
    return out + tree.against_list(found, exceptions, "EXCEPTIONS in tests/lint/layers.py")


if __name__ == "__main__":
    tree.main(check)
