"""What may be risked, and where the day stands against it."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, Final

import msgspec
from PySide6.QtCore import Qt, QTimer
from PySide6.QtWidgets import QDialog, QGridLayout, QHBoxLayout, QLabel, QPushButton, QVBoxLayout, QWidget

from octopus_desktop.model.commands import Done, Outcome, SetRiskLimits
from octopus_desktop.model.figures import figure
from octopus_desktop.model.identifiers import InstrumentId, symbol_of
from octopus_desktop.model.limits import InstrumentLimits, RiskLimits
from octopus_desktop.model.queries import LimitsQuery, RiskStatus, RiskStatusQuery
from ui.dialogs.answers import Answer, answer_row, problem_line
from ui.models.columns import clock
from ui.models.limits_draft import (
    GROUPS,
    Count,
    Field,
    allowed_text,
    hours_text,
    parse_allowed,
    parse_hours,
    shown,
    typed,
)
from ui.panes.instrument_bar import set_text
from ui.panes.positions import sign_tone
from ui.session import Session
from ui.theme.numbers import NOTHING, format_change, format_price
from ui.widgets.line_edit import LineEdit
from ui.widgets.number_edit import NumberEdit

_EACH_MS: Final = 1000
_STEPS: Final = {Count.MONEY: Decimal(100), Count.PERCENT: Decimal("0.1")}
_OF_INSTRUMENT: Final = (
    ("max_position", "Position, coins"),
    ("max_position_notional", "Position, worth"),
    ("max_order_notional", "Order, worth"),
)
_TONES: Final = {"up": "up", "down": "down", "text_mid": "mid"}


def open_risk_limits(session: Session, parent: QWidget) -> None:
    """The dialog, with the limits that hold; the trader is told where they can't be had."""
    session.query(
        LimitsQuery(),
        lambda limits: RiskLimitsDialog(session, limits, parent).open(),
        lambda reason: session.tell("warn", "The limits can't be read", reason),
    )


class RiskLimitsDialog(QDialog):
    """An empty field is no limit. A trade that makes a position smaller passes them all."""

    def __init__(self, session: Session, limits: RiskLimits, parent: QWidget) -> None:
        super().__init__(parent)
        self._session, self._limits = session, limits
        self.entries: dict[str, NumberEdit] = {}
        self.rows: dict[InstrumentId, dict[str, NumberEdit]] = {}
        self.day: dict[str, QLabel] = {}
        self.setWindowTitle("Risk limits")
        column = QVBoxLayout(self)
        column.setContentsMargins(16, 14, 16, 14)
        column.setSpacing(12)
        column.addLayout(self._day_row())
        across = QHBoxLayout()
        across.setSpacing(28)
        for part in (GROUPS[:2], GROUPS[2:]):
            side = QVBoxLayout()
            side.setSpacing(12)
            for word, fields in part:
                side.addLayout(self._group(word, fields))
            side.addStretch(1)
            across.addLayout(side)
        column.addLayout(across)
        column.addLayout(self._where_and_when())
        column.addLayout(self._instruments())
        self.problem = problem_line()
        column.addWidget(self.problem)
        buttons, self.keep = answer_row(
            self,
            Answer("Leave them", "The limits stay as they are"),
            Answer("Set the limits", "From the next order on"),
            self._send,
            beside=self.add,
        )
        column.addLayout(buttons)
        self._timer = QTimer(self)
        self._timer.setInterval(_EACH_MS)
        self._timer.timeout.connect(self._ask_for_the_day)
        self._timer.start()
        self.finished.connect(self._timer.stop)
        self._ask_for_the_day()
        self.entries["max_order_notional"].selectAll()  # the keyboard starts there: what is typed replaces it

    # What it is made of -----------------------------------------------------

    def _day_row(self) -> QHBoxLayout:
        row = QHBoxLayout()
        row.setSpacing(22)
        for key, word in (
            ("level", "Level"),
            ("profit", "Profit today"),
            ("peak", "Peak"),
            ("drawdown", "Drawdown"),
            ("fees", "Fees"),
            ("losses", "Losses in a row"),
            ("orders", "Orders, 1 s / 1 min"),
        ):
            figure = QVBoxLayout()
            figure.setSpacing(1)
            figure.addWidget(_toned(word, "lo"))
            value = _toned(NOTHING, "hi")
            value.setProperty("numeric", True)
            value.setMinimumWidth(72)
            value.setAccessibleName(word)
            figure.addWidget(value)
            self.day[key] = value
            row.addLayout(figure)
        row.addStretch(1)
        return row

    def _group(self, word: str, fields: tuple[Field, ...]) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(5)
        grid.setColumnStretch(0, 1)
        grid.addWidget(_head(word), 0, 0, 1, 3)
        units = {Count.MONEY: self._limits.currency, Count.PERCENT: "%", Count.MULTIPLE: "×", Count.MINUTES: "min"}
        for place, field in enumerate(fields, start=1):
            entry = NumberEdit(step=_STEPS.get(field.count, Decimal(1)), name=field.word, tooltip=field.tip)
            entry.setFixedWidth(120)
            entry.setPlaceholderText("no limit" if field.optional else "")
            entry.setText(_plain(shown(field, self._limits)))
            grid.addWidget(_toned(field.word, "mid"), place, 0)
            grid.addWidget(entry, place, 1)
            grid.addWidget(_toned(units.get(field.count, ""), "lo"), place, 2)
            grid.setColumnMinimumWidth(2, 34)
            self.entries[field.key] = entry
        return grid

    def _where_and_when(self) -> QGridLayout:
        grid = QGridLayout()
        grid.setHorizontalSpacing(8)
        grid.setVerticalSpacing(5)
        grid.addWidget(_head("Where and when"), 0, 0, 1, 2)
        self.allowed = LineEdit(allowed_text(self._limits.allowed))
        self.allowed.setPlaceholderText("every instrument")
        self.allowed.setToolTip("Only these may be bought or sold: BTCUSDT, ETHUSDT")
        self.allowed.setAccessibleName("Allowed instruments")
        self.hours = LineEdit(hours_text(self._limits.hours))
        self.hours.setPlaceholderText("the whole day")
        self.hours.setToolTip("Nothing is added outside these hours, UTC: 08:00 - 20:30")
        self.hours.setAccessibleName("Allowed hours")
        for place, (word, entry) in enumerate((("Instruments", self.allowed), ("Hours, UTC", self.hours)), start=1):
            grid.addWidget(_toned(word, "mid"), place, 0)
            grid.addWidget(entry, place, 1)
        return grid

    def _instruments(self) -> QGridLayout:
        self._grid = QGridLayout()
        self._grid.setHorizontalSpacing(8)
        self._grid.setVerticalSpacing(5)
        self._grid.addWidget(_head("Of one instrument"), 0, 0)
        for place, (_, word) in enumerate(_OF_INSTRUMENT, start=1):
            self._grid.addWidget(_toned(word, "lo"), 0, place, Qt.AlignmentFlag.AlignRight)
        self._grid.setColumnStretch(0, 1)
        for name in sorted(self._limits.instruments):
            self.add_instrument(name)
        shown_now = self._session.instrument
        self.add = QPushButton(f"Add {shown_now.symbol}" if shown_now is not None else "Add")
        self.add.setToolTip("Limits of its own for the instrument on the screen; empty leaves it to the limits of all")
        self.add.setAutoDefault(False)
        self.add.setEnabled(shown_now is not None and shown_now.instrument_id not in self.rows)
        self.add.clicked.connect(self._add_shown)
        return self._grid

    def _add_shown(self) -> None:
        if self._session.instrument is not None:
            self.add_instrument(self._session.instrument.instrument_id)
            self.add.setEnabled(False)

    def add_instrument(self, name: InstrumentId) -> None:
        """A row of the table below, with the limits it has."""
        limits = self._limits.instruments.get(name, InstrumentLimits())
        place = self._grid.rowCount()
        label = _toned(symbol_of(name), "hi")
        self._grid.addWidget(label, place, 0)
        self.rows[name] = {}
        for at, (key, word) in enumerate(_OF_INSTRUMENT, start=1):
            entry = NumberEdit(step=Decimal(1), name=f"{symbol_of(name)} {word}", tooltip=word)
            entry.setPlaceholderText("as all")
            entry.setText(_plain(getattr(limits, key)))
            self._grid.addWidget(entry, place, at)
            self.rows[name][key] = entry

    # The day ----------------------------------------------------------------

    def _ask_for_the_day(self) -> None:
        self._session.query(RiskStatusQuery(), self._write_day, lambda reason: None)

    def _write_day(self, status: RiskStatus) -> None:
        waits = status.cooldown_until_ns
        losses = f"{status.losses_in_a_row}"
        if waits is not None:
            losses += f" · waits until {clock(waits, self._session.zone)}"
        profit = (format_change(status.profit, 2), _TONES[sign_tone(status.profit)])
        if status.unvalued:
            others = f" and {len(status.unvalued) - 1} more" if len(status.unvalued) > 1 else ""
            profit = (f"{profit[0]} · without {status.unvalued[0]}{others}", "warn")
        texts: dict[str, tuple[str, str]] = {
            "level": (status.level.value, "hi"),
            "profit": profit,
            "peak": (format_change(status.peak, 2), "mid"),
            "drawdown": (format_price(status.drawdown, 2), "mid"),
            "fees": (format_price(status.fees, 2), "mid"),
            "losses": (losses, "warn" if waits is not None else "hi"),
            "orders": (f"{status.orders_last_second} / {status.orders_last_minute}", "hi"),
        }
        for key, (text, tone) in texts.items():
            set_text(self.day[key], text, tone)

    # Keeping them -----------------------------------------------------------

    def limits(self) -> RiskLimits:
        """What is typed. Raises ValueError with a sentence."""
        changed: dict[str, Any] = {}
        for _, fields in GROUPS:
            for field in fields:
                entry = self.entries[field.key]
                if entry.reason:
                    raise ValueError(f"{field.word}: {entry.reason}")
                changed[field.key] = typed(field, entry.value())
        state, venue = self._session.state, self._session.node.profile.venue
        changed["allowed"] = parse_allowed(self.allowed.text(), venue, set(state.instruments))
        changed["hours"] = parse_hours(self.hours.text())
        of_each = {
            name: InstrumentLimits(**{key: entry.value() for key, entry in entries.items()})
            for name, entries in self.rows.items()
        }
        changed["instruments"] = {name: each for name, each in of_each.items() if each != InstrumentLimits()}
        return msgspec.structs.replace(self._limits, **changed)

    def _send(self) -> None:
        try:
            limits = self.limits()
        except ValueError as error:
            self.problem.setText(str(error))
            return
        self.problem.setText("")
        self._session.execute(SetRiskLimits(limits), self._answered)

    def _answered(self, outcome: Outcome) -> None:
        if isinstance(outcome, Done):
            self._session.tell("success", "The limits are set", "From the next order on.")
            self.accept()
        else:
            self.problem.setText(outcome.reason)


def _plain(value: Decimal | None) -> str:
    return figure(value) if value is not None else ""


def _toned(text: str, tone: str) -> QLabel:
    label = QLabel(text)
    label.setProperty("tone", tone)
    return label


def _head(word: str) -> QLabel:
    label = _toned(word, "hi")
    label.setStyleSheet("font-weight: 600")
    return label
