"""Profiles: whom a session talks to."""

from __future__ import annotations

from pathlib import Path

import msgspec
import pytest

from octopus_desktop.config.paths import folders
from octopus_desktop.config.profiles import DEMO, PAPER, PRESETS, ProfileBook, check_name, preset
from octopus_desktop.model.errors import ProfileError
from octopus_desktop.model.profile import Mode, Profile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "profiles.toml"


def mine(name: str = "mine", venue: str = "binance") -> Profile:
    return msgspec.structs.replace(preset(venue), name=name)


def test_demo_is_always_there(path: Path) -> None:
    """A first start has the embedded exchange, to trade on and to paper-trade on, and nothing else."""
    assert ProfileBook(path).all() == [DEMO, PAPER]
    assert DEMO.urls is None
    assert DEMO.mode is Mode.DEMO


def test_a_profile_is_kept_whole(path: Path) -> None:
    """What was added is there at the next start, with the venue's addresses."""
    for name, venue in (("zulu", "binance"), ("alpha", "binance-usdm")):
        ProfileBook(path).add(mine(name, venue))
    assert ProfileBook(path).all() == [DEMO, PAPER, mine("alpha", "binance-usdm"), mine("zulu")]
    assert ProfileBook(path).get("zulu") == mine("zulu")


def test_every_preset_is_live(path: Path) -> None:
    """Real money is never under a DEMO badge."""
    for found in PRESETS.values():
        assert found.mode is Mode.LIVE
        assert found.urls is not None
        assert found.urls.rest.startswith("https://")
        assert found.urls.stream.startswith("wss://")
        assert found.urls.ws_api.startswith("wss://")
        assert not any(url.endswith("/") for url in msgspec.structs.astuple(found.urls))


def test_removing_leaves_the_others(path: Path) -> None:
    """Removing one profile leaves the rest, and what else is in the file."""
    book = ProfileBook(path)
    book.add(mine("one"))
    book.add(mine("two"))
    path.write_text(path.read_text() + "\n[later]\nkey = 1\n")
    assert book.remove("one") == mine("one")
    assert book.all() == [DEMO, PAPER, mine("two")]
    assert "[later]" in path.read_text()


def test_a_name_is_taken_once(path: Path) -> None:
    """A second profile of one name would mix two accounts in one folder."""
    book = ProfileBook(path)
    book.add(mine())
    with pytest.raises(ProfileError, match="already"):
        book.add(mine("mine", "binance-usdm"))
    assert book.get("mine") == mine()


def test_a_mistyped_name_is_offered(path: Path) -> None:
    """`--profile mien` names the one that was meant and all there are."""
    book = ProfileBook(path)
    book.add(mine())
    with pytest.raises(ProfileError, match='Did you mean "mine"') as told:
        book.get("mien")
    assert "demo, paper, mine" in str(told.value)
    with pytest.raises(ProfileError, match='Did you mean "binance"'):
        preset("binanse")


def test_demo_stays(path: Path) -> None:
    """The built-in profile can neither be removed nor replaced."""
    book = ProfileBook(path)
    with pytest.raises(ProfileError, match="built in"):
        book.remove("demo")
    with pytest.raises(ProfileError, match="built-in"):
        book.add(mine("demo"))


@pytest.mark.parametrize("name", ["a", "0", "my-account_2", "x" * 32])
def test_names_that_can_be(name: str) -> None:
    """A profile's name is a folder's name on every system."""
    check_name(name)


@pytest.mark.parametrize(
    "name", ["", "A", "-a", "_a", "x" * 33, "a b", "a/b", "..", "ü", "con", "com1", "nul", "a\n", "a.b"]
)
def test_names_that_cannot_be(name: str) -> None:
    """Nothing that leaves the folder, that two systems read differently, or that Windows keeps for a device."""
    with pytest.raises(ProfileError, match="cannot be the name"):
        check_name(name)


LIVE = """
[profiles.mine]
venue = "BINANCE"
dialect = "binance"
mode = "{mode}"
[profiles.mine.urls]
rest = "{rest}"
stream = "wss://stream.example.com"
ws_api = "wss://ws.example.com/ws-api/v3"
"""


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (LIVE.format(mode="DEMO", rest="https://api.example.com"), "cannot be DEMO"),
        (LIVE.format(mode="LIVE", rest="http://api.example.com"), "in clear"),
        (LIVE.format(mode="LIVE", rest="api.example.com"), "https://"),
        (LIVE.format(mode="REAL", rest="https://api.example.com"), "REAL"),
        (LIVE.format(mode="LIVE", rest="https://api.example.com") + "\n[profiles.UPPER]\n", "UPPER"),
        ('[profiles.mine]\nvenue = "BINANCE"\ndialect = "binance"\nmode = "LIVE"', "addresses"),
        ('[profiles.mine]\nvenue = "BINANCE"\ndialect = "binance"\nmod = "LIVE"', 'Did you mean "mode"'),
        ("profiles = 3", "section"),
        ("[profiles]\nmine = 3", "section"),
    ],
)
def test_an_entry_that_cannot_be_is_named(path: Path, text: str, words: str) -> None:
    """An entry edited by hand that would lie about money, or send a key in clear, is refused by name."""
    path.write_text(text)
    with pytest.raises(ProfileError, match=words) as told:
        ProfileBook(path).all()
    assert str(path) in str(told.value)


def test_a_venue_on_this_machine_may_be_plain_and_demo(path: Path) -> None:
    """A simulator started by hand is a DEMO over plain sockets."""
    text = LIVE.format(mode="DEMO", rest="http://127.0.0.1:8000")
    path.write_text(
        text.replace("wss://stream.example.com", "ws://127.0.0.1:8000").replace("wss://ws.", "ws://localhost.")
    )
    with pytest.raises(ProfileError, match=r"localhost\.example\.com"):
        ProfileBook(path).all()
    path.write_text(path.read_text().replace("localhost.example.com", "localhost:8000"))
    assert ProfileBook(path).get("mine").mode is Mode.DEMO


def test_data_dir_moves_everything(tmp_path: Path) -> None:
    """A session with `--data-dir` leaves nothing anywhere else; each profile has a folder of its own."""
    places = folders(tmp_path / "here")
    assert places.settings_file.parent == places.profiles_file.parent == tmp_path / "here"
    inside = {places.of_profile(DEMO), places.of_profile(mine()), places.logs}
    assert len(inside) == 3
    assert all(path.is_relative_to(tmp_path / "here") for path in inside)
    elsewhere = msgspec.structs.replace(mine(), data_dir=str(tmp_path / "there"))
    assert places.of_profile(elsewhere) == tmp_path / "there"


def test_without_data_dir_the_systems_places(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """By default nothing is written into the home folder itself."""
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "share"))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    places = folders()
    assert places.data.name == places.config.name == "octopus-desktop"
    assert places.of_profile(DEMO).is_relative_to(places.data)
