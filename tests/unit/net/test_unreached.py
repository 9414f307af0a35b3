"""A host that cannot be reached, in words for the trader; the technical ones are in the log."""

from __future__ import annotations

import asyncio
import errno
import logging
import socket
import ssl

import pytest

from octopus_desktop.model.errors import LinkError, sentence
from octopus_desktop.net.http import HttpSession
from octopus_desktop.net.unreached import why


def of(error: Exception, cause: Exception) -> Exception:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (ConnectionRefusedError(111, "Connect call failed ('127.0.0.1', 1)"), "nothing takes connections there"),
        (ConnectionResetError(104, "reset"), "the connection broke"),
        (of(OSError(None, "resolver"), socket.gaierror(-2, "unknown")), "its name is not known"),
        (OSError(errno.ENETUNREACH, "unreachable"), "there is no way to it"),
        (of(ValueError("handshake"), ssl.SSLError("bad")), "does not prove"),
        (OSError("Multiple exceptions: a, b"), "no connection can be made"),
    ],
)
def test_why_is_said_plainly(error: Exception, words: str) -> None:
    """The system's words and numbers are not the trader's."""
    assert words in why(error)
    assert "111" not in why(error)


async def test_a_venue_that_is_down_is_told_in_plain_words(caplog: pytest.LogCaptureFixture) -> None:
    """Nothing listens: the error is a sentence for the screen, and aiohttp's words are in the log, once."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    session = HttpSession(f"http://127.0.0.1:{port}")
    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            with pytest.raises(LinkError) as failed:
                await session.request("GET", "/api/v3/openOrders", "signature=secret")
    await session.close()
    assert str(failed.value) == "127.0.0.1 cannot be reached: nothing takes connections there."
    assert caplog.text.count("GET /api/v3/openOrders: ClientConnectorError") == 1
    assert "secret" not in caplog.text


async def test_a_venue_that_hangs_up_is_told_in_plain_words() -> None:
    """It takes the connection and breaks it: a whole sentence, with its full stop."""

    async def hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.close()

    server = await asyncio.start_server(hang_up, "127.0.0.1", 0)
    session = HttpSession(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}")
    with pytest.raises(LinkError) as failed:
        await session.request("GET", "/api/v3/time")
    await session.close()
    server.close()
    assert str(failed.value) == "127.0.0.1 cannot be reached: the connection broke."


def test_a_sentence_ends_once() -> None:
    """What is put behind an error's words is not run into them."""
    assert [sentence(text) for text in ("No line", "No line.", "Is it up?", "")] == [
        "No line.",
        "No line.",
        "Is it up?",
        "",
    ]
