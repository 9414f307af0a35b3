"""What a background task died of is told, never lost with the task."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

from octopus_desktop.model.errors import is_operational

logger = logging.getLogger(__name__)


def tell_failure(task: asyncio.Task[Any]) -> None:
    """A done callback. A defect goes to the loop's exception handler, which locks order entry and writes a report;
    what belongs to a world with networks and disks in it is logged.
    """
    error = None if task.cancelled() else task.exception()
    if error is None:
        return
    if is_operational(error):
        logger.error("%s failed: %s", task.get_name(), error)
    else:
        context = {"message": f"{task.get_name()} failed", "exception": error, "task": task}
        task.get_loop().call_exception_handler(context)
