#!/usr/bin/env bash
# Fetches 3Dmol.js, the 3D viewer of report pages and of the server's page, from npm: scripts/fetch_3dmol.sh
# A build without it works, and its pages say that they have no 3D viewer.
set -euo pipefail
FETCHED_BY=$0 exec "$(dirname "$0")/fetch_npm_library.sh" 3dmol 2.5.5 \
  92a347a2e1aaab761f5b9f35ef8b5d111be6d1761398fd2d6af40a3aa230d68b9cd8e27b7a9917105aed1245575747250594f665edb11d10bfab15f4bb4a8277 \
  build/3Dmol-min.js 3Dmol.js
