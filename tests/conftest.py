"""No test needs a display: Qt draws into memory unless something else is asked for."""

from __future__ import annotations

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
