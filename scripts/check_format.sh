#!/usr/bin/env bash
# Fails, naming the files, when a C++ or CUDA file is not as clang-format writes it.
set -euo pipefail
cd "$(dirname "$0")/.."
git ls-files 'testing/*.h' 'testing/*.cpp' 'src/*.h' 'src/*.cpp' 'src/*.cu' 'src/*.cuh' 'tests/*.h' 'tests/*.cpp' 'tests/*.cu' \
  'bench/*.h' 'bench/*.cpp' 'bench/*.cu' 'python/*.h' 'python/*.cpp' | xargs -r clang-format --dry-run -Werror
