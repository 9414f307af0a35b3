"""Seeds spread over processes that end with the one that started them."""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tests.faults.seed import Result, run


def results(seeds: range, jobs: int) -> Iterator[Result]:
    """In the order of the seeds."""
    if jobs <= 1:
        yield from map(run, seeds)
        return
    with ProcessPoolExecutor(jobs, get_context("spawn"), initializer=_end_with, initargs=(os.getpid(),)) as pool:
        yield from pool.map(run, seeds, chunksize=5)


def _end_with(parent: int) -> None:
    """A worker whose parent was killed would go on with the seeds it has, and then wait for ever."""

    def look() -> None:
        while not threading.Event().wait(1.0):  # not `time.sleep`: within a seed that is the seed's
            if os.getppid() != parent:
                os._exit(1)

    threading.Thread(target=look, daemon=True).start()
