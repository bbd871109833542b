#!/usr/bin/env python3
"""Runs and their files: inputs that stay, results that are whole, one writer, closed and full streams."""
import gzip
import json
import lzma
import os
import resource
import shutil
import signal
import subprocess
import time
import unittest

import program
from program import ROOT, ProgramTest

MODEL = os.path.join(ROOT, "models", "qwen3-conformer")
ENRICHED = "[C]<0,0,0>[O]<1.43,0,0>\n"


class Inputs(ProgramTest):
    def test_no_output_is_an_input(self):
        text = "CCO a\nCCN b\n"
        os.mkdir(self.path("sub"))
        for command, flag in ((["generate"], "-o"), (["generate", "-o", "y.sdf"], "--failed"), (["generate"], "--profile"),
                              (["encode"], "-o"), (["decode"], "-o"), (["smoke", "--dataset"], "--json-report"),
                              (["diagnose", "--dataset"], "--tokens"), (["evaluate"], "-o"), (["report"], "-o")):
            self.write("x.smi", text)
            for name in ("link", "hard"):
                if os.path.lexists(self.path(name)):
                    os.remove(self.path(name))
            os.symlink("x.smi", self.path("link"))
            os.link(self.path("x.smi"), self.path("hard"))
            for output in ("x.smi", "link", "hard", "sub/../x.smi"):
                _, error = self.run_program(*command, "x.smi", flag, output, code=2)
                self.assertIn("is the same file as the input", error, (command, output))
                self.assertEqual(self.read("x.smi").decode(), text)
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["hard", "link", "sub", "x.smi"])

    def test_standard_output_is_no_input(self):
        self.write("x.txt", ENRICHED)
        with open(self.path("x.txt"), "a") as out:
            done = subprocess.run([program.PROGRAM, "decode", "x.txt"], cwd=self.folder.name, stdout=out,
                                  stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 2)
        self.assertIn("standard output: is the same file as the input x.txt", done.stderr)
        self.assertEqual(self.read("x.txt").decode(), ENRICHED)

    def test_outputs_are_different_files(self):
        for failed in ("out.sdf", "./out.sdf"):
            _, error = self.run_program("generate", "CCO", "-o", "out.sdf", "--failed", failed, code=2)
            self.one_line_with(error, "--output out.sdf", "--failed", "are the same file")
        _, error = self.run_program("generate", "CCO", "-o", os.path.join(MODEL, "config.json"), "--format", "jsonl", code=2)
        self.assertIn("is the same file as the input", error)

    def test_endings_are_honoured_or_refused(self):
        for ending in (".pdb", ".mol2", ".sdf.xz", ".sdf.bz2", ".sdf.zip"):
            _, error = self.run_program("decode", ENRICHED.strip(), "-o", "out" + ending, code=2)
            self.assertIn(ending[-4:], error)
        _, error = self.run_program("encode", "x.sdf", "-o", "out.xyz", code=2)
        self.one_line_with(error, "out.xyz", "writes text")
        self.run_program("decode", ENRICHED.strip(), "-o", "out.pdb", "--format", "xyz")
        self.assertTrue(self.read("out.pdb").startswith(b"2\n"))
        self.run_program("decode", ENRICHED.strip(), "-o", "out.xyz.gz")
        self.assertTrue(gzip.decompress(self.read("out.xyz.gz")).startswith(b"2\n"))
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["out.pdb", "out.xyz.gz"])


class Results(ProgramTest):
    def test_a_run_that_cannot_start_changes_nothing(self):
        self.write("out.sdf", "old")
        self.write("out.sdf.failed.jsonl", "old failures")
        for arguments in (["absent.smi"], ["CCO", "--model", "absent"], ["CCO", "--device", "cuda:99"], ["CCO", "--top-p", "9"],
                          ["CCO", "--constraint", "magic"], ["CCO", "--device", "cpu", "--kv-dtype", "fp8"]):
            self.run_program("generate", *arguments, "-o", "out.sdf", code=2)
            self.assertEqual(self.read("out.sdf"), b"old", arguments)
            self.assertEqual(sorted(os.listdir(self.folder.name)), ["out.sdf", "out.sdf.failed.jsonl"], arguments)
        self.assertEqual(self.read("out.sdf.failed.jsonl"), b"old failures")

    def test_special_files(self):
        os.mkfifo(self.path("out.sdf.journal"))
        _, error = self.run_program("generate", "CCO", "-o", "out.sdf", code=2)
        self.one_line_with(error, "out.sdf.journal", "not a regular file")
        os.remove(self.path("out.sdf.journal"))
        os.mkdir(self.path("folder"))
        _, error = self.run_program("generate", "CCO", "-o", "folder", code=2)
        self.one_line_with(error, "folder", "is a directory")
        self.run_program("generate", "CCO", "C1CC", "-o", "/dev/null", "-q", code=2)
        for ending in (".journal", ".failed.jsonl", ".partial"):
            self.assertFalse(os.path.exists("/dev/null" + ending))
        self.assertTrue(os.path.exists("/dev/null"))
        os.mkfifo(self.path("pipe"))
        reader = subprocess.Popen(["cat", self.path("pipe")], stdout=subprocess.PIPE)
        self.run_program("decode", ENRICHED.strip(), "-o", "pipe", "--format", "xyz")
        self.assertTrue(reader.communicate()[0].startswith(b"2\n"))
        _, error = self.run_program("decode", ENRICHED.strip(), "-o", "pipe", code=2)
        self.one_line_with(error, "pipe", "no process reads")

    def test_links_stay_links(self):
        self.write("real.sdf", "old")
        os.symlink("real.sdf", self.path("link.sdf"))
        self.run_program("decode", ENRICHED.strip(), "-o", "link.sdf")
        self.assertTrue(os.path.islink(self.path("link.sdf")))
        self.assertIn(b"$$$$", self.read("real.sdf"))


class Streams(ProgramTest):
    def run_shell(self, text, code):
        done = subprocess.run(["sh", "-c", text, "sh", program.PROGRAM], cwd=self.folder.name, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, code, (text, done.stdout[-300:], done.stderr[-600:]))
        return done.stdout, done.stderr

    def test_closed_streams_hold_no_output(self):
        self.write("x.txt", ENRICHED + "broken(\n")
        self.run_shell('"$1" decode x.txt -o whole.sdf', 2)
        for closed in ("<&-", "2>&-", "<&- 2>&-", "<&- >&- 2>&-", ">&-"):
            self.run_shell(f'"$1" decode x.txt -o out.sdf {closed}', 2)
            self.assertEqual(self.read("out.sdf"), self.read("whole.sdf"), closed)
        _, error = self.run_shell('"$1" decode x.txt >&-', 2)
        self.assertIn("standard output", error)

    def test_a_full_standard_output_is_an_error(self):
        self.run_program("dataset", "CCO", "-o", "data")
        with open(self.path("t.json"), "w") as file:
            json.dump([{"ph": "X", "name": "a", "ts": 1, "dur": 2, "pid": 1, "tid": 1}], file)
        for command in ("generate CCO", "generate CCO --dry-run", "decode '[C]<0,0,0>'", "tokens", "model", "--help",
                        "dataset info data", "dataset verify data --against x.smi", "trace top t.json",
                        "smoke --sample-size 1", "diagnose --sample-size 1"):
            self.write("x.smi", "CCN\n")
            _, error = self.run_shell(f'"$1" {command} >/dev/full', 2)
            self.assertIn("standard output", error, command)

    def test_signals_of_writing_are_errors(self):
        self.write("x.txt", ENRICHED * 2000)
        _, error = self.run_shell('{ "$1" decode x.txt; echo code $? >&2; } | head -c 10 >/dev/null', 0)
        self.assertIn("Broken pipe", error)
        self.assertIn("code 2", error)
        done = subprocess.run([program.PROGRAM, "decode", "x.txt", "-o", "out.sdf"], cwd=self.folder.name, text=True,
                              stderr=subprocess.PIPE,
                              preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000)))
        self.assertEqual(done.returncode, 2)
        self.assertIn("out.sdf: cannot write: File too large", done.stderr)
        self.assertEqual(os.listdir(self.folder.name), ["x.txt"])

    def test_messages_are_capped(self):
        self.write("x.smi", "nonsense(\n" * 5000 + "CCO\n")
        _, error = self.run_program("encode", "x.smi", code=2)
        self.assertLess(len(error.splitlines()), 110)
        self.assertIn("and 4901 more failures", error)
        _, error = self.run_program("encode", "x.smi", "--max-messages", "2", code=2)
        self.assertEqual(len(error.splitlines()), 3)
        _, error = self.run_program("encode", "x.smi", "--max-errors", "7", code=2)
        self.one_line_with(error, "stopped after 7 failures")
        _, error = self.run_program("generate", "x.smi", "-o", "out.sdf", "--max-errors", "3", code=2)
        self.one_line_with(error, "stopped after")
        self.assertFalse(os.path.exists(self.path("out.sdf")))
        self.write("empty.smi", "\n" * 1_000_000)
        _, error = self.run_program("encode", "empty.smi")
        self.assertEqual(error, "")

    def test_control_characters_are_not_obeyed(self):
        hostile = "\x1b[31m\u202e\u009b\u2066"
        self.write("x.csv", f'smiles,name\nCCO,"a{hostile}\nb\r\nc"\n"C{hostile}(",x\n'.encode())
        out, error = self.run_program("generate", "x.csv", "--title-column", "name", "--format", "enriched", code=2)
        self.assertEqual(len(out.splitlines()), 1)
        self.run_program("generate", "x.csv", "--title-column", "name", "--format", "jsonl", "-o", "j.jsonl", code=2)
        self.run_program("generate", "x.csv", "--title-column", "name", "-o", "s.sdf", code=2)
        texts = [out, error, self.read("j.jsonl").decode(), self.read("s.sdf").decode()]
        for text in texts:
            for character in hostile[0] + hostile[5:]:
                self.assertNotIn(character, text)
        self.assertEqual(json.loads(texts[2].splitlines()[0])["title"], f"a{hostile}\nb\nc")


class Reading(ProgramTest):
    def titles(self, *arguments, code=0, stdin=None):
        """Titles of the molecules in text form, and standard error."""
        done = subprocess.run([program.PROGRAM, "generate", "--format", "jsonl", "--batch", "4", "-q", *arguments],
                              cwd=self.folder.name, input=stdin, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        self.assertEqual(done.returncode, code, done.stderr)
        records = [json.loads(line) for line in done.stdout.splitlines()]
        return [r["title"] for r in records if "error" not in r], done.stderr.decode()

    def test_headers_comments_blank_ends_and_line_breaks(self):
        self.write("header.smi", "SMILES ID\nCCO 1\nCCN 2\n\n  \n\n")
        titles, error = self.titles("header.smi")
        self.assertEqual(titles, ["1", "2"])
        self.one_line_with(error, "header.smi:1", "header line")
        self.write("comment.smi", "# a\nCCO 1\n# b\nCCN 2\n")
        titles, error = self.titles("comment.smi")
        self.assertEqual(titles, ["1", "2"])
        self.one_line_with(error, "comment.smi:1", "comment")
        self.write("cr.smi", "CCO 1\rCCN 2\r")
        self.assertEqual(self.titles("cr.smi")[0], ["1", "2"])

    def test_packed_pipes_and_cut_streams(self):
        text = b"CCO 1\nCCN 2\nCCC 3\n"
        for packed in (lzma.compress(text), gzip.compress(text), text):
            self.assertEqual(self.titles("-", stdin=packed)[0], ["1", "2", "3"])
        whole = gzip.compress(b"CCO 1\nCCCCCCCCCCCCCCC 2\n", 0)
        self.write("cut.smi.gz", whole[:-20])
        titles, error = self.titles("cut.smi.gz", code=2)
        self.assertEqual(titles, ["1"])
        self.one_line_with(error, "cut.smi.gz:2", "end too early")

    def test_delimiters_and_titles(self):
        self.write("x.smi", "CCO;first one;x\nCCN;second\n")
        self.assertEqual(self.titles("x.smi", "--delimiter", "semicolon")[0], ["first one;x", "second"])
        self.write("tab.csv", "smiles\tname\nCCO\teth\n")
        self.assertEqual(self.titles("tab.csv", "--delimiter", "tab", "--title-column", "name")[0], ["eth"])
        _, error = self.titles("tab.csv", code=2)
        self.one_line_with(error, "tab.csv", "--delimiter")
        self.run_program("decode", ENRICHED.strip(), "-o", "x.sdf")
        record = self.read("x.sdf").decode().replace("$$$$\n", ">  <ID>\nname 1\n\n$$$$ \n")
        self.write("two.sdf", record + record.replace("name 1", "name 2"))
        self.assertEqual(self.titles("two.sdf", "--title-column", "ID")[0], ["name 1", "name 2"])

    def test_an_open_quote_costs_one_row(self):
        self.write("x.csv", "smiles,name\nCCO,1\nCCN,\"open\n" + "CCC,2\n" * 60000)
        # That reading is linear shows in CsvRows.AreReadInOnePass, which counts the work.
        self.run_program("encode", "x.csv", "--max-messages", "1", "--limit", "3", code=2)
        titles, error = self.titles("x.csv", "--title-column", "name", "--limit", "4", code=2)
        self.assertEqual(titles, ["1", "2", "2"])
        self.one_line_with(error, "opens in line 3")

    def test_foreign_files_are_refused_once(self):
        self.write("a.xyz", "2\nwater\nO 0.0 0.0 0.0\nH 0.9 0.0 0.0\n")
        self.write("b.smi", "3\nwater\nO 0.0 0.0 0.0\nH 0.9 0.0 0.0\nH 0.0 0.9 0.0\n" * 50)
        self.write("c.smi", "@<TRIPOS>MOLECULE\nx\n")
        self.write("d.txt", "<!DOCTYPE html>\n<html></html>\n")
        self.write("e.smi", b"BZh91AY&SY" + b"\x00" * 40)
        for name, kind in (("a.xyz", "XYZ"), ("b.smi", "XYZ"), ("c.smi", "MOL2"), ("d.txt", "HTML"), ("e.smi", "bzip2")):
            _, error = self.titles(name, code=2)
            self.assertEqual(len(error.splitlines()), 1, error)
            self.one_line_with(error, name, kind)
        _, error = self.titles("-", stdin=self.read("b.smi"), code=2)
        self.one_line_with(error, "XYZ")

    def test_texts_behind_an_equals_sign(self):
        for arguments in (["--list", "[C]<1.0,2.0,3.0>[O]"], ["--list=[C]<1.0,2.0,3.0>[O]"]):
            out, _ = self.run_program("tokens", "--tokenizer", "qwen3-conformer", *arguments)
            self.assertIn("[C]<1.0,2.0,3.0>[O]", out)
        _, error = self.run_program("encode", "CCO", "--descriptors=[a,b]", code=2)
        self.assertIn('"[a,b]"', error)


class Resumed(ProgramTest):
    def start(self, journal, arguments, lines):
        """Starts a run; returns it once its journal has `lines` lines behind the header."""
        process = subprocess.Popen([program.PROGRAM, *arguments], cwd=self.folder.name, stdout=subprocess.DEVNULL,
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(process.kill)
        while process.poll() is None:
            if os.path.exists(self.path(journal)) and self.read(journal).count(b"\n") > lines:
                return process
            time.sleep(0.01)
        self.fail(f"no journal: {process.communicate()}")

    def killed(self, journal, arguments, lines=2):
        process = self.start(journal, arguments, lines)
        process.kill()
        process.communicate()

    def test_a_changed_world_is_refused_by_name(self):
        shutil.copytree(MODEL, self.path("model"))
        self.write("x.smi", "CCO\nCCN\nCCC\nCCCC\n" * 10)
        arguments = ["generate", "x.smi", "--model", "model", "-n", "4", "--batch", "4", "-o", "out.sdf"]
        self.killed("out.sdf.journal", arguments)
        before = self.read("out.sdf.journal")

        def change_weights():
            with open(self.path("model/model.safetensors"), "r+b") as file:
                file.seek(-2, os.SEEK_END)
                file.write(b"\x01\x3c")

        def change_config():
            with open(self.path("model/generation_config.json"), "a") as file:
                file.write("\n")

        def change_data():
            self.write("x.smi", "CCO\nCCN\nCCC\nCCCC\n" * 10 + "CCCCC\n")

        for change, name in ((change_data, "input content"), (change_config, "config"), (change_weights, "weights")):
            change()
            _, error = self.run_program(*arguments, "--resume", code=2)
            self.one_line_with(error, "out.sdf.journal", "cannot resume", name)
            self.assertEqual(self.read("out.sdf.journal"), before)
            shutil.rmtree(self.path("model"))
            shutil.copytree(MODEL, self.path("model"))
            self.write("x.smi", "CCO\nCCN\nCCC\nCCCC\n" * 10)
        self.run_program(*arguments, "--resume")
        self.assertEqual(self.read("out.sdf").count(b"$$$$"), 160)

    def test_one_writer(self):
        self.write("x.smi", "CCO\nCCN\nCCC\nCCCC\n" * 5)
        arguments = ["generate", "x.smi", "-n", "2", "--batch", "2", "-o", "out.sdf"]
        first = self.start("out.sdf.journal", arguments, 2)
        first.send_signal(signal.SIGSTOP)
        for more in ("--resume", "--overwrite"):
            _, error = self.run_program(*arguments, more, code=2)
            self.one_line_with(error, "out.sdf.journal", "another process")
        first.send_signal(signal.SIGCONT)
        _, error = first.communicate()
        self.assertEqual(first.returncode, 0, error)
        self.assertEqual(self.read("out.sdf").count(b"$$$$"), 40)
        self.assertEqual(sorted(os.listdir(self.folder.name)), ["out.sdf", "x.smi"])

    def test_damaged_lines_are_made_again(self):
        self.write("x.smi", "CCO\nCCN\nCCC\nCCCC\n" * 4)
        arguments = ["generate", "x.smi", "-n", "2", "--batch", "2"]
        self.run_program(*arguments, "-o", "whole.sdf")
        self.killed("out.sdf.journal", [*arguments, "-o", "out.sdf"], 4)
        lines = self.read("out.sdf.journal").split(b"\n")
        lines[1] = lines[1].replace(b'"reason":0', b'"reason":3')
        lines[2] = lines[2].replace(b'"tokens":[', b'"tokens":[1,', 1)
        self.write("out.sdf.journal", b"\n".join(lines))
        _, error = self.run_program(*arguments, "-o", "out.sdf", "--resume")
        self.one_line_with(error, "2 lines of the journal are damaged")
        self.assertEqual(self.read("out.sdf"), self.read("whole.sdf"))

    def test_a_torn_header_is_no_run(self):
        for text in ("", '{"journal":"molgen3d","vers', "\0" * 50):
            self.write("out.sdf.journal", text)
            self.run_program("generate", "CCO", "-o", "out.sdf")

    def test_study_resumes_only_the_same_study(self):
        self.write("x.smi", "CCO\nCCN\nnonsense(\n")
        same = ["study", "--dataset", "x.smi", "--sample-size", "0", "--rules", "exact", "-o", "study", "-q"]
        arguments = [*same, "--audit-size", "1"]
        self.run_program(*arguments, code=2)
        run = "study/qwen3-conformer_exact.json"
        before = self.read(run)
        self.run_program(*arguments, "--resume", code=2)  # as the whole run
        self.assertEqual(self.read(run), before)
        for more, name in (([*arguments, "--prompt", "as-given"], "prompt"), ([*arguments, "--dtype", "float32"], "dtype"),
                           ([*same, "--audit-size", "2"], "audit_size")):
            _, error = self.run_program(*more, "--resume", code=2)
            self.one_line_with(error, run, name)
        self.write("x.smi", "CCO\nCCC\nnonsense(\n")
        _, error = self.run_program(*arguments, "--resume", code=2)
        self.one_line_with(error, run, "dataset content")
        # A report that was being written when the run died stands beside its journal.
        self.write("x.smi", "CCO\nCCN\nnonsense(\n")
        self.write(run, before[:100])
        self.write(run + ".journal", "")
        self.run_program(*arguments, "--resume", code=2)
        self.assertEqual(json.loads(self.read(run))["order"], json.loads(before)["order"])

    def test_dataset_has_one_writer_and_keeps_foreign_files(self):
        arguments = ["dataset", os.path.join(ROOT, "examples", "drugs.smi"), "-k", "8", "-o", "out", "--threads", "1"]
        first = self.start("out/journal", arguments, 1)
        first.send_signal(signal.SIGSTOP)
        _, error = self.run_program(*arguments, "--resume", code=2)
        self.one_line_with(error, "out/journal", "another process")
        first.send_signal(signal.SIGCONT)
        self.assertEqual(first.wait(), 0)
        self.run_program("dataset", "info", "out")
        os.mkdir(self.path("mine"))
        self.write("mine/all.jsonl", "precious")
        _, error = self.run_program("dataset", "CCO", "-o", "mine", code=2)
        self.one_line_with(error, "mine/all.jsonl", "--overwrite")
        self.assertEqual(os.listdir(self.path("mine")), ["all.jsonl"])
        self.assertEqual(self.read("mine/all.jsonl"), b"precious")
        self.run_program("dataset", "CCO", "-o", "mine", "--overwrite")

    def test_dataset_of_other_data_is_refused(self):
        self.write("x.smi", "CCO\nCCN\n")
        self.write("list.smi", "CCC\nnonsense(\n")
        arguments = ["dataset", "x.smi", "-o", "out", "--exclude", "list.smi"]
        self.run_program(*arguments, code=2)
        self.run_program(*arguments, "--resume", code=2)  # the unreadable record of the list
        self.write("x.smi", "CCO\nCCC\n")
        _, error = self.run_program(*arguments, "--resume", code=2)
        self.one_line_with(error, "dataset.json", "input content")

    def test_an_interrupt_takes_effect_at_once(self):
        cage = ("c12c3c4c5c1c6c7c8c2c9c1c3c2c3c4c4c%10c5c5c6c6c7c7c%11c8c9c8c9c1c2c1c2c3c4c3c4c%10c5c5c6c6c7c7"
                "c%11c8c8c9c1c1c2c3c2c4c5c6c3c7c8c1c23")
        self.write("x.smi", f"CCO\n{cage}\nCCN\n")
        process = self.start("out/journal", ["dataset", "x.smi", "-o", "out", "--threads", "1", "--timeout", "100000"],
                             1)
        process.send_signal(signal.SIGINT)
        _, error = process.communicate()
        self.assertEqual(process.returncode, 130)
        # The molecule was neither finished nor given up at its time limit: it is to be begun again.
        self.assertNotIn("x.smi:2", error)
        settled = [json.loads(line)["settled"] for line in self.read("out/journal").decode().splitlines()[1:]]
        self.assertEqual(set(settled), {1})
        self.assertEqual(self.read("out/failed.jsonl"), b"")


class Weights(ProgramTest):
    def test_weights_that_shrink_are_an_error(self):
        shutil.copytree(MODEL, self.path("model"))
        process = subprocess.Popen([program.PROGRAM, "generate", "-", "--model", "model", "-q"], cwd=self.folder.name,
                                   stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        # Standard input is opened between reading the header of the weights and the weights.
        maps = f"/proc/{process.pid}/maps"
        while process.poll() is None and b"model.safetensors" not in self.read(maps):
            time.sleep(0.005)
        with open(self.path("model/model.safetensors"), "r+b") as file:
            file.truncate(100_000)
        _, error = process.communicate(b"CCO\n")
        self.assertEqual(process.returncode, 2, error)
        self.assertIn(b"model.safetensors", error)


if __name__ == "__main__":
    unittest.main()
