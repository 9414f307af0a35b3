"""`settings.toml`: what is understood, what is refused, and what is kept."""

from __future__ import annotations

import stat
import sys
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from octopus_desktop.config.documents import SettingsError
from octopus_desktop.config.settings import Settings, load_settings, save_settings
from octopus_desktop.model.identifiers import InstrumentId
from octopus_desktop.model.limits import Hours, InstrumentLimits, RiskLimits


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
    assert Settings().risk == RiskLimits()
    assert not path.exists()


def test_what_is_set_counts(path: Path) -> None:
    """A limit written with a point is exactly that number."""
    text = 'theme = "light"\ntime_zone = "local"\nwatchlist = ["BTCUSDT"]\n'
    text += '[risk]\nmax_touch_distance = 0.015\nallowed = ["A.SIM"]'
    settings = load_settings(written(path, text))
    assert settings.theme == "light"
    assert settings.time_zone == "local"
    assert settings.watchlist == ("BTCUSDT",)
    assert settings.risk.max_touch_distance == Decimal("0.015")
    assert settings.risk.allowed == frozenset({InstrumentId("A.SIM")})


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
        ("[risk]\nmax_open_orders = 0", ("risk.max_open_orders is 0", "1 or more")),
        ("[risk]\nmax_order_notional = -5", ("risk.max_order_notional is -5", "zero or more")),
        ("[risk]\nmax_order_notional = nan", ("risk.max_order_notional is NaN", "zero or more")),
        ("[risk]\nmax_daily_loss = inf", ("risk.max_daily_loss is Infinity", "zero or more")),
        ("[risk]\nlosses_before_cooldown = 2.5", ("risk.losses_before_cooldown = 2.5", "expected a whole number")),
        ("[risk]\nlosses_before_cooldown = 0", ("risk.losses_before_cooldown is 0", "1 or more")),
        ("[risk]\ncooldown_s = -1", ("risk.cooldown_s is -1", "zero or more")),
        ('[risk]\nmax_drawdown = "much"', ('risk.max_drawdown = "much"', "expected a number")),
        ('[risk]\nmax_open_orders = "none"', ('risk.max_open_orders = "none"', "expected a whole number")),
        ('[risk]\ncurrency = ""', ("risk.currency is missing", "USDT")),
        ('[risk]\nallowed = ["BTCUSDT"]', ("risk.allowed", "BTCUSDT with its venue", '"BTCUSDT.BINANCE"')),
        ('[risk]\nhours = "all day"', ('risk.hours = "all day"', "type 08:00 - 20:30, in UTC")),
        ('[risk]\nhours = "20:00 - 25:00"', ("risk.hours", "24 hours of 60 minutes")),
        ('[risk]\nhours = "08:00 - 08:00"', ("risk.hours", "00:00 - 24:00 for the whole day")),
        ("[risk]\nhours = 8", ("risk.hours = 8", "a text")),
        ("[risk]\ninstruments = 3", ("risk.instruments", '[risk.instruments."BTCUSDT.BINANCE"]')),
        ("[risk.instruments.BTCUSDT.SIM]\nmax_position = 1", ("BTCUSDT with its venue and in quotes",)),
        ('[risk.instruments]\n"BTCUSDT.SIM" = 3', ("[risk.instruments.BTCUSDT.SIM]",)),
        (
            '[risk.instruments."BTCUSDT.SIM"]\nmax_position = -1',
            ("risk.instruments.BTCUSDT.SIM.max_position is -1", "zero or more"),
        ),
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


def test_every_limit_can_be_written_down(path: Path) -> None:
    """Each limit that the window knows has its line in the file, with every instrument's own."""
    text = """
[risk]
max_order_notional = 1000
max_touch_distance = 0.01
max_orders_per_second = 2
max_open_orders = 20
allowed = ["BTCUSDT.SIM"]
max_resting_distance = 0.5
max_orders_per_minute = 30
max_position_notional = 2000
max_total_notional = 5000.5
max_asset_notional = 2500
max_daily_loss = 100
max_drawdown = 150
max_size_multiple = "none"
losses_before_cooldown = 3
cooldown_s = 600
hours = "08:00 - 20:30"
currency = "USDC"

[risk.instruments."BTCUSDT.SIM"]
max_position = 0.5
max_position_notional = 1500
max_order_notional = 700
"""
    limits = load_settings(written(path, text)).risk
    own = InstrumentLimits(Decimal("0.5"), Decimal(1500), Decimal(700))
    assert limits == RiskLimits(
        max_order_notional=Decimal(1000),
        max_touch_distance=Decimal("0.01"),
        max_orders_per_second=2,
        max_open_orders=20,
        allowed=frozenset({InstrumentId("BTCUSDT.SIM")}),
        max_resting_distance=Decimal("0.5"),
        max_orders_per_minute=30,
        max_position_notional=Decimal(2000),
        max_total_notional=Decimal("5000.5"),
        max_asset_notional=Decimal(2500),
        max_daily_loss=Decimal(100),
        max_drawdown=Decimal(150),
        max_size_multiple=None,
        losses_before_cooldown=3,
        cooldown_s=600,
        hours=Hours(480, 1230),
        instruments={InstrumentId("BTCUSDT.SIM"): own},
        currency="USDC",
    )
    unwritten = {name for name in RiskLimits.__struct_fields__ if f"{name} =" not in text} - {"instruments"}
    assert not unwritten


def test_every_limit_is_in_the_documentation() -> None:
    """What can be set is told where one looks for it."""
    page = (Path(__file__).parents[3] / "docs" / "order-safety.md").read_text(encoding="utf-8")
    missing = [
        name for kind in (RiskLimits, InstrumentLimits) for name in kind.__struct_fields__ if f"`{name}`" not in page
    ]
    assert not missing


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
    assert settings == Settings(risk=RiskLimits(max_open_orders=7))
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
        risk=RiskLimits(
            max_order_notional=Decimal("1234.567890123456789"),
            allowed=frozenset({InstrumentId("X.SIM")}),
            max_size_multiple=None,
            hours=Hours(22 * 60 + 5, 24 * 60),
            instruments={
                InstrumentId("X.SIM"): InstrumentLimits(max_position=Decimal("0.00000001")),
                InstrumentId("A.B.SIM"): InstrumentLimits(Decimal(1), Decimal(2), Decimal(3)),
            },
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
