"""The REST half of the dialect: one handler in front of the table of endpoints."""

from __future__ import annotations

import asyncio
import logging
from typing import Any
from urllib.parse import parse_qsl

import msgspec
from aiohttp import web

from octopus_desktop.simulator import endpoints_account, endpoints_lists, endpoints_market
from octopus_desktop.simulator.auth import KeyRing, check_time
from octopus_desktop.simulator.endpoints import Context, Endpoint, Security
from octopus_desktop.simulator.endpoints_account import ReplaceFailed
from octopus_desktop.simulator.errors import Refusal, TooManyRequests, missing
from octopus_desktop.simulator.faults import Faults, HttpFault
from octopus_desktop.simulator.params import Params
from octopus_desktop.simulator.user_streams import UserStreams

log = logging.getLogger(__name__)

TABLE: dict[tuple[str, str], Endpoint] = {
    endpoint.rest: endpoint
    for endpoint in (*endpoints_market.ENDPOINTS, *endpoints_account.ENDPOINTS, *endpoints_lists.ENDPOINTS)
    if endpoint.rest is not None
}
_LISTEN_KEY_PATH = "/api/v3/userDataStream"
_FAULT_WORDS = {
    429: (-1003, "Too many requests; please use WebSocket Streams."),
    418: (-1003, "Way too many requests; IP banned. Please use WebSocket Streams."),
    503: (-1007, "Timeout waiting for response from backend server. Send status unknown; execution status unknown."),
}


class Rest:
    """Answers every path of the table."""

    def __init__(self, context: Context, keys: KeyRing, users: UserStreams, faults: Faults, *, real_time: bool) -> None:
        self._context = context
        self._keys = keys
        self._users = users
        self._faults = faults
        self._real_time = real_time

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request from its bytes to its answer."""
        path, method = request.path, request.method
        if self._faults.plan.refuse:
            if request.transport is not None:
                request.transport.abort()
            return web.Response(status=503)
        if self._faults.plan.delay_ms:
            await asyncio.sleep(self._faults.plan.delay_ms / 1000)
        fault = self._faults.http_fault(path, method)
        if fault is not None and not fault.done:
            return _faulty(fault)
        body = await request.read()
        headers: dict[str, str] = {}
        try:
            status, answer = 200, self._answer(request, body, headers)
        except TooManyRequests as refusal:
            headers["Retry-After"] = str(refusal.retry_after_s)
            status, answer = refusal.status, _refused(refusal)
        except Refusal as refusal:
            status, answer = refusal.status, _refused(refusal)
        except Exception:
            log.exception("request failed: %s %s", method, path)
            status, answer = 500, {"code": -1000, "msg": "An unknown error occurred while processing the request."}
        if self._faults.swallows(path, method):
            while request.transport is not None:  # noqa: ASYNC110 - until the caller gives up; nobody tells us
                await asyncio.sleep(0.1)
        if fault is not None:
            return _faulty(fault)
        payload = answer if isinstance(answer, bytes) else msgspec.json.encode(answer)
        return web.Response(status=status, body=payload, content_type="application/json", headers=headers)

    def _answer(self, request: web.Request, body: bytes, headers: dict[str, str]) -> Any:
        path, method, context = request.path, request.method, self._context
        query = request.rel_url.raw_query_string
        text = body.decode("utf-8", "replace")
        pairs = parse_qsl(query, keep_blank_values=True) + parse_qsl(text, keep_blank_values=True)
        params = Params(dict(pairs))
        if path == _LISTEN_KEY_PATH:
            return self._listen_key(request, params)
        endpoint = TABLE.get((method, path))
        if endpoint is None:
            raise Refusal(-1000, f"There is no {method} {path} on this exchange.", 404)
        now_s = context.wall_s()
        weight = endpoint.weight(params)
        try:
            context.limits.spend(now_s, weight)
        finally:
            headers["X-MBX-USED-WEIGHT"] = headers["X-MBX-USED-WEIGHT-1M"] = str(context.limits.weight.used(now_s))
        account = 0
        if endpoint.security is Security.SIGNED:
            account = self._signed(request, query, text, params)
        if endpoint.takes is not None:
            params.check_names(endpoint.takes)
        if endpoint.counts_as_order:
            orders = context.orders_of(account)
            try:
                orders.count(now_s)
            finally:
                headers["X-MBX-ORDER-COUNT-10S"] = str(orders.short.used(now_s))
                headers["X-MBX-ORDER-COUNT-1D"] = str(orders.long.used(now_s))
        return endpoint.handler(context, account, params)

    def _signed(self, request: web.Request, query: str, body: str, params: Params) -> int:
        """The account that signed exactly these bytes: the query as sent, then the body as sent."""
        signer = self._keys.signer(request.headers.get("X-MBX-APIKEY"))
        signature = params.optional("signature")
        if not signature:
            raise missing("signature")
        payload = "&".join(p for p in query.split("&") if p and not p.startswith("signature="))
        payload += "&".join(p for p in body.split("&") if p and not p.startswith("signature="))
        check_time(
            params.optional("timestamp"),
            params.optional("recvWindow"),
            self._context.now_ms(),
            real_time=self._real_time,
        )
        self._keys.check(signer, payload.encode(), signature)
        return signer.account

    def _listen_key(self, request: web.Request, params: Params) -> Any:
        account = self._keys.signer(request.headers.get("X-MBX-APIKEY")).account
        now_s = self._context.wall_s()
        self._context.limits.spend(now_s, 2)
        if request.method == "POST":
            return {"listenKey": self._users.new_key(account, now_s)}
        key = params.text("listenKey")
        done = self._users.extend(key, now_s) if request.method == "PUT" else self._users.forget(key)
        if not done:
            raise Refusal(-1125, "This listenKey does not exist.")
        return {}


def _refused(refusal: Refusal) -> dict[str, Any]:
    answer: dict[str, Any] = {"code": refusal.code, "msg": refusal.message}
    if isinstance(refusal, ReplaceFailed):
        answer["data"] = refusal.data
    return answer


def _faulty(fault: HttpFault) -> web.Response:
    code, words = _FAULT_WORDS.get(fault.status, (-1000, "Internal error; unable to process your request."))
    headers = {"Retry-After": str(fault.retry_after_s)} if fault.status in (418, 429, 503) else {}
    return web.Response(
        status=fault.status,
        body=msgspec.json.encode({"code": code, "msg": words}),
        content_type="application/json",
        headers=headers,
    )
