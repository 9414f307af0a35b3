"""What the exchange answers when it says no: the venue's codes with its words.

Refusal
├── FilterFailure        -1013, an order against the instrument's filters
└── TooManyRequests      -1003 or -1015, with the seconds to wait
"""

from __future__ import annotations


class Refusal(Exception):
    """A request refused. `status` is the HTTP status it travels under."""

    def __init__(self, code: int, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.status = status


class FilterFailure(Refusal):
    """An order that breaks one of the instrument's filters."""

    def __init__(self, name: str) -> None:
        super().__init__(-1013, f"Filter failure: {name}")


class TooManyRequests(Refusal):
    """Over a limit; 418 once the warnings (429) have been ignored."""

    def __init__(self, code: int, message: str, status: int, retry_after_s: int) -> None:
        super().__init__(code, message, status)
        self.retry_after_s = retry_after_s


def unknown_parameter_value(name: str) -> Refusal:
    return Refusal(-1130, f"Data sent for parameter '{name}' is not valid.")


def missing(name: str) -> Refusal:
    return Refusal(-1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed.")


def unread(read: int, sent: int) -> Refusal:
    words = f"Not all sent parameters were read; read '{read}' parameter(s) but was sent '{sent}'."
    return Refusal(-1104, words)


def too_many_parameters(name: str) -> Refusal:
    return Refusal(-1106, f"Parameter '{name}' sent when not required.")


def illegal(name: str, pattern: str) -> Refusal:
    return Refusal(-1100, f"Illegal characters found in parameter '{name}'; legal range is '{pattern}'.")


def bad_precision(name: str) -> Refusal:
    return Refusal(-1111, f"Parameter '{name}' has too much precision.")


def invalid_symbol() -> Refusal:
    return Refusal(-1121, "Invalid symbol.")


def insufficient_balance() -> Refusal:
    return Refusal(-2010, "Account has insufficient balance for requested action.")


def duplicate_order() -> Refusal:
    return Refusal(-2010, "Duplicate order sent.")


def would_take() -> Refusal:
    return Refusal(-2010, "Order would immediately match and take.")


def would_trigger() -> Refusal:
    return Refusal(-2010, "Stop price would trigger immediately.")


def bad_prices() -> Refusal:
    return Refusal(-2010, "The relationship of the prices for the orders is not correct.")


def bad_combination() -> Refusal:
    return Refusal(-2010, "Unsupported order combination")


def no_such_list() -> Refusal:
    return Refusal(-2013, "Order list does not exist.")


def nothing_to_cancel() -> Refusal:
    return Refusal(-2011, "Unknown order sent.")


def no_such_order() -> Refusal:
    return Refusal(-2013, "Order does not exist.")
