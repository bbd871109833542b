#!/usr/bin/env bash
# Fetches OpenAI's client, with which tests/server asks a server, into build/npm-server: scripts/fetch_openai_client.sh
set -euo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
command -v npm >/dev/null || { echo "fetch_openai_client: npm was not found" >&2; exit 1; }
mkdir -p "$root/build/npm-server"
cp "$root/tests/server/npm/package.json" "$root/tests/server/npm/package-lock.json" "$root/build/npm-server/"
npm ci --prefix "$root/build/npm-server" --ignore-scripts --no-audit --no-fund --loglevel=error >&2
