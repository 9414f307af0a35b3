"""The base of every enumeration on the way of an order or a message."""

from __future__ import annotations

from enum import Enum


class Word(Enum):
    """Hashed by what it is: `Enum` hashes its name, in Python, each time a member is looked up in a set or a dict, and
    an order's way has forty such looks.
    """

    __hash__ = object.__hash__
