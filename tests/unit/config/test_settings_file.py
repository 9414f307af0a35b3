"""`settings.toml`: what is understood, what is refused, and what is kept."""

from __future__ import annotations

import stat
import sys
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from octopus_desktop.config.documents import SettingsError
from octopus_desktop.config.settings import RiskSettings, Settings, load_settings, save_settings
from octopus_desktop.model.identifiers import InstrumentId
from octopus_desktop.model.limits import RiskLimits


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "config" / "settings.toml"


def written(path: Path, text: str) -> Path:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_no_file_is_the_defaults(path: Path) -> None:
    """The first start needs no file, and makes none."""
    assert load_settings(path) == Settings()
    assert Settings().risk.limits() == RiskLimits()
    assert not path.exists()


def test_what_is_set_counts(path: Path) -> None:
    """A limit written with a point is exactly that number."""
    text = 'theme = "light"\ntime_zone = "local"\nwatchlist = ["BTCUSDT"]\n'
    text += '[risk]\nmax_touch_distance = 0.015\nallowed = ["A"]'
    settings = load_settings(written(path, text))
    assert settings.theme == "light"
    assert settings.time_zone == "local"
    assert settings.watchlist == ("BTCUSDT",)
    assert settings.risk.limits().max_touch_distance == Decimal("0.015")
    assert settings.risk.limits().allowed == frozenset({InstrumentId("A")})


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('theme = "drak"', ('theme = "drak"', '"dark", "light"', 'Did you mean "dark"?')),
        ("theme = 3", ("theme = 3", '"dark", "light"')),
        ('time_zone = "utd"', ('time_zone = "utd"', '"utc", "local"', 'Did you mean "utc"?')),
        ("instrument = 1.5", ("instrument = 1.5", "a text")),
        ('colour_blind = "yes"', ('colour_blind = "yes"', "true or false")),
        ('watchlist = "BTCUSDT"', ("watchlist", "a list")),
        ("risk = 1", ("[risk]",)),
        ("[risk]\nmax_open_orders = 0", ("risk.max_open_orders = 0", ">= 1")),
        ("[risk]\nmax_order_notional = -5", ("risk.max_order_notional", "above zero")),
        ("[risk]\nmax_order_notional = nan", ("risk.max_order_notional", "above zero")),
        ('[risk]\nmax_order_notional = "a lot"', ("risk.max_order_notional", "expected a number")),
        ("theme = \ncolour_blind = true", ("not TOML", "line 1")),
    ],
)
def test_a_value_that_cannot_be_is_refused(path: Path, text: str, words: tuple[str, ...]) -> None:
    """A limit that was mistyped must not silently be another one: the message names file, key and what is allowed."""
    with pytest.raises(SettingsError) as told:
        load_settings(written(path, text))
    for word in (str(path), *words):
        assert word in str(told.value)


def test_a_file_in_another_encoding_is_named(path: Path) -> None:
    """A file saved by an old editor is named, and how to save it."""
    path.parent.mkdir()
    path.write_bytes('theme = "d\xe4rk"'.encode("latin-1"))
    with pytest.raises(SettingsError, match="UTF-8"):
        load_settings(path)


def test_an_unknown_key_is_told_and_kept(path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """A key of a newer version, or a typing error, is named with the near one, and survives a change made here."""
    text = 'thme = "light"\n[risk]\nmax_open_order = 3\nmax_open_orders = 7\n[later]\ndepth = 5'
    settings = load_settings(written(path, text))
    assert settings == Settings(risk=RiskSettings(max_open_orders=7))
    assert 'thme is not known and is ignored. Did you mean "theme"?' in caplog.text
    assert 'risk.max_open_order is not known and is ignored. Did you mean "max_open_orders"?' in caplog.text
    save_settings(path, msgspec.structs.replace(settings, colour_blind=True))
    kept = path.read_text()
    for part in ('thme = "light"', "max_open_order = 3", "[later]", "depth = 5", "colour_blind = true"):
        assert part in kept


def test_what_was_saved_is_loaded(path: Path) -> None:
    """A setting changed in the window is there at the next start, money to the last digit."""
    changed = Settings(
        theme="light",
        colour_blind=True,
        time_zone="local",
        watchlist=("A", "B"),
        instrument="B",
        risk=RiskSettings(
            max_order_notional=Decimal("1234.567890123456789"), allowed=frozenset({InstrumentId("X.SIM")})
        ),
    )
    save_settings(path, changed)
    assert load_settings(path) == changed
    save_settings(path, Settings())
    assert load_settings(path) == Settings()
    assert path.read_text().strip() == "", "what equals the defaults is not written down"


def test_saving_is_all_or_nothing(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A disk that fills up while settings are saved leaves the old ones."""
    save_settings(path, Settings(theme="light"))

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(SettingsError, match="No space left"):
        save_settings(path, Settings(theme="dark", colour_blind=True))
    assert load_settings(path) == Settings(theme="light")
    assert [part.name for part in path.parent.iterdir()] == ["settings.toml"]


@pytest.mark.skipif(sys.platform == "win32", reason="links need a right on Windows")
def test_a_link_stays_a_link(path: Path, tmp_path: Path) -> None:
    """Settings kept in a folder of dot files are changed there."""
    elsewhere = written(tmp_path / "dotfiles" / "octopus.toml", 'theme = "light"')
    path.parent.mkdir()
    path.symlink_to(elsewhere)
    save_settings(path, Settings(colour_blind=True))
    assert path.is_symlink()
    assert "colour_blind = true" in elsewhere.read_text()


@pytest.mark.skipif(sys.platform == "win32", reason="Windows has no file modes")
def test_the_file_is_the_traders_alone(path: Path) -> None:
    """Other users of the machine can't read what a trader set."""
    save_settings(path, Settings(theme="light"))
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
