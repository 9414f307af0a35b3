"""Why the venue took an order back or refused it, in words for the trader.

Source of the names: https://developers.binance.com/docs/binance-spot-api-docs/user-data-stream (reject reason `r`,
expiry reason `eR`).
"""

from __future__ import annotations

from typing import Final

_FOK: Final = "The book could not fill all of it at once, so nothing was filled (fill or kill)."
_IOC: Final = "What the book could not fill at once was taken back (immediate or cancel)."
_EMPTY_BOOK: Final = "The book had nothing more to fill it with."
_IN_LIST: Final = "The venue took it back: the other order of its list was executed."
_OWN: Final = "The venue took it back: it would have traded with an order of the same account."
_BY_REASON: Final = {
    "EXCHANGE_CANCELED": "The venue canceled it by itself.",
    "EXECUTION_RULE_PRICE_RANGE_EXCEEDED": "It would have traded too far from the market's price for the venue.",
    "INSUFFICIENT_BALANCES": "The account has too little for it.",
    "INSUFFICIENT_LIQUIDITY": _EMPTY_BOOK,
    "OCO_BAD_PRICES": "The prices of its pair are on the wrong sides of the market.",
    "OCO_TRIGGER": _IN_LIST,
    "OTO_PHASE_1_EXPIRED": "The order it was waiting for ended without a fill.",
    "STOP_PRICE_WOULD_TRIGGER_IMMEDIATELY": "The market is past its stop price already.",
    "UNFILLED_FOK_ORDER_EXPIRED": _FOK,
    "UNFILLED_IOC_QUANTITY_EXPIRED": _IOC,
    "WOULD_MATCH_IMMEDIATELY": "It would have traded at once, and was to rest (post only).",
}
_BY_TIME_IN_FORCE: Final = {"FOK": _FOK, "IOC": _IOC}


def why_ended(status: str, time_in_force: str, list_number: int, reason: str = "") -> str:
    """Empty where the status is no end by the venue. `reason` is the venue's own word for it, where it sends one.

    A word that is not known is told as it is: better than nothing.
    """
    if status == "EXPIRED" and (reason in ("", "INSUFFICIENT_LIQUIDITY")) and time_in_force in _BY_TIME_IN_FORCE:
        return _BY_TIME_IN_FORCE[time_in_force]
    if reason:
        return _BY_REASON.get(reason, f"The venue's reason: {reason.replace('_', ' ').lower()}.")
    if status == "EXPIRED_IN_MATCH":
        return _OWN
    if status == "EXPIRED":
        return _IN_LIST if list_number >= 0 else "The venue took it back: its time in force left nothing to wait for."
    return ""
