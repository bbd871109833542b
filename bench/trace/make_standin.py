#!/usr/bin/env python3
"""Makes the large trace of the benchmark by repeating a real one.

usage: make_standin.py SOURCE.json.gz OUT.json.gz [COPIES]

Every copy k of the source's events has k x 1,261,204 us added to each "ts" and k x 2,000,000 to each
correlation, "External id", "id", "Python id" and "Python parent id". With the sample
tracelens_h100_owlv2_132k.json.gz and 67 copies: 8,854,184 events, 6,978,653 complete slices,
3,277,990,040,696 ns summed duration.
"""
import gzip
import re
import sys

SHIFT_US = 1_261_204
SHIFT_ID = 2_000_000
FIELD = re.compile(
    rb'("ts": ?|"correlation": ?|"External id": ?|"id": ?|"Python id": ?|"Python parent id": ?)(\d+)')


def main():
    source, target = sys.argv[1], sys.argv[2]
    copies = int(sys.argv[3]) if len(sys.argv) > 3 else 67
    text = gzip.open(source, 'rb').read()
    start = text.index(b'"traceEvents": [') + len(b'"traceEvents": [')
    # Indented by two, so the first "]" at that depth closes the array.
    end = text.index(b'}\n  ],\n', start) + 1
    head, body, tail = text[:start], text[start:end], text[end:]

    # Cut the body into fixed text and numbers once; a copy then only formats the numbers.
    pieces, numbers, shifts, at = [], [], [], 0
    for match in FIELD.finditer(body):
        pieces.append(body[at:match.end(1)])
        numbers.append(int(match.group(2)))
        shifts.append(SHIFT_US if match.group(1).startswith(b'"ts"') else SHIFT_ID)
        at = match.end()
    rest = body[at:]

    with gzip.open(target, 'wb', compresslevel=6) as out:
        out.write(head)
        for k in range(copies):
            if k:
                out.write(b',')
            parts = []
            for piece, number, shift in zip(pieces, numbers, shifts):
                parts.append(piece)
                parts.append(b'%d' % (number + k * shift))
            parts.append(rest)
            out.write(b''.join(parts))
        out.write(tail)


if __name__ == '__main__':
    main()
