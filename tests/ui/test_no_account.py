"""A profile without an account: every pane says so at once, and nothing waits for what will never come."""

from __future__ import annotations

import pytest
from conftest import OpenWindow, settle
from scripted_market import SIM, list_market
from scripted_node import ScriptedNode, demo_profile

from octopus_desktop.engine.entry import Lock
from octopus_desktop.model.events import AccountMissing, EntryLocked, Link, LinkChanged, LinkStatus, Reconciled
from octopus_desktop.model.profile import Mode
from ui.main_window import MainWindow
from ui.panes.table_pane import TablePane

pytestmark = pytest.mark.qt_log_ignore("This plugin does not support", extend=True)

OF_ACCOUNT = ("positions", "open_orders", "algos", "order_history", "fills", "balances")
REASON = "USD-M futures are market data only here; orders need a spot profile."


def overlay(window: MainWindow, pane_id: str) -> tuple[str, str, str]:
    """State, headline and all that is read out."""
    pane = window.panes[pane_id]
    assert isinstance(pane, TablePane)
    return pane.overlay.state, pane.overlay.text, pane.overlay.accessibleName()


@pytest.fixture
def watcher() -> ScriptedNode:
    """A market without an account, of which nothing was said yet."""
    node = ScriptedNode(demo_profile(Mode.LIVE))
    list_market(node)
    node.emit(LinkChanged(SIM, Link.MARKET, LinkStatus.UP, "", node.now_ns))
    return node


def tell(node: ScriptedNode) -> None:
    node.emit(EntryLocked(Lock.NO_ACCOUNT.value, node.now_ns), AccountMissing(SIM, REASON, node.now_ns))


@pytest.mark.parametrize("pane_id", OF_ACCOUNT)
def test_a_table_of_the_account_says_that_there_is_none(
    open_terminal: OpenWindow, watcher: ScriptedNode, pane_id: str
) -> None:
    """On the screen while it is told: no progress any more, what is missing and why."""
    window = open_terminal(watcher)
    window.focus_pane(pane_id)
    settle(window)
    assert overlay(window, pane_id)[0] == "loading"
    tell(watcher)
    settle(window)
    state, text, read_out = overlay(window, pane_id)
    assert (state, text) == ("empty", "No account in this profile: market data only")
    assert REASON in read_out


@pytest.mark.parametrize("pane_id", OF_ACCOUNT)
def test_a_table_stops_waiting_when_the_account_was_compared(
    open_terminal: OpenWindow, watcher: ScriptedNode, pane_id: str
) -> None:
    """An account in which there is nothing yet: the table on the screen says what it would hold."""
    window = open_terminal(watcher)
    window.focus_pane(pane_id)
    settle(window)
    watcher.emit(Reconciled(SIM, 0, 0, watcher.now_ns))
    settle(window)
    pane = window.panes[pane_id]
    assert isinstance(pane, TablePane)
    assert overlay(window, pane_id)[:2] == ("empty", pane.empty_text)


def test_what_the_journal_remembers_stays_in_sight(window: MainWindow, node: ScriptedNode) -> None:
    """The venue refused the key today: orders and positions of earlier days are shown all the same."""
    tell(node)
    settle(window)
    assert overlay(window, "positions")[0] == "live"
    assert window.positions.table.shown_rows()


def test_ticket_and_status_line_say_that_no_order_can_be_sent(open_terminal: OpenWindow, watcher: ScriptedNode) -> None:
    """No free money of an account that is not there, and no journal that is for ever on its way."""
    window = open_terminal(watcher)
    tell(watcher)
    settle(window)
    assert window.ticket.verdict.text() == "No account in this profile: market data only, no order can be sent."
    window.ticket.price.setText("67000")
    window.ticket.amount.setText("0.1")
    settle(window)
    assert {window.ticket.sums[key][1].text() for key in ("free", "after")} == {"–"}
    assert not window.ticket.submit_button.isEnabled()
    entry = window.status.labels["entry"]
    assert (entry.text(), entry.toolTip()) == ("no account: market data only", REASON)
    assert window.status.labels["journal"].text() == "journal ok"
