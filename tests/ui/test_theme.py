"""The theme: tokens that can be read, fonts that are there, a style sheet that Qt takes."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from PySide6.QtGui import QFont, QFontInfo, QFontMetricsF, QPainter, QPixmap
from PySide6.QtWidgets import QApplication, QLineEdit
from pytestqt.qtbot import QtBot

from ui.theme import fonts, icons
from ui.theme.colors import Colors
from ui.theme.numbers import (
    MINUS,
    NOTHING,
    decimals_of,
    format_age,
    format_change,
    format_compact,
    format_percent,
    format_price,
    parse_number,
)
from ui.theme.resources import find_resources, resources_dir
from ui.theme.style import stylesheet
from ui.theme.text import TextCache
from ui.theme.theme import Theme
from ui.theme.tokens import THEMES, Tokens, contrast, lightness, text_on, tokens

TABLES = [tokens(name, colour_blind=blind) for name in THEMES for blind in (False, True)]
IDS = [f"{name}-{'blind' if blind else 'plain'}" for name in THEMES for blind in (False, True)]
every_table = pytest.mark.parametrize("table", TABLES, ids=IDS)


@every_table
def test_words_can_be_read_on_every_background(table: Tokens) -> None:
    """Any text has 4.5 : 1 on the canvas, a panel and a control; a price has 7 : 1."""
    for background in (table.bg0, table.bg1, table.bg2):
        assert contrast(table.text_hi, background) >= 7
        for text in (table.text_mid, table.text_lo, table.up, table.down):
            assert contrast(text, background) >= 4.5, (text, background)
    for text in (table.accent, table.warn, table.danger, table.demo, table.paper, table.live):
        assert contrast(text, table.bg0) >= 4.5


@every_table
def test_up_and_down_differ_in_lightness(table: Tokens) -> None:
    """A trader who sees no hue still tells a rise from a fall."""
    assert abs(lightness(table.up) - lightness(table.down)) >= 5


@every_table
def test_button_text_reads_on_its_fill(table: Tokens) -> None:
    """Buy, sell and danger buttons are legible in both themes."""
    for fill in (table.up, table.down, table.danger, table.accent):
        assert contrast(text_on(fill), fill) >= 4.5


@every_table
def test_numbers_read_on_depth_bars(table: Tokens) -> None:
    """A price over a depth bar, and a quantity over the strongest one, are still legible."""
    colors = Colors(table)
    for side, faint, soft in (
        (table.up, colors.up_faint, colors.up_soft),
        (table.down, colors.down_faint, colors.down_soft),
    ):
        assert contrast(side, faint.name()) >= 4.5
        assert contrast(table.text_mid, soft.name()) >= 4.5
        assert contrast(table.text_hi, soft.name()) >= 7


def test_files_are_found_in_a_checkout_and_when_installed(tmp_path: Path) -> None:
    """Fonts are there from a clone and from a wheel; an installation without them says what is wrong."""
    ui = tmp_path / "ui"
    with pytest.raises(FileNotFoundError, match="reinstall"):
        find_resources(ui)
    (tmp_path / "resources" / "fonts").mkdir(parents=True)
    assert find_resources(ui) == tmp_path / "resources"
    (ui / "_resources" / "fonts").mkdir(parents=True)
    assert find_resources(ui) == ui / "_resources"


def test_unknown_theme_is_refused_untouched(qapp: QApplication) -> None:
    """A mistyped theme in the settings raises and leaves the window as it was."""
    theme = Theme()
    theme.apply(qapp, "light")
    before = qapp.styleSheet()
    with pytest.raises(KeyError):
        theme.apply(qapp, "drak")
    assert qapp.styleSheet() == before
    assert theme.tokens.name == "light"


def test_apply_tells_painters(qapp: QApplication, qtbot: QtBot) -> None:
    """Switching theme repaints everything that listens, with the new colours in place."""
    theme = Theme()
    with qtbot.waitSignal(theme.changed):
        theme.apply(qapp, "dark", colour_blind=True)
    assert theme.colors.up.name().upper() == tokens("dark", colour_blind=True).up


def test_shipped_fonts_are_used(qapp: QApplication) -> None:
    """The fonts come from the program's own files, with digits of one width in both."""
    assert {fonts.WORDS, fonts.NUMBERS} <= set(fonts.load_fonts())
    for font in (fonts.words(), fonts.numbers(), fonts.words(18, bold=True)):
        assert QFontInfo(font).family() in (fonts.WORDS, fonts.NUMBERS)
        metrics = QFontMetricsF(font)
        widths = [metrics.horizontalAdvance(digit) for digit in "0123456789"]
        assert max(widths) - min(widths) < 0.1
    assert QFontInfo(fonts.words(bold=True)).weight() >= QFont.Weight.DemiBold


@pytest.mark.parametrize("scale", [1.0, 1.25, 1.5, 2.0])
def test_kept_text_doesnt_move(qapp: QApplication, scale: float) -> None:
    """A price painted again and again stays on its pixels, at every scale of the screen."""
    theme = Theme()
    theme.apply(qapp, "dark")
    for font in (fonts.numbers(), fonts.words(), fonts.numbers(fonts.HEADING, bold=True)):
        cache = TextCache(font)
        pictures = []
        for _ in range(3):
            pixmap = QPixmap(200, 60)
            pixmap.fill(theme.colors.bg0)
            painter = QPainter(pixmap)
            painter.scale(scale, scale)
            painter.setPen(theme.colors.text_hi)
            cache.right(painter, 95.3, 14.5, f"{MINUS}67,412.30")
            painter.end()
            pictures.append(pixmap.toImage())
        assert pictures[0] == pictures[1] == pictures[2]


@pytest.mark.parametrize("name", list(THEMES))
def test_style_sheet_names_files_that_exist(name: str) -> None:
    """Every arrow and check mark of the style sheet is shipped."""
    sheet = stylesheet(THEMES[name])
    assert "$" not in sheet
    used = {part.split(")")[0] for part in sheet.split("url(octopus:")[1:]}
    assert used
    for path in used:
        assert (Path(resources_dir()) / path).is_file(), path


def test_line_edit_wears_the_theme(qapp: QApplication, qtbot: QtBot) -> None:
    """An entry in the light theme is painted with the light panel colour."""
    theme = Theme()
    theme.apply(qapp, "light")
    edit = QLineEdit()
    qtbot.addWidget(edit)
    edit.resize(100, 26)
    image = edit.grab().toImage()
    assert image.pixelColor(50, 4).name().upper() == theme.tokens.bg1


def test_every_icon_paints_something(qapp: QApplication) -> None:
    """No icon is blank at any scale, and the octopus is there."""
    table = THEMES["dark"]
    for name in icons.NAMES:
        for scale in (1.0, 1.5, 2.0):
            image = icons.icon_pixmap(name, Theme().colors.text_hi, 16, scale).toImage()
            alphas = [image.pixelColor(x, y).alpha() for x in range(image.width()) for y in range(image.height())]
            assert max(alphas) > 120, (name, scale)
        assert not icons.icon(name, table).isNull()
    assert icons.app_icon().availableSizes()


@pytest.mark.parametrize(
    ("value", "precision", "text"),
    [
        (67412.3, 2, "67,412.30"),
        (Decimal("0.00001230"), 8, "0.00001230"),
        (-5, 1, f"{MINUS}5.0"),
        (-0.001, 2, "0.00"),
        (None, 2, NOTHING),
        (float("nan"), 2, NOTHING),
        (float("inf"), 2, NOTHING),
    ],
)
def test_price_is_written_at_its_precision(value: float | None, precision: int, text: str) -> None:
    """A price keeps its digits, separates thousands, and nothing is ever written as nan or −0.00."""
    assert format_price(value, precision) == text


def test_change_always_shows_its_sign() -> None:
    """A change says + or −, and none at all when nothing changed."""
    assert format_change(12.3, 2) == "+12.30"
    assert format_change(Decimal("-1234.5"), 1) == f"{MINUS}1,234.5"
    assert format_change(-0.0001, 2) == "0.00"
    assert format_percent(1.844) == "+1.84\N{NO-BREAK SPACE}%"
    assert format_percent(None) == NOTHING


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (0.5, "0.500"),
        (842, "842"),
        (12345, "12.3K"),
        (999_999, "1.00M"),
        (-2.5e9, f"{MINUS}2.50B"),
        (3e15, "3,000T"),
    ],
)
def test_compact_volume(value: float, text: str) -> None:
    """A volume is three digits and a letter, also just below a letter's border."""
    assert format_compact(value) == text


def test_age() -> None:
    """The age of stale data is told in one unit."""
    assert [format_age(age) for age in (4.9, 130, 7300)] == ["4 s", "2 min", "2 h"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("67,412.30", "67412.3"),
        ("1k", "1000"),
        ("1.5m", "1500000"),
        (" 67 412.5 ", "67412.5"),
        (f"{MINUS}2", "-2"),
        (".5", "0.5"),
        ("5.", "5"),
        ("1'000", "1000"),
        ("1,000k", "1000000"),
    ],
)
def test_typed_numbers_are_read(text: str, value: str) -> None:
    """What a trader types or pastes from a spreadsheet is the number they mean."""
    assert parse_number(text) == Decimal(value)


@pytest.mark.parametrize("text", ["", "abc", "0,5", "12,34", "1.000,5", "1e5", "nan", "--1", "1..2", "k"])
def test_ambiguous_numbers_are_refused(text: str) -> None:
    """A comma that may be a decimal point is never guessed at: it would be a thousandfold order."""
    with pytest.raises(ValueError, match=r"\w"):
        parse_number(text)


def test_a_number_beyond_any_market_is_refused() -> None:
    """A stuck key in the price's field is a sentence, never a number that cannot be reckoned with."""
    assert parse_number("999,999,999,999,999") == Decimal("999999999999999")
    for text in ("1" + "0" * 15, "9" * 40, "1000000000m"):
        with pytest.raises(ValueError, match="so large a number"):
            parse_number(text)


def test_decimals_of_a_tick() -> None:
    """A tick of 0.25 takes two decimals, a tick of 10 none."""
    assert [decimals_of(step) for step in (0.25, Decimal("0.00010"), 10, 1e-8)] == [2, 4, 0, 8]
