#!/usr/bin/env bash
# Builds a wheel without build isolation and without a network, installs it in a fresh virtual environment and runs it
# from an empty folder. usage: wheel_test.sh PYTHON BUILD_FOLDER
# The native modules come from BUILD_FOLDER; MOLGEN3D_WHEEL_FROM_SCRATCH=1 compiles them as `pip install .` does.
set -euo pipefail
python=$1
build=$(realpath "$2")
root=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# pip builds in the tree: a copy keeps the checkout clean and shows that no other file is needed.
cp -r "$root/python" "$work/python"
rm -rf "$work/python/build"
ln -s "$root/VERSION" "$work/VERSION"
if [ "${MOLGEN3D_WHEEL_FROM_SCRATCH:-}" = 1 ]; then
  for part in CMakeLists.txt LICENSE cmake src models; do ln -s "$root/$part" "$work/$part"; done
else
  export MOLGEN3D_BUILD=$build
fi
export PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_ROOT_USER_ACTION=ignore
(cd "$work/python" && "$python" -m pip wheel --quiet --no-build-isolation --no-deps --no-index -w "$work/wheels" .)
wheels=("$work"/wheels/molgen3d-*.whl)
echo "${wheels[0]##*/}: $(stat -c %s "${wheels[0]}") bytes"
"$python" -m venv --system-site-packages "$work/venv"
"$work/venv/bin/python" -m pip install --quiet --no-index "${wheels[0]}"
cd "$work" && mkdir empty && cd empty
env -u PYTHONPATH "$work/venv/bin/python" - "$root/tests/tokenizer/golden/qwen_like.json" <<'EXAMPLE'
import pathlib
import sys

import molgen3d

assert "venv" in molgen3d.__file__, molgen3d.__file__
package = pathlib.Path(molgen3d.__file__).parent
for name in ("py.typed", "processor.pyi", "LICENSE", "VERSION"):
    assert (package / name).is_file(), name
assert not [m for m in sys.modules if m.startswith(("rdkit", "torch", "molgen3d._"))], "importing loads too much"
processor = molgen3d.ConformerLogitsProcessor(sys.argv[1], ["CCO"], eos_token_id=360)
assert "molgen3d._molecule" not in sys.modules, "the processor needs no RDKit"
print("processor:", processor.min_new_tokens, "to", processor.max_new_tokens, "tokens")
if list(package.glob("_molecule*.so")):
    conformer = molgen3d.generate("CCO", seed=1)[0]
    assert conformer.ok and conformer.coordinates.shape == (3, 3)
    print(conformer.text)
EXAMPLE
"$work/venv/bin/python" -m pip show molgen3d | sed -n "1,3p"
