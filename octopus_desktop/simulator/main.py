"""The embedded exchange as a process: its arguments, its account, its ready line, and its end."""

from __future__ import annotations

import argparse
import asyncio
import gc
import json
import logging
import os
import signal
import sys
import time
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from octopus_desktop.config.arguments import between
from octopus_desktop.config.paths import set_aside
from octopus_desktop.health.slices import short_slices
from octopus_desktop.simulator.account_store import StateFileDamaged, StateFileError, in_words
from octopus_desktop.simulator.auth import Credentials, KeyRing
from octopus_desktop.simulator.exchange import Exchange
from octopus_desktop.simulator.faults import FaultPlan, Faults
from octopus_desktop.simulator.history import LIVE_MINUTES_S
from octopus_desktop.simulator.server import Server
from octopus_desktop.simulator.store import SqliteStore
from octopus_desktop.simulator.units import SECOND_NS, to_units
from octopus_desktop.simulator.user_streams import UserStreams

log = logging.getLogger(__name__)

ACCOUNT = 1
WARM_UP_S = 20
"""The market lives this long before anybody sees it, so that the first look finds prints and candles."""
NICENESS = 5
"""Of an exchange in the background, above its parent's."""
LAST_NS = 4_102_444_800 * SECOND_NS
"""No clock starts later: of centuries to come it would only take hours to work out the prices."""
FIRST_DEPOSIT = (
    ("USDT", "100000"), ("BTC", "0.5"), ("ETH", "5"), ("SOL", "50"), ("BNB", "10"), ("XRP", "2000"),
)  # fmt: skip


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of `simulate`. Keys are never among them: they are made here and printed."""
    parser.add_argument("--port", type=between(0, 65_535), default=0, help="port on 127.0.0.1 (0: any free one)")
    parser.add_argument("--seed", type=int, default=1, help="which market; the same seed is the same market")
    parser.add_argument("--speed", type=between(0.01, 100_000.0), default=1.0, help="market seconds per second")
    parser.add_argument("--start", default="", help="where its clock starts: ISO time (UTC) or ns; default: now")
    parser.add_argument("--state", type=Path, help="file that keeps accounts, orders, fills and live candles")
    parser.add_argument("--replace-damaged", action="store_true", help="set a damaged --state file aside, begin anew")
    parser.add_argument("--exit-with-stdin", action="store_true", help="end when standard input is closed")
    if sys.platform != "win32":
        parser.add_argument("--background", action="store_true", help="give way to every other program")
    parser.add_argument("--log-level", default="warning", choices=("debug", "info", "warning", "error"))
    share = between(0.0, 1.0)
    faults = parser.add_argument_group("faults", "also on request: POST /control/faults")
    faults.add_argument("--delay-ms", type=between(0.0, 60_000.0), default=0.0, help="delay every answer and frame")
    faults.add_argument("--drop", type=share, default=0.0, help="share of market frames lost")
    faults.add_argument("--duplicate", type=share, default=0.0, help="share sent twice")
    faults.add_argument("--truncate", type=share, default=0.0, help="share cut short")
    faults.add_argument("--garbage", type=share, default=0.0, help="share preceded by nonsense")
    faults.add_argument("--cut", type=share, default=0.0, help="share at which the line is cut instead")
    faults.add_argument("--clock-skew-ms", type=int, default=0, help="how far the told clock is off")
    faults.add_argument("--faults", default="", help="a whole plan as JSON")


def run(args: argparse.Namespace) -> int:
    """Serve until SIGTERM or SIGINT, or the end of standard input; the exit code."""
    logging.basicConfig(level=args.log_level.upper(), stream=sys.stderr)
    try:
        start_ns = _moment(args.start)
        plan = _plan(args)
    except (ValueError, msgspec.ValidationError, msgspec.DecodeError) as error:
        print(f"simulate: {error}", file=sys.stderr)  # noqa: T201 - a command line speaks
        return 2
    if sys.platform != "win32" and args.background:
        os.nice(NICENESS)
        short_slices()
    try:
        if sys.platform == "win32":
            return asyncio.run(_serve(args, start_ns, plan))
        import uvloop

        with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
            return runner.run(_serve(args, start_ns, plan))
    except (StateFileError, OSError, ValueError) as error:
        print(f"simulate: {error}", file=sys.stderr)  # noqa: T201
        return 1


def _moment(text: str) -> int:
    """UTC nanoseconds of `--start`. Raises ValueError."""
    if not text:
        return time.time_ns()
    if text.isdigit():
        start_ns = int(text)
    else:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        start_ns = int(moment.timestamp()) * SECOND_NS + moment.microsecond * 1_000
    if start_ns > LAST_NS:
        raise ValueError("the market ends on 2100-01-01")
    return start_ns


def _plan(args: argparse.Namespace) -> FaultPlan:
    names = ("delay_ms", "drop", "duplicate", "truncate", "garbage", "cut", "clock_skew_ms")
    plan = {name: getattr(args, name) for name in names}
    return msgspec.convert(plan | (msgspec.json.decode(args.faults) if args.faults else {}), FaultPlan)


def activity_at(speed: float) -> float:
    """How much of its usual traffic a market makes: a fast clock makes do with less of it."""
    return 1.0 if speed <= 4 else max(0.15, (4 / speed) ** 0.5)


def open_exchange(
    seed: int, start_ns: int, speed: float, users: UserStreams, store: SqliteStore | None
) -> tuple[Exchange, Credentials]:
    """An exchange with its account: as the store left it, or with a first deposit."""
    credentials = store.credentials() if store is not None else None
    known_until_s = 0
    if store is not None and (kept := store.meta("now_ns")) is not None:
        start_ns = max(start_ns, int(kept))
        known_until_s = int(kept) // SECOND_NS
        seed = int(store.meta("seed") or seed)  # an account lives in one market
    opened_ns = max(start_ns - WARM_UP_S * SECOND_NS, known_until_s * SECOND_NS)
    exchange = Exchange(seed, opened_ns, activity=activity_at(speed), listener=users, store=store)
    users.attach(exchange)
    if store is not None and credentials is not None:
        exchange.reopened_ns = start_ns
        _restore(exchange, store)
    exchange.open(known_until_s)
    exchange.advance(start_ns)
    if credentials is None:
        credentials = Credentials.generate(ACCOUNT)
        if store is not None:
            store.set_meta("seed", str(seed))
            store.set_meta("now_ns", str(exchange.now_ns))
        for asset, amount in FIRST_DEPOSIT:
            exchange.deposit(ACCOUNT, asset, to_units(amount))
        if store is not None:
            store.save_credentials(credentials)
    return exchange, credentials


def _restore(exchange: Exchange, store: SqliteStore) -> None:
    with in_words(store.path):
        exchange.restore_all(store)
        store.forget_minutes(exchange.now_ns // SECOND_NS - LIVE_MINUTES_S)
        for market in exchange.markets.values():
            store.load_minutes(market)


def _opened(
    args: argparse.Namespace, start_ns: int, users: UserStreams
) -> tuple[Exchange, Credentials, SqliteStore | None]:
    """Raises StateFileError, and leaves the file as it was then."""
    store = SqliteStore(args.state) if args.state is not None else None
    try:
        return *open_exchange(args.seed, start_ns, args.speed, users, store), store
    except BaseException:
        if store is not None:
            store.close()
        raise


async def _serve(args: argparse.Namespace, start_ns: int, plan: FaultPlan) -> int:
    users, notice = UserStreams(), ""
    try:
        exchange, credentials, store = _opened(args, start_ns, users)
    except StateFileDamaged as error:
        if not args.replace_damaged:
            raise
        notice = f"{error.what} It was set aside as {set_aside(args.state)}, nothing was deleted. A new one was begun."
        exchange, credentials, store = _opened(args, start_ns, users)
    keys = KeyRing()
    keys.add(credentials)
    server = Server(exchange, keys, users, Faults(args.seed), speed=args.speed, store=store)
    server.control.apply(plan)
    _collect_in_small_pieces()
    await server.start(args.port, wall_clock=not args.start and args.speed == 1.0)
    done = asyncio.Event()
    loop = asyncio.get_running_loop()
    if sys.platform != "win32":
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, done.set)
    if args.exit_with_stdin:
        _watch_stdin(loop, done)
    print(json.dumps(_ready(server.port, credentials, notice)), flush=True)  # noqa: T201 - the ready line
    await done.wait()
    await server.stop()
    if store is not None:
        store.close()
    return 0


def _collect_in_small_pieces() -> None:
    """Keep the collector of cyclic garbage from stopping the market.

    The books' orders are a hundred thousand objects and in no cycle. Looking through all of them takes 50 ms, and
    would be done every minute or two; so it is done about once an hour, and the youngest are looked at more often.
    """
    gc.freeze()
    gc.set_threshold(400, 4, 5_000)


def _ready(port: int, credentials: Credentials, notice: str) -> dict[str, object]:
    host = f"127.0.0.1:{port}"
    return {
        "rest": f"http://{host}",
        "ws": f"ws://{host}",
        "ws_api": f"ws://{host}/ws-api/v3",
        "control": f"http://{host}/control",
        "api_key": credentials.api_key,
        "api_secret": credentials.api_secret,
        "ed25519_api_key": credentials.ed25519_api_key,
        "ed25519_private_key": credentials.ed25519_private_key,
        "pid": os.getpid(),
        "notice": notice,
    }


def _watch_stdin(loop: asyncio.AbstractEventLoop, done: asyncio.Event) -> None:
    """End when whoever started this process closes the other end of its standard input, or dies."""
    import threading

    def wait() -> None:
        # Past Python's own buffering, whose lock would outlive this thread at the end of the process.
        while os.read(0, 4096):
            pass
        loop.call_soon_threadsafe(done.set)

    threading.Thread(target=wait, name="stdin", daemon=True).start()
