"""How algos are named and told of, and the columns of their table."""

from __future__ import annotations

from datetime import tzinfo
from decimal import Decimal
from typing import Final

from octopus_desktop.model.algos import (
    Algo,
    AlgoStatus,
    Bracket,
    OnRestart,
)
from octopus_desktop.model.identifiers import symbol_of
from octopus_desktop.model.orders import ZERO
from octopus_desktop.state import State
from ui.models.algo_words import kind_word
from ui.models.columns import Column, Paint, day_and_clock, iso
from ui.panes.order_columns import Precisions, side_tone, side_word
from ui.theme.numbers import format_percent

HERE = "Held here"
AT_VENUE = "At venue"
HERE_TIP = "Held here: works while this terminal runs"
AT_VENUE_TIP = "The venue holds it and works it, whether this terminal runs or not"
RESTART_WORDS = {OnRestart.RESUME: "Goes on", OnRestart.PAUSE: "Waits", OnRestart.END: "Ends"}
RESTART_TIPS = {
    OnRestart.RESUME: "After a restart it goes on by itself, once the venue has been compared with",
    OnRestart.PAUSE: "After a restart it waits for you; its orders stay at the venue",
    OnRestart.END: "After a restart its orders are canceled; a stop that protects a position stays",
}
STATUS_TONES = {
    AlgoStatus.RUNNING: "up",
    AlgoStatus.PAUSED: "warn",
    AlgoStatus.STOPPING: "text_lo",
    AlgoStatus.COMPLETED: "text_mid",
    AlgoStatus.STOPPED: "text_lo",
    AlgoStatus.FAILED: "danger",
}
_LATER_THAN_ALL: Final = 10**19


def done_of(algo: Algo) -> Decimal:
    """How much of the algo's quantity is done: of a bracket, of its entry."""
    return algo.filled_as("entry") if isinstance(algo.spec, Bracket) else algo.filled_as()


def average_of(algo: Algo) -> Decimal | None:
    """Of what `done_of` counts."""
    done = done_of(algo)
    if not done:
        return None
    if isinstance(algo.spec, Bracket):
        return algo.filled_notional.get("entry", ZERO) / done
    return sum(algo.filled_notional.values(), ZERO) / done


def percent_of(algo: Algo) -> Decimal | None:
    return done_of(algo) / algo.spec.quantity * 100 if algo.spec.quantity else None


def algo_columns(state: State, zone: tzinfo) -> list[Column[Algo]]:
    write = Precisions(state)

    def told(algo: Algo) -> str:
        return algo.reason or ("" if algo.status.is_over else algo.note)  # what it was about to do is over, too

    return [
        Column("time", "Started", lambda a: iso(a.created_ns), lambda a: day_and_clock(a.created_ns, zone), 104,
               tone=lambda a: "text_mid", rank=lambda a: a.created_ns),
        Column("kind", "Algo", lambda a: kind_word(a.spec), lambda a: kind_word(a.spec), 92, Paint.WORDS,
               tone=lambda a: "text_hi"),
        Column("instrument", "Instrument", lambda a: symbol_of(a.spec.instrument_id),
               lambda a: symbol_of(a.spec.instrument_id), 86, Paint.NAME, tone=lambda a: "text_hi"),
        Column("side", "Side", lambda a: a.spec.side, lambda a: side_word(a.spec.side), 44, Paint.WORDS,
               tone=lambda a: side_tone(a.spec.side)),
        Column("quantity", "Quantity", lambda a: a.spec.quantity,
               lambda a: write.quantity(a.spec.instrument_id, a.spec.quantity), 92),
        Column("filled", "Filled", done_of, lambda a: write.quantity(a.spec.instrument_id, done_of(a)), 92),
        Column("progress", "Progress", percent_of, lambda a: format_percent(percent_of(a), 0).lstrip("+"), 84,
               Paint.PROGRESS, tone=lambda a: "accent" if done_of(a) else "text_lo"),
        Column("average", "Average", average_of,
               lambda a: write.price(a.spec.instrument_id, average_of(a)), 92),
        Column("status", "Status", lambda a: a.status, lambda a: str(a.status.value).capitalize(), 78, Paint.WORDS,
               tone=lambda a: STATUS_TONES[a.status], tip=told, rank=live_first),
        Column("orders", "Working", lambda a: working_of(state, a), lambda a: f"{working_of(state, a)}", 60,
               tone=lambda a: "text_hi" if working_of(state, a) else "text_lo"),
        Column("where", "Held", lambda a: AT_VENUE if a.native else HERE, lambda a: AT_VENUE if a.native else HERE, 72,
               Paint.WORDS, tone=lambda a: "text_mid" if a.native else "warn",
               tip=lambda a: AT_VENUE_TIP if a.native else HERE_TIP),
        Column("restart", "On restart", lambda a: a.on_restart, lambda a: RESTART_WORDS[a.on_restart], 76, Paint.WORDS,
               tip=lambda a: RESTART_TIPS[a.on_restart]),
        Column("note", "Note", told, told, 260, Paint.WORDS, tone=lambda a: "warn" if a.reason else "text_mid",
               tip=told),
    ]  # fmt: skip


def live_first(algo: Algo) -> int:
    """Those at work above those that are over, the newest first, where the largest stands on top."""
    return algo.created_ns + (0 if algo.status.is_over else _LATER_THAN_ALL)


def working_of(state: State, algo: Algo) -> int:
    """How many of its orders rest, or may rest, at the venue."""
    return sum(1 for order_id in algo.children if order_id in state.working)
