"""Secrets stay out of logs, exceptions and reprs."""

from __future__ import annotations

import copy
import logging
import pickle
import secrets

import msgspec
import pytest

from octopus_desktop.model.commands import SubmitOrder
from octopus_desktop.model.credentials import Credentials, Secret
from octopus_desktop.model.events import OrderInitiated
from octopus_desktop.net.bad_messages import BadMessages
from octopus_desktop.redaction import protect, redact
from tests.unit.engine.scripted import buy


@pytest.mark.parametrize(
    "text",
    [
        "GET /api/v3/order?symbol=A&signature=deadbeef99&timestamp=1",
        '{"method":"order.place","params":{"apiKey":"deadbeef99","signature":"x"}}',
        "{'listenKey': 'deadbeef99'}",
        "X-MBX-APIKEY: deadbeef99",
        "ws://127.0.0.1/ws/deadbeef99deadbeef99deadbeef99deadbeef99deadbeef99deadbeef99",
    ],
)
def test_a_text_loses_its_secrets(text: str) -> None:
    """Queries, JSON, headers and addresses alike."""
    assert "deadbeef99" not in redact(text)


def test_the_name_of_a_keypress_is_no_secret() -> None:
    """One keypress, one order: the audit and the log can show it, in an order as it was sent and nowhere else."""
    token = secrets.token_hex(8)
    intent = buy(token=token)
    for order in (intent, SubmitOrder(intent), OrderInitiated(intent.client_order_id, 1, intent)):
        assert token in redact(msgspec.json.encode(order).decode())
        assert token in redact(repr(order))


@pytest.mark.parametrize(
    "text",
    [
        '{"token":"SECRET"}',
        '{"client_order_id":"od-1","token":"SECRET"}',
        '{"reduce_only":false,"api_token":"SECRET"}',
        '{"reduce_only":false,"token":"SECRETSECRET"}',
        '{"reduce_only":false,"token":"SECRET.x"}',
        '{"reduce_only":false,"listenKey":"SECRET"}',
        '{"reduce_only":false,"secret":"SECRET"}',
        "reduce_only=False&token=SECRET",
        "reduce_only=False, token=SECRET",
        "token: SECRET",
        "token='SECRET'",
    ],
)
def test_any_other_token_is_one(text: str) -> None:
    """Of the same length, beside the same field, under a longer name: hidden."""
    assert "0123456789abcdef" not in redact(text.replace("SECRET", "0123456789abcdef"))


def test_a_protected_secret_is_hidden_wherever_it_stands() -> None:
    """Even where a keypress would be named."""
    protect("fedcba9876543210")
    assert "fedcba9876543210" not in redact(repr(buy(token="fedcba9876543210")))


def test_an_ordinary_text_stays() -> None:
    """The rest of a message is there to be read."""
    text = "GET /api/v3/order?symbol=BTCUSDT&timestamp=1: no answer"
    assert redact(text) == text


def test_a_secret_is_nowhere_to_be_read() -> None:
    """Printing, formatting, copying, pickling and encoding a key give nothing away."""
    secret = Secret("hunter22")
    credentials = Credentials("abcdefgh", secret)
    for text in (repr(secret), str(secret), f"{secret}", repr(credentials), str(credentials), f"{credentials}"):
        assert "hunter22" not in text
        assert "abcdefgh" not in text
    for thing in (secret, credentials):
        for attempt in (pickle.dumps, copy.copy, copy.deepcopy, msgspec.json.encode):
            with pytest.raises(TypeError):
                attempt(thing)
    assert secret.reveal() == "hunter22"


def test_bad_messages_are_told_once_of_a_kind(caplog: pytest.LogCaptureFixture) -> None:
    """A thousand bad frames are one line in the log, cut to 500 characters, and a thousand in the count."""
    bad = BadMessages("TEST")
    with caplog.at_level(logging.WARNING):
        for _ in range(1000):
            bad.note("trade: not JSON", b"x" * 5000, "broken")
        bad.note("depth: not JSON", '{"signature":"deadbeef99"}', ValueError("signature=deadbeef99"))
    assert bad.count == 1001
    assert len(caplog.records) == 2
    assert caplog.records[0].getMessage().count("x") <= 500 + 5
    assert "deadbeef99" not in caplog.text


def test_what_is_redacted_stays_as_it_is() -> None:
    """A text that goes through twice, as a crash report's log lines do, reads the same."""
    once = redact("GET /order?signature=abcdef&apiKey=short secret: xyz")
    assert redact(once) == once
