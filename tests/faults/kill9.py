"""`python -m tests.faults.kill9 --moments 20`: the real process, killed with SIGKILL while it trades, again and again.

Engine, threads, sockets, disk and exchange are the real ones. After each death it is started anew and has to say of
every order, fill, position and balance what the exchange says.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

from octopus_desktop.engine.orders import NEVER_SENT
from tests.e2e.session import ask_exchange
from tests.simulator_process import ROOT, simulator

ENDS_WITHIN_S = 90
_STATUSES = {"FILLED": "filled", "CANCELED": "canceled", "EXPIRED": "expired", "EXPIRED_IN_MATCH": "expired"}


def run(moments: int, folder: Path, chance: random.Random, tell: Any = print) -> list[str]:
    """What was lost, doubled or guessed: empty is the proof."""
    found: list[str] = []
    taken: set[str] = set()
    with simulator(seed=chance.randrange(1 << 30)) as ready:
        for moment in range(1, moments + 1):
            told = _until_killed(folder, ready, chance)
            taken.update(told)
            known = _settled(folder, ready)
            wrong = compare(known, ask_exchange(ready["rest"], "account"), taken)
            orders, fills = len(known["orders"]), len(known["fills"])
            tell(f"moment {moment}: {len(told)} orders taken, then killed; {orders} orders and {fills} fills known")
            found += [f"moment {moment}: {one}" for one in wrong]
    return found


def _until_killed(folder: Path, ready: dict[str, Any], chance: random.Random) -> list[str]:
    """The orders it said it had taken before it died."""
    victim = _start(folder, ready)
    assert victim.stdout is not None
    lines: list[str] = []
    if chance.random() < 0.8:
        lines.append(victim.stdout.readline())  # it trades from here on
        time.sleep(chance.uniform(0.02, 2.5))
    else:
        time.sleep(chance.uniform(0.2, 2.5))  # at its start, or while it compares
    victim.kill()
    lines += victim.communicate()[0].splitlines()
    return [line.split()[1] for line in lines if line.startswith("taken ") and line.count(" ") == 1]


def _settled(folder: Path, ready: dict[str, Any]) -> dict[str, Any]:
    again = _start(folder, ready, "--settle")
    out, _ = again.communicate(timeout=ENDS_WITHIN_S)
    if again.returncode:
        raise RuntimeError(f"the next start did not come to an end (code {again.returncode}): {out[-2000:]}")
    known: dict[str, Any] = json.loads(out.splitlines()[-1])
    return known


def _start(folder: Path, ready: dict[str, Any], *flags: str) -> subprocess.Popen[str]:
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.faults.victim", str(folder), *flags],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
    )
    assert process.stdin is not None
    process.stdin.write(json.dumps(ready) + "\n")
    process.stdin.flush()
    return process


def compare(known: dict[str, Any], truth: dict[str, Any], taken: set[str]) -> list[str]:
    """`truth` is what the exchange's control endpoint tells of the account."""
    found: list[str] = []
    theirs: dict[str, Any] = {}
    for order in truth["orders"]:
        name = order.get("origClientOrderId") or order["clientOrderId"]
        if name in theirs:
            found.append(f"doubled: {name}")
        theirs[name] = order
    ours = known["orders"]
    for name, order in theirs.items():
        mine = ours.get(name)
        if mine is None:
            found.append(f"lost: {name} is {order['status']} at the exchange")
        elif (mine[0], mine[1], Decimal(mine[2])) != (
            _STATUSES.get(order["status"], "working"),
            str(order["orderId"]),
            Decimal(order["executedQty"]),
        ):
            found.append(f"guessed: {name} is {mine} here, {order} there")
    for name, mine in ours.items():
        if name not in theirs and mine[0] not in ("denied", "rejected") and mine[3] != NEVER_SENT:
            found.append(f"guessed: {name} is {mine[0]} and was never at the exchange")
    found += [f"lost: {name} was taken" for name in taken if name not in ours]
    fills = sorted((str(trade["id"]), "buy" if trade["isBuyer"] else "sell") for trade in truth["trades"])
    mine_fills = sorted((trade_id, side) for trade_id, side, _ in known["fills"])
    if fills != mine_fills:
        found.append(f"fills: {set(fills) ^ set(mine_fills)} differ, {len(fills)} there, {len(mine_fills)} here")
    total = Decimal(0)
    for trade in sorted(truth["trades"], key=lambda trade: (trade["id"], not trade["isBuyer"])):
        # On spot nothing is held that no fill brought: what is sold beyond that was there before.
        signed = Decimal(trade["qty"]) * (1 if trade["isBuyer"] else -1)
        if trade["symbol"].startswith(trade["commissionAsset"]):
            signed -= Decimal(trade["commission"])  # what it took in the coin itself never arrived
        total = max(total + signed, Decimal(0))
    position = sum(map(Decimal, known["positions"].values()), Decimal(0))
    if position != total:
        found.append(f"position: {total} there, {position} here")
    for asset, row in truth["balances"].items():
        mine = known["balances"].get(asset, ["0", "0"])
        if (Decimal(mine[0]), Decimal(mine[1])) != (Decimal(row["free"]), Decimal(row["locked"])):
            found.append(f"balance: {asset} is {row} there, {mine} here")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.faults.kill9", description=__doc__)
    parser.add_argument("--moments", type=int, default=20)
    parser.add_argument(
        "--seed", type=int, default=0, help="of the moments; what the machine does in between is its own"
    )
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        found = run(args.moments, Path(folder), random.Random(args.seed))
    print("\n".join(found) or f"{args.moments} times killed: nothing lost, nothing doubled, nothing unknown")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main())
