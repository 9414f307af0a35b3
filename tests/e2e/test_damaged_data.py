"""The data file went bad between two starts: one start is enough, and what adds risk waits for the trader."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from decimal import Decimal
from pathlib import Path

from octopus_desktop.config.paths import DATABASE_NAME
from octopus_desktop.model.commands import Done, Refused, SetRiskLimits, SetTradingLevel, SubmitOrder, Subscribe
from octopus_desktop.model.events import Channel, Severity
from octopus_desktop.model.limits import RiskLimits
from octopus_desktop.model.orders import OrderStatus
from octopus_desktop.model.queries import LimitsQuery
from octopus_desktop.model.safety import TradingLevel
from octopus_desktop.storage.database import open_database
from tests.e2e.session import Session

LIMITS = RiskLimits(max_order_notional=Decimal(12_345))


def _spoil_the_journal(path: Path) -> None:
    with closing(sqlite3.connect(path)) as connection:
        (page,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'journal'").fetchone()
        (size,) = connection.execute("PRAGMA page_size").fetchone()
    with path.open("r+b") as file:
        file.seek((page - 1) * size)
        file.write(b"\xde\xad\xbe\xef" * 64)


def test_one_start_brings_the_open_order_back_and_nothing_adds_risk_unasked(tmp_path: Path) -> None:
    """The order that rests at the venue is found and can be canceled; the limits set before still count; whoever was
    HALTED is not ACTIVE by the accident, and trades again with one word."""
    with Session(tmp_path) as session:
        session.open_for_orders()
        session.execute(Subscribe(session.btc, Channel.QUOTES))
        assert session.execute(SetRiskLimits(LIMITS)) == Done()
        resting = session.resting_bid()
        session.submit(resting)
        session.until(lambda: session.status(resting) is OrderStatus.ACCEPTED, "it rests")
        assert session.execute(SetTradingLevel(TradingLevel.HALTED)) == Done()
    _spoil_the_journal(tmp_path / DATABASE_NAME)

    with Session(tmp_path) as session:
        session.open_for_orders()
        session.until(lambda: session.status(resting) is OrderStatus.ACCEPTED, "the venue told of it")
        assert session.state.level.level is TradingLevel.REDUCING
        assert "damaged" in session.state.level.reason
        (aside,) = tmp_path.glob(f"{DATABASE_NAME}.damaged-*[0-9]")
        (notice,) = [each for each in session.state.notices if "damaged" in each.title]
        assert str(aside) in notice.text
        storage = [line for line in session.state.log if line.source.startswith("octopus_desktop.storage")]
        assert all(line.severity is not Severity.ERROR for line in storage), "the new journal is no broken one"
        assert session.node.query(LimitsQuery()).result(5) == LIMITS
        session.execute(Subscribe(session.btc, Channel.QUOTES))
        more = session.resting_bid()
        assert isinstance(session.execute(SubmitOrder(more)), Refused)
        session.cancel(resting)
        session.until(lambda: session.status(resting) is OrderStatus.CANCELED, "it is canceled")

    with Session(tmp_path) as session:
        session.open_for_orders()
        assert session.state.level.level is TradingLevel.REDUCING, "a restart is no way around it"
        assert not [each for each in session.state.notices if "damaged" in each.title]
        assert session.execute(SetTradingLevel(TradingLevel.ACTIVE)) == Done()
        session.execute(Subscribe(session.btc, Channel.QUOTES))
        more = session.resting_bid()
        session.submit(more)
        session.until(lambda: session.status(more) is OrderStatus.ACCEPTED, "it rests")


def test_a_start_that_is_killed_right_after_makes_nobody_active(tmp_path: Path) -> None:
    """The damaged file is set aside, and the program ends before the level is written: the next start writes it, tells
    it and reads the limits out. Where the note of it cannot be removed, limits set since then stay."""
    with Session(tmp_path) as session:
        session.open_for_orders()
        assert session.execute(SetRiskLimits(LIMITS)) == Done()
        assert session.execute(SetTradingLevel(TradingLevel.HALTED)) == Done()
    path = tmp_path / DATABASE_NAME
    _spoil_the_journal(path)
    open_database(path).close()
    (note,) = tmp_path.glob("*.untold")

    with Session(tmp_path) as session:
        session.open_for_orders()
        assert session.state.level.level is TradingLevel.REDUCING
        assert len([each for each in session.state.notices if "damaged" in each.title]) == 1
        assert session.node.query(LimitsQuery()).result(5) == LIMITS
        assert session.execute(SetRiskLimits(RiskLimits())) == Done()
        assert session.execute(SetTradingLevel(TradingLevel.ACTIVE)) == Done()
    assert not note.exists()

    note.write_text("a page", encoding="utf-8")
    with Session(tmp_path) as session:
        session.open_for_orders()
        assert session.state.level.level is TradingLevel.REDUCING
        assert session.node.query(LimitsQuery()).result(5) == RiskLimits()
