#!/usr/bin/env bash
# Pins every package with hashes, for all platforms and Pythons at once. Needs uv.
set -euo pipefail
cd "$(dirname "$0")/requirements"
command -v uv >/dev/null || { echo "uv is needed to lock: install it with 'pip install uv'." >&2; exit 1; }
compile() {
  uv pip compile --quiet --universal --generate-hashes --no-emit-index-url --no-header --no-annotate --python-version 3.11 "$@"
}
compile ../../pyproject.toml --output-file run.txt
compile ../../pyproject.toml --group ../../pyproject.toml:dev --constraint run.txt --output-file dev.txt
compile ../../pyproject.toml --group ../../pyproject.toml:bench --constraint run.txt \
  --override bench-overrides.in --output-file bench.txt
