"""Words typed at a shell: what is off is refused with a sentence that helps, before anything is started."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from octopus_desktop import cli


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("simulat", "'simulat' is no command. Did you mean 'simulate'?"),
        ("doctr --data-dir x", "'doctr' is no command. Did you mean 'doctor'?"),
        ("qqq", "'qqq' is no command. There are run, simulate, doctor, screenshot, profile, audit."),
        ("--data-dir x doctor", "the command comes first, its options after it: octopus-desktop doctor …"),
        ("doctor x", "unrecognized arguments: x"),
        ("--prot 5", "unrecognized arguments: --prot 5"),
    ],
)
def test_a_mistyped_command_is_told_the_near_word(words: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """Exit code 2 and one line: what was meant, or where it belongs."""
    with pytest.raises(SystemExit) as ended:
        cli.main(words.split())
    assert ended.value.code == 2
    assert capsys.readouterr().err.splitlines()[-1] == f"octopus-desktop: error: {said}"


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("simulate --port 99999", "--port: 99999 is not between 0 and 65535"),
        ("simulate --port 1.5", "--port: '1.5' is not a whole number"),
        ("simulate --speed -1", "--speed: -1 is not between 0.01 and 100000"),
        ("simulate --speed 0", "--speed: 0 is not between 0.01 and 100000"),
        ("simulate --speed nan", "--speed: nan is not between 0.01 and 100000"),
        ("simulate --speed fast", "--speed: 'fast' is not a number"),
        ("simulate --drop 7", "--drop: 7 is not between 0 and 1"),
        ("simulate --delay-ms inf", "--delay-ms: inf is not between 0 and 60000"),
        ("screenshot --out x.png --scale -1", "--scale: -1 is not between 0.5 and 4"),
        ("screenshot --out x.png --after -1", "--after: -1 is not between 0 and 86400"),
        ("screenshot --out x.png --after nan", "--after: nan is not between 0 and 86400"),
        ("run --screenshot-every 0", "--screenshot-every: 0 is not between 0.1 and 86400"),
    ],
)
def test_a_number_out_of_range_is_refused(words: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """It would be another port, a market that stands still, a picture of nothing."""
    with pytest.raises(SystemExit) as ended:
        cli.main(words.split())
    assert ended.value.code == 2
    assert capsys.readouterr().err.rstrip().endswith(f"error: argument {said}")


@pytest.mark.parametrize(
    ("start", "said"),
    [("4102444800000000001", "the market ends on 2100-01-01"), ("soon", "Invalid isoformat string: 'soon'")],
)
def test_a_clock_without_a_market_is_refused(start: str, said: str, capsys: pytest.CaptureFixture[str]) -> None:
    """A start that is no moment, or one that would take hours to get to."""
    assert cli.main(["simulate", "--start", start]) == 2
    assert capsys.readouterr().err == f"simulate: {said}\n"


def test_a_picture_with_nowhere_to_go_is_refused_at_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """No session is opened for it, and no data folder made."""
    out = tmp_path / "none" / "x.png"
    assert cli.main(["screenshot", "--out", str(out), "--data-dir", str(tmp_path / "data")]) == 1
    assert capsys.readouterr().err == f"There is no folder {out.parent} to write the picture into.\n"
    assert not (tmp_path / "data").exists()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere there always is a display")
def test_no_display_is_a_sentence(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Over ssh Qt would end the program with a message about its plugins."""
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert cli.main(["--data-dir", str(tmp_path)]) == 1
    assert "no display" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
