#!/usr/bin/env python3
"""The trace command as a whole: exit codes, messages, and what it leaves behind.

usage: trace_command_test.py PROGRAM
"""
import json
import os
import subprocess
import sys
import tempfile

HEAD = ('{"traceEvents":[{"ph":"M","name":"process_name","pid":1,"args":{"name":"p"}},'
        '{"ph":"M","name":"thread_name","pid":1,"tid":2,"args":{"name":"t"}},'
        '{"ph":"X","name":"%s","pid":1,"tid":2,"ts":1,"dur":2%s}%s]}%s')

# Text, and what `trace check` must name; None: the file is clean.
CHECKS = {
    'good': (HEAD % ('k', '', '', ''), None),
    'after': (HEAD % ('k', '', '', '{"traceEvents":[]}'), '18 bytes after the end'),
    'escape': (HEAD % (r'torch\cuda\x.py', '', '', ''), 'an escape that JSON does not know'),
    'control': (HEAD % ('a\x01b', '', '', ''), 'a control character'),
    'nan': (HEAD % ('k', ',"args":{"x":NaN}', '', ''), 'NaN'),
    'comma': (HEAD % ('k', '', ',', ''), 'a comma before a closing bracket'),
    'utf8': (HEAD % ('a\udcff\udcfeb', '', '', ''), 'no UTF-8'),
}


def run(program, *arguments):
    # A cache folder that cannot be made: no command may need one.
    env = dict(os.environ, XDG_CACHE_HOME='/dev/null')
    return subprocess.run([program, 'trace', *arguments], capture_output=True, text=True,
                          errors='replace', timeout=120, env=env)


def main():
    program = sys.argv[1]
    failures = []

    def expect(condition, what):
        if not condition:
            failures.append(what)

    with tempfile.TemporaryDirectory() as folder:
        for name, (text, fault) in CHECKS.items():
            path = os.path.join(folder, name + '.json')
            with open(path, 'wb') as file:
                file.write(text.encode('utf-8', 'surrogateescape'))
            result = run(program, 'check', path)
            expect(result.returncode == (2 if fault else 0), (name, result.returncode))
            expect((fault or ': clean') in result.stdout, (name, result.stdout))
        good = os.path.join(folder, 'good.json')

        result = run(program, 'sql', good, 'SELECT name FROM slice', '--csv')
        expect(result.returncode == 0 and result.stdout == 'name\nk\n', result)
        result = run(program, 'sql', good, 'DELETE FROM thread')
        expect(result.returncode == 2 and 'reads the trace' in result.stderr, result)
        # Between two steps of a plan, and inside one call of a function that would take hours.
        for query in ('WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n) '
                      'SELECT COUNT(*) FROM n',
                      "SELECT instr(printf('%.*c', 100000000, 'a'), "
                      "printf('%.*c', 50000000, 'a') || 'b')"):
            result = run(program, 'sql', good, query, '--timeout', '0.5')
            expect(result.returncode == 2 and 'time limit' in result.stderr, result)

        expect(sorted(os.listdir(folder)) == sorted(n + '.json' for n in CHECKS),
               os.listdir(folder))

        # What a terminal obeys stands in a file's name, in a trace's names and in a query's columns.
        hostile = 'a\x1b[31m\u202e\nb'
        path = os.path.join(folder, hostile + '.json')
        name = json.dumps(hostile)
        with open(path, 'w') as file:
            file.write('[{"ph":"X","cat":"user_annotation","name":%s,"pid":1,"tid":1,"ts":1,"dur":2},'
                       '{"ph":"X","cat":%s,"name":"k","pid":1,"tid":1,"ts":1,"dur":1}]' % (name, name))
        for arguments in (['top', path], ['steps', path, '--name', hostile], ['top', path, hostile], ['compare', path, path],
                          ['check', path], ['sql', path, 'SELECT name AS "%s" FROM slice' % hostile]):
            result = run(program, *arguments)
            text = result.stdout + result.stderr
            expect(result.returncode in (0, 2) and 'b' in text, (arguments, result))
            expect(not any(c in text for c in '\x1b\u202e'), (arguments, text))
            # No line begins where a name has a line break.
            expect(not any(line.startswith('b') for line in text.splitlines()), (arguments, text))
    for failure in failures:
        print('FAILED:', failure)
    print('%d failures' % len(failures))
    return 1 if failures else 0


if __name__ == '__main__':
    sys.exit(main())
