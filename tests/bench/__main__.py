"""Runs every measurement, prints the table and writes build/bench.json. `python -m tests.bench [NAME ...]`

Each file runs in a process of its own: what one sets (threads, the interpreter's switch interval) must not be in the
figures of the next.
"""

from __future__ import annotations

import importlib
import json
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).parent
OUT = FOLDER.parent.parent / "build" / "bench.json"


def main(names: list[str]) -> int:
    modules = sorted(path.stem for path in FOLDER.glob("bench_*.py"))
    if names:
        modules = [module for module in modules if module.removeprefix("bench_") in names]
    rows: list[dict[str, object]] = []
    failed = False
    for module in modules:
        print(f"… {module.removeprefix('bench_')}", file=sys.stderr, flush=True)
        measured = _in_a_process(module)
        rows += measured or []
        failed |= measured is None
    width = max((len(str(row["name"])) for row in rows), default=4)
    print(f"{'measured':<{width}}  {'value':>12} {'unit':<10} {'versus':<34} {'value':>12} {'ratio':>9}  goal")
    for row in rows:
        print(
            f"{row['name']:<{width}}  {_number(row['value']):>12} {row['unit']:<10} {row['versus'] or '':<34} "
            f"{_number(row['versus_value']):>12} {_number(row['ratio']):>9}  {row['goal'] or '':<18} "
            f"{'ok' if row['ok'] else 'MISSED'}"
        )
    OUT.parent.mkdir(exist_ok=True)
    OUT.write_text(json.dumps(rows, indent=1))
    print(f"written to {OUT}")
    return 1 if failed else 0


def _in_a_process(module: str) -> list[dict[str, object]] | None:
    """None where it failed; it has said why, and the others go on."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "rows.json"
        done = subprocess.run([sys.executable, "-m", "tests.bench", "--one", module, str(out)], check=False)
        if done.returncode:
            return None
        rows: list[dict[str, object]] = json.loads(out.read_text())
        return rows


def _number(value: object) -> str:
    if value is None:
        return ""
    assert isinstance(value, int | float)
    return f"{value:,.3f}" if abs(value) < 100 else f"{value:,.0f}"


if __name__ == "__main__":
    if sys.argv[1:2] == ["--one"]:
        _, _, one, path = sys.argv
        Path(path).write_text(json.dumps(importlib.import_module(f"tests.bench.{one}").measure()))
    else:
        sys.exit(main(sys.argv[1:]))
