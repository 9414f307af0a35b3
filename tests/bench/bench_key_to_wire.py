"""Key press to order bytes on the socket, journal commit included, while a chart is panned without pause.

The pan is a fast mouse's: a step each 8 ms, painted at once, in the whole terminal on the live embedded exchange.
"""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

ORDERS = 300
GOAL_MS = 3.0


def measure() -> list[dict[str, Any]]:
    """An order that is immediately canceled (IOC, far from the market) each 110 ms: the venue takes ten a second."""
    from PySide6.QtCore import QTimer
    from PySide6.QtWidgets import QApplication

    from octopus_desktop.config.profiles import DEMO
    from octopus_desktop.local_node import LocalNode
    from octopus_desktop.model.commands import SubmitOrder
    from octopus_desktop.model.identifiers import InstrumentId, new_client_order_id
    from octopus_desktop.model.limits import RiskLimits
    from octopus_desktop.model.orders import OrderIntent, OrderType, Side, TimeInForce
    from octopus_desktop.net.websocket import WebSocket
    from ui.app import open_window
    from ui.options import Options
    from ui.theme.theme import Theme

    app = QApplication.instance() or QApplication([])
    assert isinstance(app, QApplication)
    theme = Theme()
    theme.apply(app, "dark")
    sent: list[int] = []
    send = WebSocket.send

    def stamped(socket: WebSocket, message: bytes) -> bool:
        # Before the call that hands the bytes to the kernel (20 µs): by the time it returns, the exchange on this same
        # machine may have had the core for a millisecond and answered.
        if b"order.place" in message:
            sent.append(time.monotonic_ns())
        return send(socket, message)

    pressed: list[int] = []
    outcomes: list[object] = []
    with tempfile.TemporaryDirectory() as folder:
        limits = RiskLimits(max_orders_per_second=100, max_open_orders=1000)
        node = LocalNode(DEMO, Path(folder), credentials=lambda: None, limits=limits)
        window = open_window(node, theme, Options(DEMO, size=(1600, 1000)))
        WebSocket.send = stamped  # type: ignore[method-assign]  # the last line of ours before the bytes leave
        pan = QTimer()
        try:
            node.start()
            window.show()
            _turn_until(app, lambda: window.session.state.entry_locked is None)
            btc = InstrumentId(f"BTCUSDT.{DEMO.venue}")
            _turn_until(app, lambda: window.session.state.market(btc).touch is not None)
            chart = window.chart.chart
            _turn_until(app, lambda: len(chart.series) > 300)
            step = [3]

            def pan_on() -> None:
                chart.viewport.pan(step[0], len(chart.series))
                if abs(chart.viewport.left - len(chart.series) / 2) > len(chart.series) / 3:
                    step[0] = -step[0]
                chart.refresh()

            pan.timeout.connect(pan_on)
            pan.start(8)
            instrument = window.session.state.instruments[btc]
            for _ in range(ORDERS):
                touch = window.session.state.market(btc).touch
                assert touch is not None
                intent = OrderIntent(
                    new_client_order_id(),
                    btc,
                    Side.BUY,
                    OrderType.LIMIT,
                    Decimal("0.001"),
                    instrument.price(touch[0] * 0.97),
                    tif=TimeInForce.IOC,
                )
                count = len(sent)
                pressed.append(time.monotonic_ns())
                window.session.execute(SubmitOrder(intent), outcomes.append)
                _run_loop(110)
                if len(sent) == count:  # so slow an order belongs into the figures, too
                    _run_loop(2000)
                if len(sent) == count:
                    raise RuntimeError(f"no order left: {outcomes[-1:]}")
        finally:
            WebSocket.send = send  # type: ignore[method-assign]  # as it was
            pan.stop()
            window.frames.stop()
            window.may_close = True
            window.close()
            node.stop()
    times = sorted((wire - key) / 1e6 for key, wire in zip(pressed, sent, strict=True))
    rows = []
    for name, value, goal in (
        ("key → order bytes, journal included, chart panned: p99", times[int(len(times) * 0.99)], GOAL_MS),
        ("key → order bytes, journal included, chart panned: median", statistics.median(times), None),
    ):
        rows.append(
            {
                "name": name,
                "value": value,
                "unit": "ms",
                "better": "lower",
                "versus": None,
                "versus_value": None,
                "ratio": None,
                "goal": f"<= {goal:.0f} ms" if goal is not None else "",
                "ok": goal is None or value <= goal,
            }
        )
    return rows


def _run_loop(ms: int) -> None:
    """The event loop as it runs in the program: it sleeps where there is nothing to do."""
    from PySide6.QtCore import QEventLoop, QTimer

    loop = QEventLoop()
    QTimer.singleShot(ms, loop.quit)
    loop.exec()


def _turn_until(app: Any, condition: Any, patience_s: float = 60.0) -> None:
    end = time.monotonic() + patience_s
    while not condition():
        if time.monotonic() > end:
            raise TimeoutError("the terminal did not get ready")
        app.processEvents()
        time.sleep(0.001)


if __name__ == "__main__":
    sys.stdout.write(f"{measure()}\n")
