"""The WebSocket API: the same table over a session that may log on once and then needs no signatures."""

from __future__ import annotations

import asyncio
import logging
from typing import Any

import msgspec

from octopus_desktop.simulator import endpoints_account, endpoints_lists, endpoints_market
from octopus_desktop.simulator.auth import KeyRing, Signer, check_time
from octopus_desktop.simulator.connection import Connection
from octopus_desktop.simulator.endpoints import Context, Endpoint, Security
from octopus_desktop.simulator.endpoints_account import ReplaceFailed
from octopus_desktop.simulator.errors import Refusal, TooManyRequests, missing
from octopus_desktop.simulator.faults import Faults, HttpFault
from octopus_desktop.simulator.params import Params
from octopus_desktop.simulator.user_streams import Sink, UserStreams

log = logging.getLogger(__name__)

TABLE: dict[str, Endpoint] = {
    endpoint.ws: endpoint
    for endpoint in (*endpoints_market.ENDPOINTS, *endpoints_account.ENDPOINTS, *endpoints_lists.ENDPOINTS)
    if endpoint.ws is not None
}


class WsApi:
    """What all sessions share."""

    def __init__(self, context: Context, keys: KeyRing, users: UserStreams, faults: Faults, *, real_time: bool) -> None:
        self.context = context
        self.keys = keys
        self.users = users
        self.faults = faults
        self.real_time = real_time


class Session:
    """One connection to the WebSocket API."""

    def __init__(self, api: WsApi, connection: Connection) -> None:
        self._api = api
        self._connection = connection
        self._api_key = ""
        self._signer: Signer | None = None
        self._since_ms = 0
        self._connected_ms = api.context.now_ms()
        self._subscriptions: dict[int, tuple[int, Sink]] = {}
        self._next_subscription = 0

    def close(self) -> None:
        for account, sink in self._subscriptions.values():
            self._api.users.leave(account, sink)
        self._subscriptions.clear()

    async def handle(self, frame: str) -> None:
        """Answer one request."""
        api, identifier = self._api, None
        if api.faults.plan.delay_ms:
            await asyncio.sleep(api.faults.plan.delay_ms / 1000)
        try:
            try:
                request = msgspec.json.decode(frame)
                identifier = request["id"]
                method = request["method"]
                sent = request.get("params") or {}
            except (msgspec.DecodeError, KeyError, TypeError, AttributeError) as error:
                raise Refusal(-1135, "Invalid JSON request; it needs id, method and params.") from error
            fault = api.faults.http_fault(method, "WS")
            if fault is not None and not fault.done:
                raise _faulty(fault)
            status, body = 200, {"result": self._answer(method, sent)}
            if fault is not None:
                raise _faulty(fault)
            if api.faults.swallows(method, "WS"):
                return
        except ReplaceFailed as refusal:
            status = refusal.status
            body = {"error": {"code": refusal.code, "msg": refusal.message, "data": refusal.data}}
        except TooManyRequests as refusal:
            status = refusal.status
            until = int((api.context.wall_s() + refusal.retry_after_s) * 1000)
            data = {"serverTime": api.context.now_ms(), "retryAfter": until}
            body = {"error": {"code": refusal.code, "msg": refusal.message, "data": data}}
        except Refusal as refusal:
            status = refusal.status
            body = {"error": {"code": refusal.code, "msg": refusal.message}}
        except Exception:
            log.exception("request failed: %.500s", frame)
            status, body = 500, {"error": {"code": -1000, "msg": "An unknown error occurred."}}
        answer = {"id": identifier, "status": status, **body, "rateLimits": self._rate_limits()}
        self._connection.send(msgspec.json.encode(answer), "answer")

    def _rate_limits(self) -> list[dict[str, Any]]:
        context = self._api.context
        now_s = context.wall_s()
        rows = [
            {
                "rateLimitType": "REQUEST_WEIGHT",
                "interval": "MINUTE",
                "intervalNum": 1,
                "limit": context.limits.weight.limit,
                "count": context.limits.weight.used(now_s),
            }
        ]
        if self._signer is not None:
            rows = context.orders_of(self._signer.account).report(now_s) + rows
        return rows

    def _answer(self, method: str, sent: dict[str, Any]) -> Any:
        values = {name: _text(value) for name, value in sent.items() if value is not None}
        params, context = Params(values), self._api.context
        endpoint = TABLE.get(method)
        if endpoint is None:
            return self._session_method(method, values, params)
        now_s = context.wall_s()
        context.limits.spend(now_s, endpoint.weight(params))
        account = 0
        if endpoint.security is Security.SIGNED:
            account = self._signer_of(values, params).account
        if endpoint.counts_as_order:
            context.orders_of(account).count(now_s)
        answer = endpoint.handler(context, account, params)
        return msgspec.Raw(answer) if isinstance(answer, bytes) else answer

    def _signer_of(self, values: dict[str, str], params: Params) -> Signer:
        """Who asks: by a signature on the request, else by the session's log-on."""
        if "signature" not in params and "apiKey" not in params and self._signer is not None:
            if "timestamp" not in params:
                raise missing("timestamp")
            self._check_time(params)
            return self._signer
        return self._verified(values, params)

    def _verified(self, values: dict[str, str], params: Params) -> Signer:
        api = self._api
        signer = api.keys.signer(params.text("apiKey"))
        self._check_time(params)
        payload = "&".join(f"{name}={values[name]}" for name in sorted(values) if name != "signature")
        api.keys.check(signer, payload.encode(), params.optional("signature"))
        return signer

    def _check_time(self, params: Params) -> None:
        api = self._api
        check_time(
            params.optional("timestamp"),
            params.optional("recvWindow"),
            api.context.now_ms(),
            real_time=api.real_time,
        )

    # ── the session itself ───────────────────────────────────────────────────────────────────────────────

    def _session_method(self, method: str, values: dict[str, str], params: Params) -> Any:
        context = self._api.context
        context.limits.spend(context.wall_s(), 2)
        if method == "session.logon":
            signer = self._verified(values, params)
            if not signer.may_log_on:
                raise Refusal(-4056, "HMAC_SHA256 API key is not supported.", 401)
            self._signer, self._api_key = signer, params.text("apiKey")
            self._since_ms = context.now_ms()
            return self._status()
        if method == "session.status":
            return self._status()
        if method == "session.logout":
            self._signer, self._api_key = None, ""
            return self._status()
        if method == "userDataStream.subscribe":
            if self._signer is None:
                raise Refusal(-2015, "Invalid API-key, IP, or permissions for action.", 401)
            return self._subscribe(self._signer.account)
        if method == "userDataStream.subscribe.signature":
            return self._subscribe(self._verified(values, params).account)
        if method == "userDataStream.unsubscribe":
            chosen = params.optional_integer("subscriptionId")
            for number in list(self._subscriptions) if chosen is None else [chosen]:
                account, sink = self._subscriptions.pop(number, (0, None))
                if sink is not None:
                    self._api.users.leave(account, sink)
            return {}
        if method == "session.subscriptions":
            return [{"subscriptionId": number} for number in self._subscriptions]
        if method in ("userDataStream.start", "userDataStream.ping", "userDataStream.stop"):
            return self._listen_key(method, params)
        raise Refusal(-1000, f"Unknown method: {method}")

    def _listen_key(self, method: str, params: Params) -> Any:
        account = self._api.keys.signer(params.text("apiKey")).account
        now_s = self._api.context.wall_s()
        if method.endswith("start"):
            return {"listenKey": self._api.users.new_key(account, now_s)}
        key = params.text("listenKey")
        users = self._api.users
        if not (users.extend(key, now_s) if method.endswith("ping") else users.forget(key)):
            raise Refusal(-1125, "This listenKey does not exist.")
        return {}

    def _status(self) -> dict[str, Any]:
        context = self._api.context
        return {
            "apiKey": self._api_key or None,
            "authorizedSince": self._since_ms if self._signer else None,
            "connectedSince": self._connected_ms,
            "returnRateLimits": True,
            "serverTime": context.now_ms(),
            "userDataStream": bool(self._subscriptions),
        }

    def _subscribe(self, account: int) -> dict[str, Any]:
        number = self._next_subscription
        self._next_subscription += 1
        head = f'{{"subscriptionId":{number},"event":'.encode()

        def sink(event: bytes) -> None:
            self._connection.send(head + event + b"}", "user")

        self._subscriptions[number] = (account, sink)
        self._api.users.listen(account, sink)
        return {"subscriptionId": number}


def _faulty(fault: HttpFault) -> Refusal:
    if fault.status in (418, 429):
        return TooManyRequests(-1003, "Too many requests.", fault.status, fault.retry_after_s)
    words = "Timeout waiting for response from backend server. Send status unknown; execution status unknown."
    return Refusal(-1007, words, fault.status)


def _text(value: Any) -> str:
    """A parameter as it is signed: JSON's own spelling without its quotes."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (list, dict)):
        return msgspec.json.encode(value).decode()
    return str(value)
