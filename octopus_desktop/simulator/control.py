"""The control endpoint: faults on request, and the exchange's own truth for whoever tests against it.

Only on loopback, and unsigned: it belongs to the person who started the process.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec
from aiohttp import web

from octopus_desktop.simulator import wire_account
from octopus_desktop.simulator.endpoints import Context
from octopus_desktop.simulator.faults import FaultPlan, Faults
from octopus_desktop.simulator.units import spelled, to_units


class Control:
    """Handlers under `/control`."""

    def __init__(self, context: Context, faults: Faults, cut: Callable[[str], int]) -> None:
        self._context = context
        self._faults = faults
        self._cut = cut

    def routes(self) -> list[web.RouteDef]:
        return [
            web.get("/control/faults", self.show),
            web.post("/control/faults", self.change),
            web.delete("/control/faults", self.clear),
            web.post("/control/cut", self.cut),
            web.post("/control/clock_skew", self.skew),
            web.post("/control/deposit", self.deposit),
            web.post("/control/fees", self.fees),
            web.get("/control/account", self.account),
        ]

    def apply(self, plan: FaultPlan) -> None:
        self._faults.change(plan)
        self._context.exchange.skew_ns = plan.clock_skew_ms * 1_000_000

    async def show(self, request: web.Request) -> web.Response:
        return _json(self._faults.plan)

    async def change(self, request: web.Request) -> web.Response:
        """Set the fields that are sent; the others stay as they are."""
        try:
            sent = msgspec.json.decode(await request.read())
            merged = msgspec.to_builtins(self._faults.plan) | sent
            plan = msgspec.convert(merged, FaultPlan)
        except (msgspec.DecodeError, msgspec.ValidationError, TypeError) as error:
            return _json({"error": str(error)}, 400)
        self.apply(plan)
        return _json(plan)

    async def clear(self, request: web.Request) -> web.Response:
        self.apply(FaultPlan())
        return _json(self._faults.plan)

    async def cut(self, request: web.Request) -> web.Response:
        """Cut open sockets now: `{"what": "market" | "user" | "ws_api" | "all"}`."""
        body = await request.read()
        what = str(msgspec.json.decode(body).get("what", "all")) if body else "all"
        return _json({"cut": self._cut(what)})

    async def skew(self, request: web.Request) -> web.Response:
        sent = msgspec.json.decode(await request.read())
        plan = msgspec.structs.replace(self._faults.plan, clock_skew_ms=int(sent["ms"]))
        self.apply(plan)
        return _json({"clock_skew_ms": plan.clock_skew_ms})

    async def deposit(self, request: web.Request) -> web.Response:
        """`{"asset", "amount"}`: money from outside, told as a balanceUpdate."""
        sent = msgspec.json.decode(await request.read())
        amount = to_units(str(sent["amount"]))
        self._context.exchange.deposit(int(sent.get("account", 1)), str(sent["asset"]), amount)
        return _json({})

    async def fees(self, request: web.Request) -> web.Response:
        """`{"in_bnb": true}`: fees are paid in BNB, at a quarter less, as far as the account has any."""
        sent = msgspec.json.decode(await request.read())
        account, payers = int(sent.get("account", 1)), self._context.exchange.fee_payers
        if sent["in_bnb"]:
            payers[account] = ("BNB", "BNBUSDT")
        else:
            payers.pop(account, None)
        return _json({})

    async def account(self, request: web.Request) -> web.Response:
        """Balances, all orders and all fills of an account, as the exchange has them."""
        exchange = self._context.exchange
        account = int(request.query.get("account", "1"))
        balances = {
            asset: {
                "free": spelled(exchange.ledger.balance(account, asset).free),
                "locked": spelled(exchange.ledger.balance(account, asset).locked),
            }
            for asset in exchange.ledger.assets(account)
        }
        orders, trades = [], []
        for symbol in exchange.markets:
            orders += [wire_account.order_status(order) for order in exchange.orders(account, symbol)]
            trades += [wire_account.my_trade(fill) for fill in exchange.executions(account, symbol)]
        open_orders = [wire_account.order_status(order) for order in exchange.open_orders(account)]
        return _json({"balances": balances, "orders": orders, "openOrders": open_orders, "trades": trades})


def _json(value: object, status: int = 200) -> web.Response:
    return web.Response(status=status, body=msgspec.json.encode(value), content_type="application/json")
