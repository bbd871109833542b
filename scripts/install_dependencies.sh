#!/usr/bin/env bash
# Installs the Debian packages that molgen3d needs and that are missing. Unless it is root, it names
# them and asks before it calls sudo; --yes asks nothing.
# usage: scripts/install_dependencies.sh [--yes] [--tests]
set -euo pipefail
yes="" tests=""
for argument in "$@"; do
  case $argument in
    --yes) yes=1 ;;
    --tests) tests=1 ;;
    *) echo "install_dependencies: unknown argument $argument; known: --yes, --tests" >&2; exit 2 ;;
  esac
done
packages=(g++ cmake ninja-build ccache pkg-config librdkit-dev libboost-dev libboost-iostreams-dev
          libboost-serialization-dev libhwy-dev libeigen3-dev nlohmann-json3-dev libcli11-dev libfmt-dev
          libpcre2-dev libutf8proc-dev libisal-dev zlib1g-dev liblzma-dev libsqlite3-dev)
[ -n "$tests" ] && packages+=(libgtest-dev libbenchmark-dev libsimdjson-dev pybind11-dev
          python3 python3-dev python3-numpy python3-rdkit python3-pip python3-setuptools python3-wheel
          python3-venv xz-utils curl clang clang-format clang-tidy libclang-rt-dev)
# The browser that opens the report page in a test; Ubuntu has it only as a snap, and there the test skips.
[ -n "$tests" ] && grep -qs '^ID=debian' /etc/os-release && packages+=(chromium-headless-shell)
# A Slurm cluster of one machine, which a test starts when it is asked for (MOLGEN3D_SLURM_TEST).
[ -n "$tests" ] && [ -n "${MOLGEN3D_SLURM_TEST:-}" ] && packages+=(slurm-wlm munge)
# npm fetches the 3D viewer and the sketch pad of pages, and what tests compare with; a Node.js from elsewhere brings its own.
[ -n "$tests" ] && ! command -v npm >/dev/null && packages+=(npm)
missing=()
for p in "${packages[@]}"; do
  dpkg-query -W -f='${Status}' "$p" 2>/dev/null | grep -q 'install ok installed' || missing+=("$p")
done
[ ${#missing[@]} -eq 0 ] && exit 0
if ! command -v apt-get >/dev/null; then
  echo "install_dependencies: no apt-get here; please install: ${missing[*]}" >&2
  exit 1
fi
sudo=""
if [ "$(id -u)" -ne 0 ]; then
  sudo="sudo"
  echo "These Debian packages are missing: ${missing[*]}" >&2
  if [ -z "$yes" ]; then
    if [ ! -t 0 ]; then
      echo "install_dependencies: nobody to ask; --yes installs them with sudo" >&2
      exit 1
    fi
    read -r -p "Install them with sudo apt-get? [y/N] " answer
    case $answer in [yY]*) ;; *) echo "install_dependencies: nothing was installed" >&2; exit 1 ;; esac
  fi
fi
echo "installing ${#missing[@]} Debian packages: ${missing[*]}" >&2
$sudo apt-get update -qq >&2
DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends "${missing[@]}" >/dev/null
