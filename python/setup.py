"""Drives CMake for the native modules; everything else is in pyproject.toml.

The C++ sources are those of the repository around this folder, or `native/` in a source distribution.
Environment: CMAKE_ARGS is handed to CMake, e.g. CMAKE_ARGS="-DMOLGEN3D_CUDA=OFF"; MOLGEN3D_BUILD names a build folder
of the project that was configured with MOLGEN3D_PYTHON=ON for this interpreter, to take the modules from there.
"""
import os
import pathlib
import shlex
import shutil
import subprocess
import sys

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext
from setuptools.command.sdist import sdist

HERE = pathlib.Path(__file__).resolve().parent
SOURCES = HERE / "native" if (HERE / "native").is_dir() else HERE.parent
#: What CMake needs of the repository, the program's own rooms left out.
NATIVE_PARTS = ["CMakeLists.txt", "LICENSE", "VERSION", "cmake", "src", "models/qwen3-conformer", "python/CMakeLists.txt",
                "python/src"]  # fmt: skip


class BuildNative(build_ext):
    def run(self):
        cmake = shutil.which("cmake")
        if cmake is None:
            raise SystemExit("molgen3d: cmake 3.22 or later is needed (apt install cmake, or pip install cmake)")
        build = pathlib.Path(os.environ.get("MOLGEN3D_BUILD") or self.build_temp).resolve()
        if not os.environ.get("MOLGEN3D_BUILD"):
            self.configure(cmake, build)
        jobs = ["-j", str(self.parallel)] if self.parallel else []
        subprocess.run([cmake, "--build", str(build), "--target", "molgen3d_python", *jobs], check=True)
        target = pathlib.Path(self.build_lib).resolve()
        if self.inplace:
            target = HERE
        subprocess.run([cmake, "--install", str(build), "--component", "python", "--prefix", str(target)], check=True)

    def configure(self, cmake, build):
        build.mkdir(parents=True, exist_ok=True)
        generator = ["-G", "Ninja"] if shutil.which("ninja") else []
        subprocess.run(
            [cmake, "-S", str(SOURCES), "-B", str(build), *generator,
             "-DCMAKE_BUILD_TYPE=Release", "-DMOLGEN3D_PYTHON=ON", "-DMOLGEN3D_PROGRAM=OFF", "-DMOLGEN3D_TESTS=OFF",
             "-DMOLGEN3D_BENCH=OFF", f"-DPython_EXECUTABLE={sys.executable}",
             *shlex.split(os.environ.get("CMAKE_ARGS", ""))],
            check=True,
        )  # fmt: skip

    def get_outputs(self):
        return []

    def get_source_files(self):
        return []


class SourceDistribution(sdist):
    """Puts the C++ sources into the archive: they live outside this folder."""

    def make_release_tree(self, base_dir, files):
        super().make_release_tree(base_dir, files)
        for part in NATIVE_PARTS:
            source, target = SOURCES / part, pathlib.Path(base_dir) / "native" / part
            target.parent.mkdir(parents=True, exist_ok=True)
            if source.is_dir():
                shutil.copytree(source, target, ignore=shutil.ignore_patterns("__pycache__", "*.so"))
            else:
                shutil.copy2(source, target)


# Named so that setuptools knows the wheel is not pure; CMake decides what is built.
setup(
    version=(SOURCES / "VERSION").read_text().strip(),
    ext_modules=[Extension("molgen3d._core", sources=[])],
    cmdclass={"build_ext": BuildNative, "sdist": SourceDistribution},
)
