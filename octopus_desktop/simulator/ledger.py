"""Who owns what. Every amount that arrives somewhere has left somewhere else, so each asset sums to zero.

The market model is account 0 (`CROWD`) and may owe without limit; fees go to account −1 (`HOUSE`). The
accounts of traders can neither spend nor lock more than they have.
"""

from __future__ import annotations

from octopus_desktop.simulator.book import CROWD

HOUSE = -1


class Overdraft(Exception):
    """An account was asked for more than it has: a bug in the caller, who must look first."""


class Balance:
    """One asset of one account, in units of 1e-8."""

    __slots__ = ("free", "locked")

    def __init__(self, free: int = 0, locked: int = 0) -> None:
        self.free = free
        self.locked = locked


class Ledger:
    """All balances, and which of them have changed since they were last taken."""

    def __init__(self) -> None:
        self._balances: dict[tuple[int, str], Balance] = {}
        self._changed: dict[tuple[int, str], None] = {}

    def balance(self, account: int, asset: str) -> Balance:
        """A live view; read only."""
        found = self._balances.get((account, asset))
        if found is None:
            found = self._balances[account, asset] = Balance()
        return found

    def assets(self, account: int) -> list[str]:
        """Every asset the account has ever held, sorted."""
        return sorted(asset for owner, asset in self._balances if owner == account)

    def total(self, asset: str) -> int:
        """The sum over everybody. Zero, always."""
        return sum(b.free + b.locked for (_, name), b in self._balances.items() if name == asset)

    def restore(self, account: int, asset: str, free: int, locked: int) -> None:
        """Put a balance back as it was stored; the crowd takes the other side."""
        mine, crowd = self.balance(account, asset), self.balance(CROWD, asset)
        crowd.free += mine.free + mine.locked - free - locked
        mine.free, mine.locked = free, locked

    def lock(self, account: int, asset: str, amount: int) -> None:
        """Set `amount` aside for an order. Raises Overdraft where it is not free."""
        balance = self.balance(account, asset)
        if amount < 0 or amount > balance.free:
            raise Overdraft(f"lock {amount} {asset}, free {balance.free}")
        balance.free -= amount
        balance.locked += amount
        self._changed[account, asset] = None

    def unlock(self, account: int, asset: str, amount: int) -> None:
        """Give back what was set aside. Raises Overdraft where less is locked."""
        balance = self.balance(account, asset)
        if amount < 0 or amount > balance.locked:
            raise Overdraft(f"unlock {amount} {asset}, locked {balance.locked}")
        balance.locked -= amount
        balance.free += amount
        self._changed[account, asset] = None

    def transfer(self, giver: int, taker: int, asset: str, amount: int) -> None:
        """Move free money. Raises Overdraft where a trader's account has too little."""
        balance = self.balance(giver, asset)
        if amount < 0 or (giver > CROWD and amount > balance.free):
            raise Overdraft(f"pay {amount} {asset}, free {balance.free}")
        balance.free -= amount
        self.balance(taker, asset).free += amount
        self._changed[giver, asset] = None
        self._changed[taker, asset] = None

    def take_changed(self) -> list[tuple[int, str]]:
        """(account, asset) of every trader's balance that changed since the last call."""
        changed = [key for key in self._changed if key[0] > CROWD]
        self._changed.clear()
        return changed
