#!/usr/bin/env python3
"""scripts/make_bundle.sh: the unpacked archive runs with nothing but the C library around it."""
import json
import os
import shutil
import subprocess
import unittest

from program import PROGRAM, ROOT, ProgramTest

C_LIBRARY = {"libc.so.6", "libm.so.6", "libdl.so.2", "librt.so.1", "libpthread.so.0"}


class Bundle(ProgramTest):
    def bundle(self, *options):
        archive = self.path("molgen3d.tar.xz")
        build = os.path.dirname(os.path.dirname(os.path.dirname(PROGRAM)))
        subprocess.run([os.path.join(ROOT, "scripts", "make_bundle.sh"), "--build", build, *options, archive], check=True,
                       stdout=subprocess.DEVNULL, env=dict(os.environ, XZ_OPT="-0"))
        os.mkdir(self.path("moved here"))
        subprocess.run(["tar", "xf", archive, "-C", self.path("moved here"), "--strip-components=1"], check=True)
        return self.path("moved here"), os.path.getsize(archive)

    def test_every_library_but_the_c_library_comes_from_the_bundle(self):
        folder, size = self.bundle("--without-models")
        self.assertLess(size, 20 << 20)
        program = os.path.join(folder, "bin", "molgen3d")
        listing = subprocess.run(["ldd", program], env={}, check=True, capture_output=True, text=True).stdout
        found = dict(line.split(" => ")[:2] for line in listing.replace("\t", "").splitlines() if " => " in line)
        self.assertIn("libRDKitGraphMol.so.1", found)
        outside = {name for name, path in found.items() if not path.startswith(folder)}
        self.assertLessEqual(outside, C_LIBRARY, listing)
        # With no search path but its own, from another folder.
        out = subprocess.run([program, "encode", "--help"], env={}, cwd="/", check=True, capture_output=True, text=True)
        self.assertIn("Example:", out.stdout)
        self.assertTrue(os.listdir(os.path.join(folder, "share", "licenses")))

    def test_generates_where_nothing_else_is_installed(self):
        """A root folder that holds the bundle and the C library alone."""
        folder, _ = self.bundle()
        root = self.path("root")
        shutil.move(folder, os.path.join(root, "opt"))
        listing = subprocess.run(["ldd", PROGRAM], check=True, capture_output=True, text=True).stdout
        for word in listing.split():
            if word.startswith("/") and (os.path.basename(word) in C_LIBRARY or "ld-linux" in word):
                os.makedirs(root + os.path.dirname(word), exist_ok=True)
                shutil.copy(os.path.realpath(word), root + word)
        # What the loader and the search for models ask the kernel for; mounting /proc needs more rights than chroot.
        os.makedirs(root + "/proc/self")
        os.symlink("/opt/bin/molgen3d", root + "/proc/self/exe")
        arguments = ["/opt/bin/molgen3d", "generate", "CC(=O)O", "--device", "cpu", "--seed", "7", "--format", "jsonl", "-q"]
        try:
            done = subprocess.run(["chroot", root, *arguments], env={"PATH": os.environ["PATH"]}, capture_output=True, text=True)
        except FileNotFoundError:
            self.skipTest("no chroot")
        if "cannot change root directory" in done.stderr:
            self.skipTest("chroot is not permitted")
        self.assertEqual(done.returncode, 0, done.stderr)
        here, _ = self.run_program("generate", "CC(=O)O", "--device", "cpu", "--seed", "7", "--format", "jsonl", "-q")
        self.assertEqual(json.loads(done.stdout)["coordinates"], json.loads(here)["coordinates"])


if __name__ == "__main__":
    unittest.main()
