"""A loop that does not come round in time tells where it was: its stack goes to the log while it hangs."""

from __future__ import annotations

import logging
import sys
import threading
import time
import traceback
from collections import deque
from collections.abc import Callable
from typing import Final

from octopus_desktop.redaction import redact

logger = logging.getLogger(__name__)

STALL_S: Final = 0.25
EVERY_S: Final = 0.05
A_MINUTE: Final = 4
"""Dumps at most; a machine under water would fill the log with them."""
ASLEEP_S: Final = 2.0
"""So much later than meant, the watch itself was held up: the whole process was, and no loop is to blame."""


class StallWatch:
    """A thread beside one loop, from construction until `stop`.

    `call_soon` hands a callable to the loop from any thread. The loop is asked EVERY_S; so a stall is seen when it is
    between STALL_S − EVERY_S and STALL_S old, and costs the loop one empty callback each time.
    """

    def __init__(
        self, name: str, thread_id: int, call_soon: Callable[[Callable[[], None]], object], *, stall_s: float = STALL_S
    ) -> None:
        self._name = name
        self._thread_id = thread_id
        self._call_soon = call_soon
        self._patience_s = stall_s - EVERY_S
        self._answered = threading.Event()
        self._stopped = threading.Event()
        self._dumped: deque[float] = deque(maxlen=A_MINUTE)
        self._thread = threading.Thread(target=self._run, name=f"watch of {name}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Twice is once."""
        self._stopped.set()
        self._answered.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stopped.wait(EVERY_S):
            self._answered.clear()
            asked = time.monotonic()
            try:
                self._call_soon(self._answered.set)
            except RuntimeError:
                return  # the loop is closed
            if self._answered.wait(self._patience_s) or self._stopped.is_set():
                continue
            late = time.monotonic() - asked - self._patience_s
            dumped = late < ASLEEP_S and self._dump()
            self._answered.wait()
            if dumped and not self._stopped.is_set():
                logger.warning("%s went on after %.0f ms", self._name, (time.monotonic() - asked) * 1e3)

    def _dump(self) -> bool:
        now = time.monotonic()
        if len(self._dumped) == A_MINUTE and now - self._dumped[0] < 60.0:
            return False
        self._dumped.append(now)
        frame = sys._current_frames().get(self._thread_id)
        stack = "".join(traceback.format_stack(frame)) if frame is not None else "its thread has ended\n"
        text = f"{self._name} stalls for over {self._patience_s * 1e3:.0f} ms"
        # The stack is for the file: the log on the screen shows the line alone.
        record = logger.makeRecord(logger.name, logging.WARNING, __file__, 0, text, (), None, sinfo=redact(stack))
        logger.handle(record)
        return True
