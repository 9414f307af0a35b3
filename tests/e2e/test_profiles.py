"""Adding a profile from the command line, its key checked by an exchange that is really there."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest

from octopus_desktop import cli
from octopus_desktop.config import profiles, secrets
from octopus_desktop.model.profile import VenueUrls
from tests.simulator_process import simulator


class MemoryKeyring:
    """A system keyring that forgets with the test."""

    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}

    def get_password(self, service: str, username: str) -> str | None:
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        del self.kept[service, username]


@pytest.fixture(scope="module")
def exchange() -> Iterator[dict[str, Any]]:
    with simulator() as ready:
        yield ready


@pytest.fixture
def keyring(exchange: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> MemoryKeyring:
    keyring = MemoryKeyring()
    monkeypatch.setattr(secrets, "safe_keyring", lambda: keyring)
    urls = VenueUrls(exchange["rest"], exchange["ws"], exchange["ws_api"])
    here = msgspec.structs.replace(profiles.PRESETS["binance"], urls=urls)
    monkeypatch.setitem(profiles.PRESETS, "binance", here)
    return keyring


def add(monkeypatch: pytest.MonkeyPatch, folder: Path, *typed: str, venue: str = "binance") -> int:
    answers = iter(typed)
    monkeypatch.setattr("getpass.getpass", lambda prompt: next(answers))
    return cli.main(["profile", "add", "mine", "--venue", venue, "--data-dir", str(folder)])


def test_a_key_that_may_trade_is_kept_in_the_keyring_only(
    exchange: dict[str, Any],
    keyring: MemoryKeyring,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """The exchange is asked what the key may do; afterwards the profile is listed, and no file holds the secret."""
    assert add(monkeypatch, tmp_path, exchange["api_key"], exchange["api_secret"]) == 0
    assert len(keyring.kept) == 1
    assert cli.main(["profile", "list", "--data-dir", str(tmp_path)]) == 0
    said = capsys.readouterr()
    assert "mine" in said.out
    assert "LIVE" in said.out
    assert exchange["api_secret"] not in said.out + said.err
    for file in tmp_path.rglob("*"):
        assert not file.is_file() or exchange["api_secret"] not in file.read_text()
    assert cli.main(["profile", "remove", "mine", "--data-dir", str(tmp_path)]) == 0
    assert not keyring.kept
    assert "and its key" in capsys.readouterr().out


def test_a_key_that_cannot_be_reached_is_not_said_to_be_gone(
    exchange: dict[str, Any],
    keyring: MemoryKeyring,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """Removed over ssh, where there is no keyring: the trader reads that the key is still in the one at home."""
    assert add(monkeypatch, tmp_path, exchange["api_key"], exchange["api_secret"]) == 0
    monkeypatch.setattr(secrets, "safe_keyring", lambda: None)
    capsys.readouterr()
    assert cli.main(["profile", "remove", "mine", "--data-dir", str(tmp_path)]) == 0
    said = capsys.readouterr().out
    assert "and its key" not in said
    assert "still there" in said


def test_a_wrong_secret_is_refused(
    exchange: dict[str, Any],
    keyring: MemoryKeyring,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
) -> None:
    """A mistyped secret leaves neither a profile nor a key behind, and the trader reads the venue's reason."""
    assert add(monkeypatch, tmp_path, exchange["api_key"], "x" * 64) == 1
    assert not keyring.kept
    assert "ignature" in capsys.readouterr().err
    cli.main(["profile", "list", "--data-dir", str(tmp_path)])
    assert "mine" not in capsys.readouterr().out


def test_market_data_needs_no_key(
    keyring: MemoryKeyring, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A futures profile has no order entry yet, so nothing secret is asked for."""
    assert add(monkeypatch, tmp_path, venue="binance-usdm") == 0
    assert "market data only" in capsys.readouterr().out
    assert not keyring.kept


@pytest.mark.parametrize("words", [["run", "--size", "huge"], ["profile"], ["nonsense"]])
def test_words_that_are_off_end_with_two(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """A mistyped command says what it takes instead of opening something else."""
    with pytest.raises(SystemExit) as ended:
        cli.main(words)
    assert ended.value.code == 2
    assert "usage" in capsys.readouterr().err


def test_an_unknown_profile_is_said(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Opening a profile that is not there ends with a sentence, before any window."""
    assert cli.main(["run", "--profile", "dmeo", "--data-dir", str(tmp_path)]) == 1
    assert "demo" in capsys.readouterr().err
