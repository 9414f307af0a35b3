"""The table of open orders with 5,000 rows, 50 of them changing each second: does any frame come late?

The real window, pane and frame loop over a node that follows a script, on one thread with a lively market. A timer of
the event loop notes how late each of its turns comes: that is how long the screen stood still.
"""

from __future__ import annotations

import gc
import os
import random
import statistics
import sys
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).parent.parent / "ui"))  # the scripted node of the screen's tests

ORDERS = 5000
UPDATES_A_SECOND = 50
TURNS, SECONDS = 5, 6
"""The longest frame is the median of the turns': in a single one another program's moment may be the longest. The
longest of all stands beside it.
"""
GOAL_MS = 33.0


def measure() -> list[dict[str, Any]]:
    from lively_node import LivelyNode, lively_session
    from PySide6.QtCore import Qt, QTimer
    from PySide6.QtWidgets import QApplication

    from ui.app import open_window
    from ui.options import Options
    from ui.theme.theme import Theme, application

    app = application("bench")
    assert isinstance(app, QApplication)
    theme = Theme()
    theme.apply(app, "dark")
    node: LivelyNode = lively_session()
    chance = random.Random(3)
    ids = [_place(node, chance) for _ in range(ORDERS)]
    window = open_window(node, theme, Options(node.profile, size=(1600, 1000)), since_ns=node.now_ns)
    node.start()
    window.show()
    window.focus_pane("open_orders")
    gc.collect()
    gc.freeze()  # as the program does once it is loaded
    _run(app, 6.0)
    if len(window.open_orders.model.rows) < ORDERS:
        raise RuntimeError("the table is not filled yet")

    gaps: list[float] = []
    worked: list[float] = []
    frames: list[float] = []
    last = [time.perf_counter(), time.thread_time()]
    turn = window.frames.turn

    def timed_turn() -> None:
        start = time.perf_counter()
        turn()
        frames.append(time.perf_counter() - start)

    window.frames._timer.timeout.disconnect()
    window.frames._timer.timeout.connect(timed_turn)

    def beat() -> None:
        now, cpu = time.perf_counter(), time.thread_time()
        gaps.append(now - last[0])
        worked.append(cpu - last[1])
        last[:] = now, cpu

    beats, updates = QTimer(app), QTimer(app)
    for timer, interval, do in (
        (beats, 1, beat),
        (updates, 1000 // UPDATES_A_SECOND, lambda: _update(node, ids, chance)),
    ):
        timer.setTimerType(Qt.TimerType.PreciseTimer)
        timer.setInterval(interval)
        timer.timeout.connect(do)
        timer.start()
    longest: list[float] = []
    for _ in range(TURNS):
        gaps.clear()
        last[:] = time.perf_counter(), time.thread_time()
        _run(app, SECONDS)
        longest.append(max(gaps) * 1e3)
    beats.stop()
    updates.stop()
    window.frames.stop()
    window.may_close = True
    window.close()
    usual, turns = statistics.median(longest), sorted(frames)
    return [
        _row("5,000 open orders, 50 changes/s: longest frame", usual, "<= 33 ms", usual <= GOAL_MS),
        _row("  of a frame, the longest of all turns", max(longest), "", True),
        _row("  of a frame, time at work at most", max(worked) * 1e3, "", True),
        _row("  the frame loop's own turn, p99", turns[int(len(turns) * 0.99)] * 1e3, "", True),
        _row("  the frame loop's own turn, median", statistics.median(turns) * 1e3, "", True),
    ]


def _run(app: Any, seconds: float) -> None:
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop(app)
    QTimer.singleShot(round(seconds * 1000), loop.quit)
    loop.exec()


def _place(node: Any, chance: random.Random) -> Any:
    from scripted_day import place
    from scripted_market import BTC, ETH, SOL

    from octopus_desktop.model.orders import Side

    name, price = chance.choice(((BTC, 67412.30), (ETH, 3481.12), (SOL, 171.43)))
    away = chance.uniform(0.001, 0.04)
    side = chance.choice((Side.BUY, Side.SELL))
    order_id = place(node, name, side, f"{price * (1 - side.sign * away):.2f}", f"{chance.uniform(0.1, 2):.3f}")
    node.now_ns -= 7_350_000_000  # `place` lets a moment pass; thousands of them would reach into the future
    return order_id


def _update(node: Any, ids: list[Any], chance: random.Random) -> None:
    """Most changes are part fills; now and then an order goes and another comes."""
    from octopus_desktop.model.events import OrderCanceled

    order_id = ids[place := chance.randrange(len(ids))]
    order = node.state.working[order_id]
    if chance.random() < 0.7:
        price = order.intent.price or Decimal(1)
        node.fill(order_id, price, order.remaining / 4, complete=False)
    else:
        node.emit(OrderCanceled(order_id, node.now_ns))
        ids[place] = _place(node, chance)


def _row(name: str, value: float, goal: str, ok: bool) -> dict[str, Any]:
    return {
        "name": name,
        "value": value,
        "unit": "ms",
        "better": "lower",
        "versus": None,
        "versus_value": None,
        "ratio": None,
        "goal": goal,
        "ok": ok,
    }
