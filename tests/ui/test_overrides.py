"""A mistake in what Qt calls: told like any other, also while Python waits for Qt."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
_BODY = """
import sys
import ui
from PySide6.QtWidgets import QApplication, QDockWidget, QMainWindow, QWidget
from shiboken6 import delete

app = QApplication([])
window = QMainWindow()
gone = QWidget()
delete(gone)

class Pane(QWidget):
    broken = False
    def resizeEvent(self, event):
        if Pane.broken:
            {mistake}

dock = QDockWidget("Pane", window)
pane = Pane()
dock.setWidget(pane)
window.resize(400, 300)
window.show()
app.processEvents()
Pane.broken = True
sys.excepthook = lambda kind, error, traceback: print(kind.__name__)
pane.resize(50, 60)
pane.setFocus()
print("alive", pane.size().width())
"""


@pytest.mark.parametrize(
    ("mistake", "name"),
    [("1 // 0", "ZeroDivisionError"), ("{}['a']", "KeyError"), ("gone.show()", "RuntimeError"),
     ("self.nothing", "AttributeError"), ("raise ValueError('said')", "ValueError")],
)  # fmt: skip
def test_a_mistake_in_an_override_is_not_the_end(mistake: str, name: str) -> None:
    """A missing key in a pane's resize, set off by a call from Python, is told, and what set it off goes on."""
    run = subprocess.run(
        [sys.executable, "-c", _BODY.format(mistake=mistake)],
        cwd=ROOT,
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert run.stdout.split() == [name, "alive", "50"], run.stderr
    assert run.returncode == 0
