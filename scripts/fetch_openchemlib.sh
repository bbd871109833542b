#!/usr/bin/env bash
# Fetches openchemlib, the sketch pad of the server's page, from npm: scripts/fetch_openchemlib.sh
# A build without it works, and its page takes typed SMILES only.
set -euo pipefail
FETCHED_BY=$0 exec "$(dirname "$0")/fetch_npm_library.sh" openchemlib 9.25.0 \
  1464da64b2514c65cd0bb921c7c42f5ff1224011e91f59dc51b4fb6170c9870fd8fda0d429ee56ad422a4e0b8c12d4acdc650771152335485f929c6e971d945f \
  dist/openchemlib.js openchemlib
