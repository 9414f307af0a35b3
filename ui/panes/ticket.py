"""The order ticket: says what an order would cost and what risk thinks of it, then sends it once."""

from __future__ import annotations

import secrets
from decimal import Decimal
from typing import Final

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QWidget

from octopus_desktop.model.commands import Done, NeedsAcknowledgement, Outcome, SubmitOrder
from octopus_desktop.model.identifiers import ClientOrderId, IntentToken, new_client_order_id
from octopus_desktop.model.instrument import Instrument
from octopus_desktop.model.orders import OrderStatus
from octopus_desktop.model.queries import RiskQuery, Verdict
from octopus_desktop.state import State
from ui.frame import Dirty
from ui.models.ticket_draft import Estimate, estimate, intent_of
from ui.panes.instrument_bar import set_text
from ui.panes.order_columns import side_word
from ui.panes.ticket_form import TicketForm
from ui.session import Session
from ui.theme.numbers import NOTHING, format_price, format_quantity

RISK_AFTER_MS: Final = 120
REARM_AFTER_MS: Final = 900
"""A key struck twice in haste is one order: so long after an outcome the same ticket cannot be sent again."""

_ON_THE_WAY: Final = {OrderStatus.INITIATED, OrderStatus.SUBMITTED, OrderStatus.UNKNOWN}


class TicketPane(TicketForm):
    """Works out what the form comes to, asks risk about it, and sends it."""

    def __init__(self, session: Session, parent: QWidget | None = None) -> None:
        super().__init__(session, parent)
        self._told = Estimate()
        self._verdict: Verdict | None = None
        self._asked_risk = 0
        self._token = _new_token()
        self._sent: ClientOrderId | None = None
        self._risk = QTimer(self)
        self._risk.setSingleShot(True)
        self._risk.setInterval(RISK_AFTER_MS)
        self._risk.timeout.connect(self._ask_risk)
        self._rearm = QTimer(self)
        self._rearm.setSingleShot(True)
        self._rearm.setInterval(REARM_AFTER_MS)
        self._rearm.timeout.connect(self._arm)
        self._laid_out()

    # What it comes to -------------------------------------------------------

    def _edited(self) -> None:
        """The ticket is another one now: it may be sent, as an order of its own."""
        self._token = _new_token()
        self._sent = None
        self._rearm.stop()
        self._verdict = None
        self.tif.setDisabled(self.post_only.isChecked() or not self._draft.type.has_limit)
        self._work_out()
        self._risk.start()

    def _work_out(self) -> None:
        instrument = self.session.instrument
        draft = self._draft
        if instrument is None:
            self._told = Estimate(problem="Waiting for the venue.")
        else:
            self._told = estimate(draft, instrument, self.session.state)
        self._mark_field(self._told)
        self._write_sums(instrument)
        self._write_button(instrument)

    def _mark_field(self, told: Estimate) -> None:
        """A wrong entry is marked where it stands; an empty one is no mistake yet."""
        for name, entry in (("price", self.price), ("trigger", self.trigger), ("amount", self.amount)):
            wrong = told.field == name and entry.value() is not None
            reason = told.problem if wrong else ""
            if entry.property("said") != reason:
                entry.setProperty("said", reason)
                entry.set_reason(reason)

    def _write_sums(self, instrument: Instrument | None) -> None:
        told = self._told
        texts = {"quantity": NOTHING, "cost": NOTHING, "fee": NOTHING, "free": NOTHING, "after": NOTHING}
        after_tone = "hi"
        if instrument is not None:
            digits = 2 if told.asset == instrument.quote else min(8, instrument.quantity_precision)
            texts["free"] = f"{format_price(told.free, digits)} {told.asset}"
            if told.cost is not None and told.fee is not None and told.free_after is not None:
                about = "≈ " if told.quote_quantity is not None else ""
                texts["quantity"] = (
                    f"{about}{format_quantity(told.quantity, instrument.quantity_precision)} {instrument.base}"
                )
                texts["cost"] = f"{format_price(told.cost, 2)} {instrument.quote}"
                rate = (instrument.maker_fee if told.maker else instrument.taker_fee) * 100
                texts["fee"] = f"{format_price(told.fee, 2)} {instrument.quote} · {rate.normalize():f} %"
                texts["after"] = f"{format_price(told.free_after, digits)} {told.asset}"
                after_tone = "danger" if told.free_after < 0 else "hi"
        for key, (_, label) in self.sums.items():
            set_text(label, texts[key], after_tone if key == "after" else "hi")

    def _write_button(self, instrument: Instrument | None) -> None:
        draft, told = self._draft, self._told
        word = side_word(draft.side)
        base = instrument.base if instrument is not None else ""
        if told.quote_quantity is not None and instrument is not None:
            act = f"{word} {base} for {format_price(told.quote_quantity, 2)} {instrument.quote}"
        elif told.quantity is not None and not told.problem:
            act = f"{word} {_short(told.quantity)} {base}"
        else:
            act = f"{word} {base}"
        locked = self.session.state.entry_locked
        # Most locks open by themselves (a link, a comparison); only those the trader can open have a button.
        can_unlock = locked is not None and "lock" in locked.lower() and not self.session.safe_mode
        if self.locked.isHidden() is can_unlock:
            self.locked.setVisible(can_unlock)
            self.submit_button.setHidden(can_unlock)
            self._share_height()
        if self._sent is not None:
            act = f"Sent · {act}"
        self.submit_button.setText(act)
        self.submit_button.setAccessibleName(act)
        self.submit_button.setEnabled(not self._why_not())
        if self.submit_button.property("role") != draft.side.value:
            self.submit_button.setProperty("role", draft.side.value)
            self.submit_button.style().unpolish(self.submit_button)
            self.submit_button.style().polish(self.submit_button)
        self._write_verdict(locked)

    def _write_verdict(self, locked: str | None) -> None:
        told = self._told
        reasons = [entry.reason for entry in (self.price, self.trigger, self.amount) if entry.isVisible()]
        wrong = next((reason for reason in reasons if reason), "")
        if self.session.safe_mode:
            text, tone = "Safe mode: order entry is off.", "warn"
        elif locked is not None:
            text, tone = locked, "warn"
        elif wrong:
            text, tone = wrong, "danger"
        elif told.problem:
            text, tone = told.problem, "lo"
        elif self._verdict is None:
            text, tone = "Asking risk…", "lo"
        elif self._verdict.denial is not None:
            text, tone = self._verdict.denial, "danger"
        elif self._verdict.warning is not None:
            text, tone = self._verdict.warning, "warn"
        else:
            text, tone = "✓ Within your limits", "up"
        set_text(self.verdict, text, tone)

    def _ask_risk(self) -> None:
        instrument = self.session.instrument
        if instrument is None or self._told.problem:
            return
        self._asked_risk += 1
        number = self._asked_risk
        # The opinion is of an order that will never be: it takes a name of its own.
        intent = intent_of(self._draft, self._told, instrument, ClientOrderId("opinion"), None)
        self.session.query(
            RiskQuery(intent),
            lambda verdict: self._risk_said(number, verdict),
            lambda reason: self._risk_said(number, Verdict(denial=reason)),
        )

    def _risk_said(self, number: int, verdict: Verdict) -> None:
        if number == self._asked_risk and not self._risk.isActive():
            self._verdict = verdict
            self._write_verdict(self.session.state.entry_locked)

    # Sending it -------------------------------------------------------------

    def _why_not(self) -> str:
        """Why the button does nothing now; empty when it sends."""
        if self.session.safe_mode:
            return "Safe mode: order entry is off."
        if self.session.state.entry_locked is not None:
            return self.session.state.entry_locked
        reasons = [entry.reason for entry in (self.price, self.trigger, self.amount) if entry.isVisibleTo(self)]
        wrong = next((reason for reason in reasons if reason), "")
        return wrong or self._told.problem or ("It is sent already." if self._sent is not None else "")

    def submit(self) -> None:
        """Send the order, once: pressed again on the same ticket it is the same intent, and nothing happens."""
        if self._sent is not None:
            return
        self._work_out()
        instrument = self.session.instrument
        why_not = self._why_not()
        if why_not or instrument is None:
            self.session.tell("warn", "Not sent", why_not or "There is no instrument yet.")
            return
        order_id = new_client_order_id()
        intent = intent_of(self._draft, self._told, instrument, order_id, self._token)
        self._sent = order_id
        self._write_button(instrument)
        warned = self._verdict is not None and self._verdict.warning is not None
        self.session.execute(SubmitOrder(intent, warned), lambda outcome: self._answered(order_id, outcome))

    def _answered(self, order_id: ClientOrderId, outcome: Outcome) -> None:
        """Refused before it left: the events of the order tell the trader why, if it became one."""
        if isinstance(outcome, Done):
            return
        if isinstance(outcome, NeedsAcknowledgement):
            self._verdict = Verdict(warning=outcome.reason)
        if order_id not in self.session.state.orders:
            self.session.tell("error", "Not sent", outcome.reason)
        if order_id == self._sent:
            self._rearm.start()

    def _arm(self) -> None:
        """The outcome is known and the haste is over: the same order may be sent again, as another one."""
        self._sent = None
        self._token = _new_token()
        self._work_out()
        self._risk.start()

    # Once per frame ---------------------------------------------------------

    def refresh(self, state: State, dirty: Dirty) -> None:
        if self._sent is not None and not self._rearm.isActive():
            order = state.orders.get(self._sent)
            if order is not None and order.status not in _ON_THE_WAY:
                self._rearm.start()
        instrument = self.session.instrument
        name = instrument.instrument_id if instrument is not None else None
        if dirty.everything or dirty.balances or dirty.system or name in dirty.quotes or name in dirty.instruments:
            self._work_out()
        self.held.write(state)

    def each_second(self, state: State, now_ns: int) -> None:
        """The market moves under the ticket; so may what risk thinks of it."""
        if not self._risk.isActive() and self._sent is None:
            self._ask_risk()


def _new_token() -> IntentToken:
    return IntentToken(secrets.token_hex(8))


def _short(quantity: Decimal) -> str:
    """`0.05`, not `0.05000`: the button is read, not compared."""
    return f"{quantity.normalize():,f}"
