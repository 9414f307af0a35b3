"""The order ticket: says what an order would cost and what risk thinks of it, then sends it once."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Generator
from decimal import Decimal
from typing import Final

import msgspec
from PySide6.QtCore import QEvent, QObject, QTimer, Signal

from octopus_desktop.model.algos import AnyAlgoSpec
from octopus_desktop.model.commands import (
    Done,
    NeedsAcknowledgement,
    NeedsConfirmation,
    Outcome,
    StartAlgo,
    SubmitOrder,
)
from octopus_desktop.model.events import Channel
from octopus_desktop.model.figures import figure
from octopus_desktop.model.identifiers import AlgoId, ClientOrderId, IntentToken, new_algo_id, new_client_order_id
from octopus_desktop.model.instrument import Instrument, InstrumentKind
from octopus_desktop.model.orders import OrderIntent, OrderStatus, Side
from octopus_desktop.model.queries import AlgoQuery, AlgoVerdict, RiskQuery, Verdict
from octopus_desktop.model.safety import TradingLevel
from octopus_desktop.state import State
from ui.frame import Dirty
from ui.haste import Haste
from ui.models.algo_draft import Extras, WrongField, largest_order, spec_of
from ui.models.ticket_draft import Draft, Estimate, Unit, counted_in, estimate, follows_the_market, intent_of
from ui.panes.algo_columns import AT_VENUE_TIP, HERE_TIP
from ui.panes.instrument_bar import set_text
from ui.panes.order_columns import side_word
from ui.panes.pane import stale_age_s
from ui.panes.ticket_extras import TicketExtras
from ui.panes.ticket_form import TicketForm
from ui.panes.ticket_position import Held
from ui.session import Session
from ui.theme.numbers import NOTHING, format_age, format_price, format_quantity

RISK_AFTER_MS: Final = 120
DENIED_WITHIN_MS: Final = 100
"""A frame later than this is no frame: then nothing was remembered of a refused order."""

_FEE_DIGITS: Final = 8
"""As the venue counts them."""
_CLICKS: Final = {QEvent.Type.MouseButtonPress, QEvent.Type.MouseButtonDblClick}
_ON_THE_WAY: Final = {OrderStatus.INITIATED, OrderStatus.SUBMITTED, OrderStatus.UNKNOWN}


class TicketPane(TicketForm):
    """Works out what the form comes to, asks risk about it, and sends it."""

    confirmation_wanted = Signal(object, str, object)
    """The first order of a LIVE profile: its command, why, and what is to be called once the trader has confirmed."""

    @classmethod
    def in_steps(cls, session: Session) -> Generator[None, None, TicketPane]:
        # Most of its fields, and for kinds of order that are not chosen yet.
        extras = yield from TicketExtras.in_steps(session)
        yield
        ticket = cls(session, extras, Held(session))
        yield
        yield from ticket.set_up()
        return ticket

    def __init__(self, session: Session, extras: TicketExtras, held: Held) -> None:
        super().__init__(session, extras, held)
        self._told = Estimate()
        self._spec: AnyAlgoSpec | None = None
        self._wrong: WrongField | None = None
        self._verdict: Verdict | None = None
        self._judged_under: str | None = None
        self._warned: str | None = None
        self._algo_verdict: AlgoVerdict | None = None
        self._asked_risk = 0
        self._asked_under = self._gates(session.state)
        self._token = _new_token()
        self._algo_id = new_algo_id()
        self._sent: ClientOrderId | AlgoId | None = None
        self._risk = QTimer(self)
        self._risk.setSingleShot(True)
        self._risk.setInterval(RISK_AFTER_MS)
        self._risk.timeout.connect(self._ask_risk)
        # A key struck twice in haste, or held, is one order: the ticket opens after its outcome and a quiet moment.
        self._haste = Haste(self)
        self._haste.over.connect(self._arm)
        self.submit_button.installEventFilter(self)

    # What it comes to -------------------------------------------------------

    def _edited(self) -> None:
        """The ticket is another one now: it may be sent, as an order of its own."""
        self._is_closing = False
        self._renew()
        self._haste.end()
        self._verdict = self._algo_verdict = None
        self.tif.setDisabled(self._draft.rests_only)
        self._work_out()
        self._risk.start()

    def _counted_in(self, unit: Unit) -> Decimal | None:
        return counted_in(unit, self._told)

    def _renew(self) -> None:
        self._sent = self._warned = None
        self._token = _new_token()
        self._algo_id = new_algo_id()

    def _work_out(self) -> None:
        instrument = self.session.instrument
        draft = self._draft
        self._spec = self._wrong = None
        if instrument is None:
            self._told = Estimate(problem="Waiting for the venue.")
        else:
            self._told = estimate(draft, instrument, self.session.state)
            if draft.kind.is_algo:
                self._work_out_algo(draft, self.extras.extras(), instrument)
        self._mark_field(self._told)
        self._write_sums(instrument)
        self._write_button(instrument)

    def _work_out_algo(self, draft: Draft, extras: Extras, instrument: Instrument) -> None:
        if not self._told.problem:
            try:
                self._spec = spec_of(draft, extras, self._told, instrument, self._algo_id, time.time_ns())
            except WrongField as error:
                self._wrong = error
        self.extras.mark(self._wrong.field if self._wrong else "", str(self._wrong or ""))
        self.extras.tell(self._spec, self._told.reference, instrument)

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
        after_tone, fee_tip = "hi", ""
        if instrument is not None:
            digits = 2 if told.asset == instrument.quote else min(8, instrument.quantity_precision)
            has_account = self.session.state.no_account is None
            if has_account:
                texts["free"] = f"{format_price(told.free, digits)} {told.asset}"
            if told.cost is not None and told.fee is not None and told.free_after is not None:
                about = "≈ " if told.quote_quantity is not None else ""
                texts["quantity"] = (
                    f"{about}{format_quantity(told.quantity, instrument.quantity_precision)} {instrument.base}"
                )
                texts["cost"] = f"{format_price(told.cost, 2)} {instrument.quote}"
                texts["fee"], fee_tip = _fee_words(told, instrument, self._draft.side)
                if has_account:
                    texts["after"] = f"{format_price(told.free_after, digits)} {told.asset}"
                    after_tone = "danger" if told.free_after < 0 else "hi"
        for key, (_, label) in self.sums.items():
            set_text(label, texts[key], after_tone if key == "after" else "hi")
        self.sums["fee"][1].setToolTip(fee_tip)

    def _write_button(self, instrument: Instrument | None) -> None:
        draft = self._draft
        act = self._act(draft, instrument)
        locked = self._locked()
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
        why_not = self._why_not()
        if why_not and self.submit_button.hasFocus():
            self.amount.setFocus()  # Qt would hand it to the next button, and the next Enter would press that
        self.submit_button.setEnabled(not why_not)
        look = {"role": draft.side.value, "denied": bool(self._denial())}
        if any(self.submit_button.property(name) != value for name, value in look.items()):
            for name, value in look.items():
                self.submit_button.setProperty(name, value)
            self.submit_button.style().unpolish(self.submit_button)
            self.submit_button.style().polish(self.submit_button)
        self._write_verdict(locked)

    def _denial(self) -> str:
        """Why the engine would refuse it, as far as is known now. It can be sent all the same: the engine judges."""
        refusal = self._algo_verdict.refusal if self._algo_verdict is not None else None
        return (self._verdict.denial if self._verdict is not None else None) or refusal or ""

    def _act(self, draft: Draft, instrument: Instrument | None) -> str:
        """The button names what it does."""
        told = self._told
        word = side_word(draft.side)
        base = instrument.base if instrument is not None else ""
        how = f" · {draft.kind.value}" if draft.kind.is_algo else ""
        if told.quote_quantity is not None and instrument is not None:
            return f"{word} {base} for {format_price(told.quote_quantity, 2)} {instrument.quote}"
        if told.quantity is not None and not told.problem:
            return f"{word} {figure(told.quantity)} {base}{how}"
        return f"{word} {base}{how}"

    # What is said of it -----------------------------------------------------

    def _write_verdict(self, locked: str | None) -> None:
        told, verdict, stale = self._told, self._verdict, self._stale()
        wrong = self._misread()
        if self.session.safe_mode:
            text, tone = "Safe mode: order entry is off.", "warn"
        elif locked is not None:
            text, tone = locked, "warn"
        elif wrong:
            text, tone = wrong, "danger"
        elif told.problem or self._wrong is not None:
            text, tone = told.problem or str(self._wrong), "lo"
        elif stale:
            text, tone = stale, "danger"
        elif verdict is None:
            text, tone = "Asking risk…", "lo"
        elif self._denial():
            text, tone = self._denial(), "danger"
        elif verdict.warning:
            text, tone = verdict.warning, "warn"
        elif self._spec is not None:
            native = self._algo_verdict is not None and self._algo_verdict.native
            text, tone = (f"✓ {AT_VENUE_TIP}", "up") if native else (f"● {HERE_TIP}", "warn")
        else:
            text, tone = "✓ Within your limits", "up"
        told_before = self.verdict.text()
        set_text(self.verdict, text, tone)
        if text != told_before:
            self._fit_verdict()

    def _locked(self) -> str | None:
        """The lock, unless risk says that this order passes it: one that makes a position smaller does."""
        locked = self.session.state.entry_locked
        passes = self._verdict is not None and self._verdict.denial is None and self._judged_under == locked
        return None if passes and self._spec is None else locked

    def _misread(self) -> str:
        reasons = [entry.reason for entry in (self.price, self.trigger, self.amount) if entry.isVisibleTo(self)]
        return next((reason for reason in reasons if reason), "") or self.extras.wrong()

    def _stale(self) -> str:
        """Why an order that depends on the price of now does not go; empty while the price is live."""
        instrument = self.session.instrument
        if instrument is None or not follows_the_market(self._draft):
            return ""
        if self._spec is None and self._verdict is not None and self._verdict.warning:
            return ""  # risk lets it go after a warning: it makes a position smaller
        name, state = instrument.instrument_id, self.session.state
        ages = [stale_age_s(state, name, channel, time.time_ns()) for channel in (Channel.QUOTES, Channel.BOOK)]
        age = next((age for age in ages if age is not None), None)
        if age is None:
            return ""
        return f"The price is stale ({format_age(age)}): {self._draft.kind.value} follows it and does not go now."

    def _ask_risk(self) -> None:
        instrument = self.session.instrument
        if instrument is None or self._told.problem or self._wrong is not None:
            return
        self._asked_risk += 1
        number = self._asked_risk
        self.session.query(
            RiskQuery(self._opinion_of(instrument)),
            lambda verdict: self._risk_said(number, verdict),
            lambda reason: self._risk_said(number, Verdict(reason)),
        )
        if self._spec is not None:
            self.session.query(
                AlgoQuery(self._spec),
                lambda verdict: self._algo_said(number, verdict),
                lambda reason: self._algo_said(number, AlgoVerdict(reason)),
            )

    def _opinion_of(self, instrument: Instrument) -> OrderIntent:
        """The order that risk is asked about; it will never be, so it takes a name of its own."""
        intent = intent_of(self._draft, self._told, instrument, ClientOrderId("opinion"), None)
        if self._spec is None:
            return intent
        quantity, price = largest_order(self._spec, instrument)
        return msgspec.structs.replace(intent, quantity=quantity, price=price or intent.price)

    def _risk_said(self, number: int, verdict: Verdict) -> None:
        if number == self._asked_risk and not self._risk.isActive():
            if verdict == Verdict() and self._warned is not None:
                verdict = Verdict(warning=self._warned)  # said when it was sent: it stands until it is read
            self._verdict, self._judged_under = verdict, self.session.state.entry_locked
            self._write_button(self.session.instrument)

    def _algo_said(self, number: int, verdict: AlgoVerdict) -> None:
        if number == self._asked_risk and not self._risk.isActive():
            self._algo_verdict = verdict
            self._write_button(self.session.instrument)

    # Sending it -------------------------------------------------------------

    def _why_not(self) -> str:
        """Why the button does nothing now; empty when it sends."""
        if self.session.safe_mode:
            return "Safe mode: order entry is off."
        locked = self._locked()
        if locked is not None:
            return locked
        wrong = self._misread() or self._told.problem or (str(self._wrong) if self._wrong else "") or self._stale()
        return wrong or ("It is sent already." if self._sent is not None or self._haste.is_on else "")

    def submit(self) -> None:
        """Send the order, once: pressed again on the same ticket it is the same intent, and nothing happens."""
        if self._haste.catches() or self._sent is not None:
            return
        self._work_out()
        instrument = self.session.instrument
        why_not = self._why_not()
        if why_not or instrument is None:
            self.session.tell("warn", "Not sent", why_not or "There is no instrument yet.")
            return
        if self._spec is not None:
            self._send(self._algo_id, StartAlgo(self._algo_id, self._spec, self.extras.extras().on_restart))
            return
        order_id = new_client_order_id()
        intent = intent_of(self._draft, self._told, instrument, order_id, self._token)
        # What risk warns of stands above the button: whoever presses it has read it.
        warned = self._verdict is not None and self._verdict.warning is not None
        self._send(order_id, SubmitOrder(intent, acknowledged=warned))

    def _send(self, name: ClientOrderId | AlgoId, command: SubmitOrder | StartAlgo) -> None:
        self._sent = name
        self._haste.end()
        self._write_button(self.session.instrument)
        self.session.execute(command, lambda outcome: self._answered(name, command, outcome))

    def _answered(self, name: ClientOrderId | AlgoId, command: SubmitOrder | StartAlgo, outcome: Outcome) -> None:
        """Refused before it left: the events of the order tell the trader why, if it became one."""
        match outcome:
            case Done():
                return
            case NeedsConfirmation():
                again: Callable[[], None] = lambda: self._send(name, command)  # noqa: E731  # typed for the signal
                self._take_back(name)
                self.confirmation_wanted.emit(command, outcome.reason, again)
            case NeedsAcknowledgement():
                if self._take_back(name):  # else it is another ticket by now, of which this was not said
                    self._warned = outcome.reason
                    self._verdict = Verdict(warning=outcome.reason)
                    self._write_verdict(self._locked())
                self.session.tell("warn", "Read this, then send it again", outcome.reason)
            case _:
                # What becomes of the order itself comes with the next frame, and is told by whoever tells those.
                QTimer.singleShot(DENIED_WITHIN_MS, self, lambda: self._tell_refusal(name, outcome.reason))
                if name == self._sent:
                    self._haste.begin()

    def _tell_refusal(self, name: ClientOrderId | AlgoId, reason: str) -> None:
        if name not in self.session.state.orders:
            self.session.tell("error", "Not sent", reason)

    def _take_back(self, name: ClientOrderId | AlgoId) -> bool:
        """Nothing was remembered of it: the ticket is as before the key, for a press that is not of the same haste."""
        if name != self._sent:
            return False
        self._sent = None
        self._haste.begin()
        self._write_button(self.session.instrument)
        return True

    def _arm(self) -> None:
        """The outcome is known and the haste is over: the same order may be sent again, as another one.

        One that closed a position is not: there is none any more, and the next Enter would open another.
        """
        if self._sent is None:  # it was not taken yet, and keeps its name and what was said of it
            self._write_button(self.session.instrument)
            return
        sent = self.session.state.orders.get(ClientOrderId(self._sent or ""))
        if self._is_closing and sent is not None and sent.status is OrderStatus.FILLED:
            self.amount.set_value(None)
            return
        self._renew()
        self._work_out()
        self._risk.start()

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """A button that is off is still clicked in haste; and no second half of a double click is an order."""
        if event.type() in _CLICKS and watched is self.submit_button:
            if self._haste.catches():
                return True
            return event.type() == QEvent.Type.MouseButtonDblClick
        return super().eventFilter(watched, event)

    # Once per frame ---------------------------------------------------------

    def refresh(self, state: State, dirty: Dirty) -> None:
        if self._sent is not None and not self._haste.is_on and self._is_settled(state):
            self._haste.begin()
        instrument = self.session.instrument
        name = instrument.instrument_id if instrument is not None else None
        moved = name in dirty.quotes or name in dirty.instruments or name in dirty.feeds
        if dirty.everything or dirty.balances or dirty.system or moved:
            self._work_out()
        if self._gates(state) != self._asked_under:
            self._asked_under = self._gates(state)
            self._ask_again()
        self.held.write(state)

    def _is_settled(self, state: State) -> bool:
        """What was sent last is known to have arrived, or not to."""
        if self._sent == self._algo_id:
            return self._algo_id in state.algos
        order = state.orders.get(ClientOrderId(self._sent or ""))
        return order is not None and order.status not in _ON_THE_WAY

    def each_second(self, state: State, now_ns: int) -> None:
        """The market moves under the ticket; so may what risk thinks of it."""
        self._ask_again()

    @staticmethod
    def _gates(state: State) -> tuple[str | None, TradingLevel]:
        """Lock and level: when one changes, what risk said before is out of date."""
        return state.entry_locked, state.level.level

    def _ask_again(self) -> None:
        if not self._risk.isActive() and self._sent is None:
            self._ask_risk()


def _fee_words(told: Estimate, instrument: Instrument, side: Side) -> tuple[str, str]:
    """What the venue takes, and its tooltip: of a purchase of coins, a part of the coins."""
    assert told.fee is not None
    share = instrument.maker_fee if told.maker else instrument.taker_fee
    worth, rate = f"{format_price(told.fee, 2)} {instrument.quote}", f"{figure(share * 100)} %"
    if instrument.kind is not InstrumentKind.SPOT or side is Side.SELL or told.quantity is None:
        return f"{worth} · {rate}", ""
    taken = figure(told.quantity * share, _FEE_DIGITS)
    tip = f"Worth {worth}. It is taken from the {instrument.base} bought, unless the account pays fees in another coin."
    return f"{taken} {instrument.base} · {rate}", tip


def _new_token() -> IntentToken:
    return IntentToken(secrets.token_hex(8))
