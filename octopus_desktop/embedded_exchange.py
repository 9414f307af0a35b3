"""The embedded exchange as a child process: started with the terminal, ended with it."""

from __future__ import annotations

import asyncio
import logging
import subprocess
import sys
from pathlib import Path
from typing import Final

import msgspec

from octopus_desktop.model.credentials import Credentials
from octopus_desktop.model.errors import VenueUnavailable
from octopus_desktop.model.profile import VenueUrls

logger = logging.getLogger(__name__)

READY_WITHIN_S: Final = 30.0
ENDS_WITHIN_S: Final = 5.0
SEED: Final = 20_260_101
"""The demo market is the same on every machine; what a trader does in it is not."""
# A venue is on a machine of its own. This one shares the trader's, so it gives way: an order on its way out, or a
# frame to paint, never waits for a core that the market works on.
if sys.platform == "win32":
    _CREATION_FLAGS: Final = subprocess.BELOW_NORMAL_PRIORITY_CLASS
    _GIVES_WAY: Final[tuple[str, ...]] = ()
else:
    _CREATION_FLAGS: Final = 0
    _GIVES_WAY: Final[tuple[str, ...]] = ("--background",)


class _Ready(msgspec.Struct):
    rest: str
    ws: str
    ws_api: str
    api_key: str
    api_secret: str
    notice: str = ""


def command(state: Path, port: int) -> list[str]:
    """How this installation starts it; in a bundle the program itself is the interpreter."""
    program = [sys.executable] if getattr(sys, "frozen", False) else [sys.executable, "-m", "octopus_desktop"]
    return [
        *program,
        *("simulate", "--port", str(port), "--seed", str(SEED), "--state", str(state), "--exit-with-stdin"),
        "--replace-damaged",
        *_GIVES_WAY,
    ]


class EmbeddedExchange:
    """`start` again after it died: it comes back on the same port with the same account."""

    def __init__(self, state: Path) -> None:
        self._state = state
        self._process: asyncio.subprocess.Process | None = None
        self._tail: asyncio.Task[None] | None = None
        self._port = 0
        self.urls: VenueUrls | None = None
        self.credentials: Credentials | None = None
        self.notice = ""
        """What the trader should know of the last start: empty, or sentences."""

    async def start(self) -> None:
        """Returns when it serves. Raises VenueUnavailable where it does not."""
        process = self._process = await asyncio.create_subprocess_exec(
            *command(self._state, self._port),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            creationflags=_CREATION_FLAGS,
        )
        assert process.stdout is not None
        try:
            line = await asyncio.wait_for(process.stdout.readline(), READY_WITHIN_S)
        except TimeoutError as error:
            await self.stop()
            raise VenueUnavailable(f"The embedded exchange did not start within {READY_WITHIN_S:.0f} s.") from error
        try:
            ready = msgspec.json.decode(line, type=_Ready)
        except msgspec.DecodeError as error:
            assert process.stderr is not None
            said = (await process.stderr.read()).decode(errors="replace").strip()[-500:]
            await self.stop()
            why = said.removeprefix("simulate: ").rstrip(".") or "it said nothing"
            raise VenueUnavailable(f"The embedded exchange did not start: {why}.") from error
        self.urls = VenueUrls(rest=ready.rest, stream=ready.ws, ws_api=ready.ws_api)
        self.credentials = Credentials(ready.api_key, ready.api_secret)
        self.notice = ready.notice
        self._port = int(ready.rest.rpartition(":")[2].partition("/")[0])
        self._tail = asyncio.get_running_loop().create_task(self._log_errors(process))

    async def _log_errors(self, process: asyncio.subprocess.Process) -> None:
        assert process.stderr is not None
        while line := await process.stderr.readline():
            logger.warning("embedded exchange: %s", line.decode(errors="replace").rstrip()[:500])

    async def ended(self) -> int:
        """Waits for its end, and gives its exit code."""
        assert self._process is not None
        return await self._process.wait()

    async def stop(self) -> None:
        process = self._process
        if process is None:
            return
        if process.returncode is None:
            assert process.stdin is not None
            process.stdin.close()
            try:
                await asyncio.wait_for(process.wait(), ENDS_WITHIN_S)
            except TimeoutError:
                logger.warning("the embedded exchange did not end by itself and was killed")
                process.kill()
                await process.wait()
        if self._tail is not None:
            await self._tail
            self._tail = None
