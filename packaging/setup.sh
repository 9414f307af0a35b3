#!/usr/bin/env bash
# Sets up a fresh machine: a virtual environment with the pinned packages, and Qt's system libraries where it may.
# usage: packaging/setup.sh run|dev|bench
set -euo pipefail
cd "$(dirname "$0")/.."
which=${1:-run}
case $which in
  run|dev) venv=.venv ;;
  bench) venv=build/bench-venv ;;
  *) echo "usage: packaging/setup.sh run|dev|bench" >&2; exit 2 ;;
esac

# Debian's and Ubuntu's names of what Qt's platform plugins load at run time; other systems ship them with Qt.
libraries="libegl1 libgl1 libxkbcommon0 libxkbcommon-x11-0 libdbus-1-3 libfontconfig1 libxcb-cursor0 libxcb-icccm4
  libxcb-image0 libxcb-keysyms1 libxcb-randr0 libxcb-render-util0 libxcb-shape0 libxcb-xinerama0 libxcb-xkb1"
if [ "$(uname -s)" = Linux ] && command -v dpkg-query >/dev/null; then
  missing=
  for library in $libraries; do
    dpkg-query -W -f='${Status}' "$library" 2>/dev/null | grep -q 'ok installed' || missing="$missing $library"
  done
  if [ -n "$missing" ]; then
    as_root=
    [ "$(id -u)" = 0 ] || as_root="sudo -n"
    echo "Installing the system libraries Qt needs:$missing"
    if ! { $as_root apt-get update -qq && DEBIAN_FRONTEND=noninteractive $as_root apt-get install -y -qq $missing; } >/dev/null 2>&1; then
      echo "Could not install them. Paste this line, then try again:"
      echo "  sudo apt-get install -y$missing"
    fi
  fi
fi

python=
for candidate in ${PYTHON:-} python3 python3.13 python3.12 python3.11 python; do
  if command -v "$candidate" >/dev/null && "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
    python=$candidate
    break
  fi
done
[ -n "$python" ] || { echo "Python 3.11 or newer is needed; none was found on PATH." >&2; exit 1; }

requirements=packaging/requirements/$which.txt
stamp=$venv/.installed-$which
want=$(cat "$requirements" pyproject.toml | cksum)
installed() { [ "$(cat "$stamp" 2>/dev/null)" = "$want" ]; }
# An attempt without Debian's python3-venv leaves a Python without pip behind, which would never get one.
if [ ! -x "$venv/bin/python" ] || { ! installed && ! "$venv/bin/python" -m pip --version >/dev/null 2>&1; }; then
  mkdir -p "$(dirname "$venv")"
  "$python" -m venv --clear "$venv" || { echo "No virtual environment could be made. On Debian: sudo apt-get install -y python3-venv" >&2; exit 1; }
fi
if ! installed; then
  echo "Installing the pinned packages into $venv"
  # The file is the whole closure: nothing is left to resolve.
  "$venv/bin/python" -m pip install -q --disable-pip-version-check --no-deps --require-hashes -r "$requirements"
  if [ "$which" != bench ]; then
    # An editable install without a build: a path file and the console script, so that nothing is fetched unpinned.
    site=$("$venv/bin/python" -c 'import sysconfig; print(sysconfig.get_path("purelib"))')
    pwd > "$site/octopus_desktop_checkout.pth"
    printf '#!/bin/sh\nexec "%s/python" -m octopus_desktop "$@"\n' "$PWD/$venv/bin" > "$venv/bin/octopus-desktop"
    chmod +x "$venv/bin/octopus-desktop"
  fi
  echo "$want" > "$stamp"
fi
