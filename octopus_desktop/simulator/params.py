"""Parameters of a request, read in the venue's way and refused in its words."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from octopus_desktop.simulator.errors import (
    Refusal,
    bad_precision,
    illegal,
    invalid_symbol,
    missing,
    unknown_parameter_value,
    unread,
)
from octopus_desktop.simulator.units import to_units

_NUMBER = re.compile(r"^([0-9]{1,20})(\.[0-9]{1,20})?$")
_CLIENT_ID = re.compile(r"^[a-zA-Z0-9-_.:/]{1,36}$")
_SYMBOL = re.compile(r"^[A-Z0-9-_.]{1,20}$")


class Params:
    """The parameters of one request, all as text."""

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = values

    def __contains__(self, name: str) -> bool:
        return self._values.get(name, "") != ""

    def check_names(self, known: Collection[str]) -> None:
        """Raises Refusal −1104 where more was sent: a parameter with a wrong name is none."""
        sent = [name for name, value in self._values.items() if value != ""]
        read = sum(name in known for name in sent)
        if read < len(sent):
            raise unread(read, len(sent))

    def text(self, name: str) -> str:
        value = self._values.get(name, "")
        if not value:
            raise missing(name)
        return value

    def optional(self, name: str, default: str = "") -> str:
        return self._values.get(name, "") or default

    def symbol(self) -> str:
        value = self.text("symbol")
        if not _SYMBOL.match(value):
            raise illegal("symbol", "^[A-Z0-9-_.]{1,20}$")
        return value

    def symbols(self, known: Collection[str]) -> list[str] | None:
        """`symbol` or `symbols` (a JSON list), or None where neither was sent."""
        if "symbol" in self:
            names = [self.symbol()]
        elif "symbols" in self:
            names = re.findall(r'"([^"]*)"', self.text("symbols"))
            if not names:
                raise illegal("symbols", '^\\[("[A-Z0-9-_.]{1,20}"(,"[A-Z0-9-_.]{1,20}"){0,}){0,1}\\]$')
        else:
            return None
        for name in names:
            if name not in known:
                raise invalid_symbol()
        return names

    def one_of(self, name: str, allowed: Collection[str], default: str | None = None) -> str:
        value = self.text(name) if default is None else self.optional(name, default)
        if value not in allowed:
            if name == "side":
                raise Refusal(-1117, "Invalid side.")
            if name == "type":
                raise Refusal(-1116, "Invalid orderType.")
            if name == "timeInForce":
                raise Refusal(-1115, "Invalid timeInForce.")
            if name == "interval":
                raise Refusal(-1120, "Invalid interval.")
            raise unknown_parameter_value(name)
        return value

    def integer(self, name: str, default: int | None = None) -> int:
        value = self.text(name) if default is None else self.optional(name)
        if not value:
            assert default is not None
            return default
        if not re.fullmatch(r"-?[0-9]{1,20}", value):
            raise illegal(name, "^[0-9]{1,20}$")
        return int(value)

    def optional_integer(self, name: str) -> int | None:
        return self.integer(name) if name in self else None

    def limit(self, default: int, most: int) -> int:
        value = self.integer("limit", default)
        if value < 1:
            raise illegal("limit", "^[1-9][0-9]{0,3}$")
        return min(value, most)

    def amount(self, name: str) -> int:
        """A positive price or quantity in units of 1e-8."""
        value = self.text(name)
        if not _NUMBER.match(value):
            raise illegal(name, "^([0-9]{1,20})(\\.[0-9]{1,20})?$")
        try:
            units = to_units(value)
        except ValueError as error:
            raise bad_precision(name) from error
        if units <= 0:
            raise Refusal(-1013, f"Invalid {_WORDS.get(name, name)}.")
        return units

    def optional_amount(self, name: str) -> int:
        return self.amount(name) if name in self else 0

    def client_id(self, name: str) -> str:
        value = self.optional(name)
        if value and not _CLIENT_ID.match(value):
            raise illegal(name, "^[a-zA-Z0-9-_.:/]{1,36}$")
        return value


class Prefixed(Params):
    """The parameters of one leg of a list: `above` and `price` is `abovePrice`."""

    def __init__(self, params: Params, prefix: str) -> None:
        self._prefix = prefix
        at = len(prefix)
        values = params._values.items()
        super().__init__({k[at].lower() + k[at + 1 :]: v for k, v in values if k.startswith(prefix) and len(k) > at})

    def text(self, name: str) -> str:
        try:
            return super().text(name)
        except Refusal as error:
            raise missing(self._prefix + name[0].upper() + name[1:]) from error


_WORDS = {"quantity": "quantity", "quoteOrderQty": "quote order qty", "price": "price", "stopPrice": "stop price"}
