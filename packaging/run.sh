#!/usr/bin/env bash
# Opens the terminal on the embedded exchange. Without a display it runs offscreen and writes what it shows to a file.
set -euo pipefail
cd "$(dirname "$0")/.."
if [ "$(uname -s)" = Linux ] && [ -z "${DISPLAY:-}${WAYLAND_DISPLAY:-}${QT_QPA_PLATFORM:-}" ]; then
  picture=$PWD/build/screen.png
  mkdir -p build
  echo "No display: running offscreen, the screen is written to $picture every 5 s. Ctrl-C ends it."
  QT_QPA_PLATFORM=offscreen exec .venv/bin/python -m octopus_desktop run --screenshot-every 5 --screenshot-out "$picture" --size 1600x1000 "$@"
fi
exec .venv/bin/python -m octopus_desktop run "$@"
