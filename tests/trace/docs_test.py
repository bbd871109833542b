#!/usr/bin/env python3
"""Runs the console examples of a documentation page and compares what they print.

usage: docs_test.py PROGRAM PAGE.md [--update]

An example is a ```console block: lines that start with "$ " are commands (a backslash at the end
continues), what follows is their standard output. PROGRAM stands in for molgen3d. Run from
the repository root. --update writes the real output into the page.
"""
import re
import subprocess
import sys


def run(program, command):
    result = subprocess.run(['bash', '-c', re.sub(r'^molgen3d ', program + ' ', command)],
                            capture_output=True, text=True, timeout=120)
    return result.stdout


def main():
    program, page = sys.argv[1], sys.argv[2]
    update = '--update' in sys.argv
    text = open(page, encoding='utf-8').read()
    failures = 0
    commands = 0

    def check(block):
        nonlocal failures, commands
        out, lines, i = [], block.group(1).split('\n'), 0
        while i < len(lines):
            if not lines[i].startswith('$ '):
                i += 1
                continue
            shown = [lines[i]]
            while shown[-1].endswith('\\'):
                i += 1
                shown.append(lines[i])
            i += 1
            wanted = []
            while i < len(lines) and not lines[i].startswith('$ '):
                wanted.append(lines[i])
                i += 1
            command = '\n'.join(shown)[2:]
            commands += 1
            got = run(program, command).rstrip('\n')
            if '\n'.join(wanted).rstrip('\n') != got and not update:
                failures += 1
                print('FAILED: %s\n--- expected\n%s\n--- got\n%s' % (command, '\n'.join(wanted), got))
            out += shown + got.split('\n')
        return '```console\n' + '\n'.join(out) + '\n```'

    filled = re.sub(r'```console\n(.*?)\n```', check, text, flags=re.S)
    if update:
        open(page, 'w', encoding='utf-8').write(filled)
    print('%d commands, %d failures' % (commands, failures))
    return 1 if failures or commands == 0 else 0


if __name__ == '__main__':
    sys.exit(main())
