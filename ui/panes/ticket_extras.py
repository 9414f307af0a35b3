"""The fields of the ticket that only some kinds of order have: compact rows, those of one kind at a time."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from decimal import ROUND_DOWN, Decimal
from typing import Any, Final, TypeVar

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QCheckBox, QComboBox, QLabel, QVBoxLayout, QWidget

from octopus_desktop.model.algos import AnyAlgoSpec, Bracket, GoodTillDate, OnRestart, Scale, Twap
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.orders import ZERO, Side
from ui.models.algo_draft import MOST_TARGETS, Extras, at_risk
from ui.models.columns import day_and_clock
from ui.models.moments import duration_words, parse_duration, parse_moment
from ui.models.ticket_kinds import Kind
from ui.panes.algo_columns import RESTART_TIPS, RESTART_WORDS
from ui.panes.instrument_bar import set_text
from ui.preferences import zone_word
from ui.session import Session
from ui.theme.numbers import format_price, format_quantity
from ui.widgets.number_edit import NumberEdit
from ui.widgets.parsed_edit import ParsedEdit
from ui.widgets.rungs_view import RungsView
from ui.widgets.segmented import Segment, Segmented
from ui.widgets.ticket_parts import row_of

_LABEL: Final = 64
_ONE: Final = Decimal(1)
_TENTH: Final = Decimal("0.1")

Entry = NumberEdit | ParsedEdit[Any]
E = TypeVar("E", NumberEdit, ParsedEdit[Any])

_PRICES: Final = ("activation", "stop", "stop_limit", "first", "last")
_OPTIONAL: Final = {"activation", "stop_limit", "jitter", "skew", "timeout"}
_BESIDE_DURATIONS: Final = {"slices", "jitter", "count", "skew", "step"}
"""Entries in which a duration ends up by mistake: the `s` of `60s` must not turn a purchase into a sale there."""
_ROWS: Final = {
    Kind.TRAILING_STOP: ("offset", "activation"),
    Kind.GOOD_TILL_DATE: ("until",),
    Kind.ICEBERG: ("display",),
    Kind.BRACKET: ("stop", "stop_limit", "targets"),
    Kind.OCO: ("stop", "stop_limit"),
    Kind.TWAP: ("duration", "slices"),
    Kind.SCALE: ("first", "last", "count", "rungs"),
    Kind.CHASE: ("step", "timeout", "take"),
}


class TicketExtras(QWidget):
    """`changed` when any of them is edited; `resized` when there are more or fewer rows."""

    changed = Signal()
    resized = Signal()

    def __init__(self, session: Session) -> None:
        super().__init__()
        self._session = session
        self._kind = Kind.LIMIT
        self._exits_of: Kind | None = None
        self._rows: dict[str, QWidget] = {}
        self._target_rows: list[QWidget] = []
        self._shares_typed = False
        self.fields: dict[str, Entry] = {}
        """By the name that a WrongField has."""
        self._column = QVBoxLayout(self)
        self._column.setContentsMargins(0, 0, 0, 0)
        self._column.setSpacing(4)

    @classmethod
    def in_steps(cls, session: Session) -> Generator[None, None, TicketExtras]:
        extras = cls(session)
        yield from extras._build()
        extras.show_kind(Kind.LIMIT)
        return extras

    # What it is made of -----------------------------------------------------

    def _build(self) -> Iterator[None]:
        theme = self._session.theme
        percent_or_price = [
            Segment("price", "Px", tooltip="Stop and targets as prices"),  # "Price" would cut the stop of a BTC
            Segment("percent", "%", tooltip="Stop and targets as percent of the entry"),
        ]
        self.exit_unit = Segmented(theme, percent_or_price, height=22, name="Stop and targets in")
        self.exit_unit.changed.connect(self._exit_unit_changed)
        self.offset_unit = Segmented(
            theme,
            [
                Segment("percent", "%", tooltip="A share of the best price"),
                Segment("price", "Money", tooltip="An amount in quote currency"),
            ],
            height=22,
            name="Distance in",
        )
        self.offset_unit.changed.connect(self._offset_unit_changed)
        self._row("offset", "Trail by", self._number("offset", "How far behind the best price"), self.offset_unit)
        activation = self._number("activation", "Follow from this price on; empty: at once", optional="at once")
        self._row("activation", "From", activation)
        until = self._parsed("until", self._moment, "Until: 2h, 18:30 or 2026-11-30 18:00", "2h · 18:30")
        self._row("until", "Until", until)
        self._row("display", "Shown", self._number("display", "How much of it the book shows"))
        self._row("stop", "Stop", self._number("stop", "The price that sets the stop off"), self.exit_unit)
        stop_limit = self._number("stop_limit", "The stop's limit; empty: a market order", optional="market")
        self._row("stop_limit", "Stop limit", stop_limit)
        yield
        self._row("targets", "", self._targets())
        yield
        self._row("duration", "Over", self._parsed("duration", parse_duration, "How long: 90s, 10m, 2h", "10m"))
        self._row(
            "slices",
            "Orders",
            self._number("slices", "Into how many orders it is cut", step=_ONE),
            _small_label("Jitter %"),
            self._number("jitter", "How far each moment may move, in % of the pause", step=_ONE, optional="0"),
        )
        self._row("first", "From", self._number("first", "Price of the first order"))
        self._row("last", "To", self._number("last", "Price of the last order"))
        self._row(
            "count",
            "Orders",
            self._number("count", "How many orders", step=_ONE),
            _small_label("Skew"),
            self._number("skew", "The last order's size against the first: 1 is flat, 2 doubles", optional="1"),
        )
        self.rungs = RungsView(theme)
        self._row("rungs", None, self.rungs)
        self._row("step", "Step", self._number("step", "It moves when the touch is this far away"))
        timeout = self._parsed("timeout", parse_duration, "Give up after 60s, 5m; empty: never", "never")
        self._row("timeout", "Timeout", timeout)
        self.take = QCheckBox("Then take what is left at the limit")
        self.take.setToolTip("After that time, send what is left as an order that fills at once or not at all")
        self.take.toggled.connect(self.changed)
        self._row("take", None, self.take)
        self.on_restart = QComboBox()
        for rule in OnRestart:
            self.on_restart.addItem(RESTART_WORDS[rule], rule)
            self.on_restart.setItemData(self.on_restart.count() - 1, RESTART_TIPS[rule], Qt.ItemDataRole.ToolTipRole)
        self.on_restart.setCurrentIndex(list(OnRestart).index(OnRestart.PAUSE))
        self.on_restart.setAccessibleName("After a restart")
        self.on_restart.setToolTip("What becomes of it when the program has ended and starts again")
        self.on_restart.setStyleSheet("min-height: 20px; max-height: 20px")
        self.on_restart.currentIndexChanged.connect(self.changed)
        self._row("on_restart", "On restart", self.on_restart)
        self.told = QLabel()
        self.told.setTextFormat(Qt.TextFormat.PlainText)
        self.told.setWordWrap(True)
        self.told.setAccessibleName("What it comes to")
        self._row("told", None, self.told)

    def _targets(self) -> QWidget:
        box = QWidget()
        column = QVBoxLayout(box)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        for place in range(MOST_TARGETS):
            price = self._number(f"target_{place}", f"Where part {place + 1} leaves with a profit")
            share = self._number(f"share_{place}", "Which part of the position, in %", step=_ONE, optional="%")
            share.setFixedWidth(40)
            price.textChanged.connect(self._target_typed)
            share.textEdited.connect(self._share_typed)
            row = QWidget()
            row.setLayout(row_of(_row_label(f"Target {place + 1}"), price, share, _small_label("%")))
            column.addWidget(row)
            row.setVisible(place == 0)
            self._target_rows.append(row)
        return box

    def _row(self, name: str, word: str | None, *widgets: QWidget) -> None:
        """A label and what it is of; no label where the widgets speak for themselves."""
        row = QWidget()
        labels = [_row_label(word)] if word else []
        row.setLayout(row_of(*labels, *widgets))
        self._rows[name] = row
        self._column.addWidget(row)

    def _number(self, name: str, tooltip: str, *, step: Decimal | None = None, optional: str = "") -> NumberEdit:
        title = tooltip.partition(":")[0]
        entry = NumberEdit(step=step or _TENTH, name=title, tooltip=tooltip, keeps_letters=name in _BESIDE_DURATIONS)
        entry.setPlaceholderText(optional)
        return self._keep(name, entry)

    def _parsed(self, name: str, parse: Callable[[str], float], tooltip: str, example: str) -> ParsedEdit[float]:
        entry = ParsedEdit[float](parse, name=tooltip.partition(":")[0], tooltip=tooltip, example=example)
        return self._keep(name, entry)

    def _keep(self, name: str, entry: E) -> E:
        entry.setStyleSheet("min-height: 20px; max-height: 20px")
        entry.value_changed.connect(self.changed)
        self.fields[name] = entry
        return entry

    def _moment(self, text: str) -> float:
        return parse_moment(text, time.time_ns(), self._session.zone)

    # What is shown ----------------------------------------------------------

    def show_kind(self, kind: Kind) -> None:
        """The rows of this kind; one that is no algo has none."""
        self._kind = kind
        if kind in (Kind.BRACKET, Kind.OCO):
            # A bracket's stop is on the other side of the market than that of an OCO of the same side.
            if self._exits_of not in (None, kind):
                self.fields["stop"].clear()
                self.fields["stop_limit"].clear()
            self._exits_of = kind
        if self._session.instrument is not None:
            self._step(self._session.instrument)
        shown = {*_ROWS.get(kind, ()), "on_restart"} if kind.is_algo else set()
        for name, row in self._rows.items():
            row.setVisible(name in shown)
        self.exit_unit.setVisible(kind is Kind.BRACKET)
        self._mind_units()
        self.setVisible(kind.is_algo)

    def set_instrument(self, instrument: Instrument) -> None:
        """Another instrument: prices and sizes of the last one would be a trap."""
        for entry in self.fields.values():
            entry.clear()
        self._step(instrument)

    def _step(self, instrument: Instrument) -> None:
        percent, tick = self.exit_unit.value == "percent", instrument.tick_size
        for name, entry in self.fields.items():
            if isinstance(entry, NumberEdit):
                if name == "stop" or name.startswith("target_"):
                    entry.set_step(_TENTH if percent and self._kind is Kind.BRACKET else tick)
                elif name in _PRICES or name == "step":
                    entry.set_step(tick)
                elif name == "display":
                    entry.set_step(instrument.lot_size)
                elif name == "offset":
                    entry.set_step(_TENTH if self.offset_unit.value == "percent" else tick)

    def _exit_unit_changed(self, value: str) -> None:
        """A price is no percentage: start anew."""
        for name in ("stop", "stop_limit", *(f"target_{place}" for place in range(MOST_TARGETS))):
            self.fields[name].clear()
        self._unit_changed()

    def _offset_unit_changed(self, value: str) -> None:
        self.fields["offset"].clear()
        self._unit_changed()

    def _unit_changed(self) -> None:
        if self._session.instrument is not None:
            self._step(self._session.instrument)
        self._mind_units()
        self.resized.emit()
        self.changed.emit()

    def _mind_units(self) -> None:
        """A stop given in percent has no limit of its own."""
        percent = self.exit_unit.value == "percent" and self._kind is Kind.BRACKET
        self._rows["stop_limit"].setVisible("stop_limit" in _ROWS.get(self._kind, ()) and not percent)

    def _target_typed(self) -> None:
        """There is always one more target to type; until the trader says otherwise each takes an equal part."""
        filled = self._filled()
        for place, row in enumerate(self._target_rows):
            row.setVisible(place <= filled)
        if not filled:
            self._shares_typed = False
        even = (100 / Decimal(filled or 1)).quantize(_ONE, ROUND_DOWN)
        for place in range(MOST_TARGETS):
            share = self.fields[f"share_{place}"]
            if place >= filled:
                share.clear()
            elif not self._shares_typed:
                share.setText(f"{even if place < filled - 1 else 100 - even * (filled - 1)}")
        self.resized.emit()

    def _share_typed(self) -> None:
        self._shares_typed = True

    def _filled(self) -> int:
        """How many targets have a price, from the first on."""
        typed = [bool(self.fields[f"target_{place}"].text().strip()) for place in range(MOST_TARGETS)]
        return typed.index(False) if False in typed else MOST_TARGETS

    # What they say ----------------------------------------------------------

    def extras(self) -> Extras:
        def number(name: str) -> Decimal | None:
            value = self.fields[name].value()
            return value if isinstance(value, Decimal) else None

        def whole(name: str) -> int | None:
            value = number(name)
            return int(value) if value is not None and value == value.to_integral_value() else None

        def moment(value: object) -> int | None:
            return value if isinstance(value, int) else None

        def seconds(name: str) -> float | None:
            value = self.fields[name].value()
            return value if isinstance(value, float) else None

        pairs = tuple((number(f"target_{place}"), number(f"share_{place}")) for place in range(self._filled()))
        return Extras(
            stop=number("stop"),
            stop_limit=number("stop_limit"),
            in_percent=self.exit_unit.value == "percent",
            targets=pairs,
            offset=number("offset"),
            offset_in_percent=self.offset_unit.value == "percent",
            activation=number("activation"),
            until_ns=moment(self.fields["until"].value()),
            display=number("display"),
            duration_s=seconds("duration"),
            slices=whole("slices"),
            jitter=number("jitter"),
            first=number("first"),
            last=number("last"),
            count=whole("count"),
            skew=number("skew"),
            step=number("step"),
            timeout_s=seconds("timeout"),
            take=self.take.isChecked(),
            on_restart=self.on_restart.currentData(),
        )

    def shown(self) -> list[tuple[str, Entry]]:
        """The entries of this kind, from top to bottom."""
        return [(name, entry) for name, entry in self.fields.items() if entry.isVisibleTo(self)]

    def first_gap(self) -> Entry | None:
        """The first entry of this kind that must have something in it and has not."""
        needed = (entry for name, entry in self.shown() if name not in _OPTIONAL and not name.startswith("share_"))
        return next((entry for entry in needed if not entry.text()), None)

    def takes_price(self) -> NumberEdit | None:
        """The entry that has the keyboard, where a price can go into it."""
        percent = self.exit_unit.value == "percent" and self._kind is Kind.BRACKET
        for name, entry in self.shown():
            is_exit = name == "stop" or name.startswith("target_")
            if isinstance(entry, NumberEdit) and entry.hasFocus() and (name in _PRICES or is_exit):
                return None if is_exit and percent else entry
        return None

    def price_gap(self) -> NumberEdit | None:
        """The first price of this kind that is empty."""
        prices = (entry for name, entry in self.shown() if name in _PRICES and isinstance(entry, NumberEdit))
        return next((entry for entry in prices if not entry.text()), None)

    def mark(self, field: str, sentence: str) -> None:
        """Mark the entry that a problem is about, where something is in it; an empty one is no mistake yet."""
        for name, entry in self.fields.items():
            reason = sentence if name == field and entry.text() else ""
            if entry.property("said") != reason:
                entry.setProperty("said", reason)
                entry.set_reason(reason)

    def wrong(self) -> str:
        """Why one of the texts can't be used; empty where all can."""
        return next((entry.reason for _, entry in self.shown() if entry.reason), "")

    def tell(self, spec: AnyAlgoSpec | None, reference: Decimal | None, instrument: Instrument) -> None:
        """What the fields come to, in one line."""
        digits, lots = instrument.price_precision, instrument.quantity_precision
        text = ""
        match spec:
            case Scale():
                self.rungs.show_rungs(spec.rungs(instrument), digits, lots, buy=spec.side is Side.BUY)
                text = f"Average {format_price(_average(spec, instrument), digits)}"
            case Bracket() if reference is not None:
                loss, gain = at_risk(spec, reference)
                text = f"Risk {format_price(loss, 2)} {instrument.quote}"
                if gain > 0:
                    text += f" · gain {format_price(gain, 2)} · 1 : {gain / loss:.1f}"
            case Twap():
                pause = duration_words(round(spec.duration_s / spec.slices, 1))
                each = format_quantity(instrument.quantity(spec.quantity / spec.slices), lots)
                text = f"{each} {instrument.base} every {pause}"
            case GoodTillDate():
                zone = self._session.zone
                text = f"Until {day_and_clock(spec.expire_ns, zone)} {zone_word(zone, spec.expire_ns)}"
        if not isinstance(spec, Scale):
            self.rungs.show_rungs([], digits, lots, buy=True)
        if self._kind is Kind.SCALE and self._rows["rungs"].isHidden() is isinstance(spec, Scale):
            self._rows["rungs"].setVisible(isinstance(spec, Scale))
            self.resized.emit()
        set_text(self.told, text, "mid")
        if self._rows["told"].isHidden() is bool(text):
            self._rows["told"].setVisible(bool(text))
            self.resized.emit()


def _average(spec: Scale, instrument: Instrument) -> Decimal:
    rungs = spec.rungs(instrument)
    return sum((price * quantity for price, quantity in rungs), ZERO) / spec.quantity


def _row_label(word: str) -> QLabel:
    label = QLabel(word)
    label.setProperty("tone", "lo")
    label.setFixedWidth(_LABEL)
    return label


def _small_label(word: str) -> QLabel:
    label = QLabel(word)
    label.setProperty("tone", "lo")
    return label
