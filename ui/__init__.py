"""The screen: everything that is painted or typed into. It talks to the engine through the `Node` port alone."""

from __future__ import annotations

import sys

if sys.version_info < (3, 12):
    from ui.overrides import make_whole

    make_whole()  # before any class of the screen is made
