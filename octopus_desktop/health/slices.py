"""Threads that an order passes through run as soon as they wake.

They work for a fraction of a millisecond and wait. Where every core is busy, Linux lets such a thread wait until
whoever runs has used its slice up, some 3 ms. A thread with a shorter slice comes first when it wakes, and is
interrupted as soon as another one does, so whoever works in longer pieces beside them takes one, too. Nobody gets more
of the processor than before, and no leave is needed.

Source: https://docs.kernel.org/scheduler/sched-eevdf.html and sched_setattr(2); from Linux 6.12 on, earlier ones take
the call and change nothing. Elsewhere nothing is asked for.
"""

from __future__ import annotations

import ctypes
import logging
import os
import platform
import sys
import threading
from typing import Final

logger = logging.getLogger(__name__)

SLICE_NS: Final = 100_000
"""The shortest that the kernel gives."""
_RESET_ON_FORK: Final = 1
_NUMBERS: Final = {"x86_64": 314, "aarch64": 274}
"""Of sched_setattr; libc has no name for it in most distributions."""


class _Attributes(ctypes.Structure):
    """`struct sched_attr`, first version."""

    _fields_ = (
        ("size", ctypes.c_uint32),
        ("policy", ctypes.c_uint32),
        ("flags", ctypes.c_uint64),
        ("nice", ctypes.c_int32),
        ("priority", ctypes.c_uint32),
        ("runtime", ctypes.c_uint64),
        ("deadline", ctypes.c_uint64),
        ("period", ctypes.c_uint64),
    )


def short_slices() -> bool:
    """For the thread that calls it, and for none that it starts. False where the system has no such thing."""
    number = _NUMBERS.get(platform.machine())
    if sys.platform != "linux" or number is None:
        return False
    attributes = _Attributes(size=ctypes.sizeof(_Attributes), flags=_RESET_ON_FORK, runtime=SLICE_NS)
    attributes.nice = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())  # left as it is
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.syscall(ctypes.c_long(number), 0, ctypes.byref(attributes), 0) != 0:
        logger.info("this thread keeps its ordinary slice: %s", os.strerror(ctypes.get_errno()))
        return False
    return True
