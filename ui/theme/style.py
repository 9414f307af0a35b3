"""Palette over Fusion and the style sheet of every widget a terminal has, made from the tokens.

Widgets ask for a variant by a dynamic property:

* `QPushButton[role="buy" | "sell" | "danger" | "alarm" | "notice" | "primary" | "flat"]`; with `[denied="true"]` a
  buy or sell looks as if it were off, and can be pressed to be told why
* `QLabel[tone="hi" | "mid" | "lo" | "up" | "down" | "warn" | "danger"]`, `QLabel[numeric="true"]`
* `QWidget[invalid="true"]` on an entry whose text can't be used
"""

from __future__ import annotations

from string import Template
from typing import Final

from PySide6.QtGui import QColor, QPalette

from ui.theme import fonts
from ui.theme.tokens import Tokens, mix, text_on

OFF_SHARE: Final = 0.25
"""How much of its colour a buy or sell button keeps where it is off: `text_mid` still reads on it."""


def palette(t: Tokens) -> QPalette:
    """Fusion's palette, so that what no rule of the style sheet reaches still looks like the rest."""
    roles = QPalette.ColorRole
    result = QPalette()
    for role, colour in (
        (roles.Window, t.bg0),
        (roles.WindowText, t.text_mid),
        (roles.Base, t.bg0),
        (roles.AlternateBase, t.bg1),
        (roles.Text, t.text_hi),
        (roles.PlaceholderText, t.text_lo),
        (roles.Button, t.bg2),
        (roles.ButtonText, t.text_hi),
        (roles.BrightText, t.text_hi),
        (roles.ToolTipBase, t.bg2),
        (roles.ToolTipText, t.text_hi),
        (roles.Highlight, mix(t.bg0, t.accent, 0.28)),
        (roles.HighlightedText, t.text_hi),
        (roles.Link, t.accent),
        (roles.LinkVisited, t.accent),
        (roles.Light, t.line),
        (roles.Midlight, t.bg2),
        (roles.Mid, t.line),
        (roles.Dark, t.bg0),
        (roles.Shadow, mix(t.bg0, "#000000", 0.6)),
        (roles.Accent, t.accent),
    ):
        result.setColor(role, QColor(colour))
    for role in (roles.WindowText, roles.Text, roles.ButtonText):
        result.setColor(QPalette.ColorGroup.Disabled, role, QColor(mix(t.bg0, t.text_lo, 0.7)))
    return result


def stylesheet(t: Tokens) -> str:
    """The style sheet of a theme. It reads icons through the `octopus:` search path."""
    return _SHEET.substitute(
        {name: getattr(t, name) for name in t.__struct_fields__},
        icons=f"octopus:icons/{t.name}",
        words=fonts.WORDS,
        figures=fonts.NUMBERS,
        base=fonts.BASE,
        table=fonts.TABLE,
        hover=mix(t.bg0, t.bg2, 0.75),
        select=mix(t.bg0, t.accent, 0.22),
        off=mix(t.bg0, t.text_lo, 0.7),
        handle=mix(t.bg2, t.text_lo, 0.35),
        handle_hover=mix(t.bg2, t.text_lo, 0.65),
        up_hover=mix(t.up, t.text_hi, 0.18),
        down_hover=mix(t.down, t.text_hi, 0.18),
        danger_hover=mix(t.danger, t.text_hi, 0.18),
        accent_hover=mix(t.accent, t.text_hi, 0.18),
        up_off=mix(t.bg0, t.up, OFF_SHARE),
        down_off=mix(t.bg0, t.down, OFF_SHARE),
        on_up=text_on(t.up),
        on_down=text_on(t.down),
        on_danger=text_on(t.danger),
        on_accent=text_on(t.accent),
    )


_SHEET = Template("""
* { font-family: "$words"; font-size: ${base}px; }
QWidget { color: $text_mid; }
QMainWindow, QDialog { background: $bg0; }
QMainWindow::separator { background: $bg0; width: 4px; height: 4px; }
QMainWindow::separator:hover { background: $accent; }

QDockWidget { color: $text_mid; font-size: ${table}px; titlebar-close-icon: url($icons/close.svg);
              titlebar-normal-icon: url($icons/float.svg); }
QDockWidget::title { background: $bg1; text-align: left; padding: 4px 0 4px 8px; border-bottom: 1px solid $line; }
QDockWidget::close-button, QDockWidget::float-button { background: transparent; border: none;
              border-radius: 3px; padding: 0; icon-size: 16px; }
QDockWidget::close-button:hover, QDockWidget::float-button:hover { background: $bg2; }

QTabBar { background: transparent; qproperty-drawBase: 0; font-size: ${table}px; }
QTabBar::tab { background: transparent; color: $text_lo; padding: 0 10px; height: 22px;
               border: none; border-bottom: 2px solid transparent; }
QTabBar::tab:hover { color: $text_hi; background: $hover; }
QTabBar::tab:selected { color: $text_hi; border-bottom: 2px solid $accent; }
QTabBar::tab:focus { border-bottom: 2px solid $text_hi; }
QTabBar::close-button { image: url($icons/close.svg); }
QTabWidget::pane { border: none; border-top: 1px solid $line; }

QTableView, QTreeView, QListView { background: $bg0; alternate-background-color: $bg1; color: $text_hi;
               gridline-color: $line; border: none; outline: none; font-size: ${table}px;
               selection-background-color: $select; selection-color: $text_hi; }
QTableView::item, QTreeView::item, QListView::item { border: none; padding: 0 6px; }
QTreeView::item, QListView::item { min-height: 20px; }
QTableView::item:hover, QTreeView::item:hover, QListView::item:hover { background: $hover; }
QTableView::item:selected, QTreeView::item:selected, QListView::item:selected { background: $select; color: $text_hi; }
QTableView::item:focus { border: 1px solid $accent; padding: 0 5px; }
QHeaderView { background: $bg0; border: none; font-size: ${table}px; }
QHeaderView::section { background: $bg0; color: $text_lo; border: none; border-bottom: 1px solid $line;
               padding: 0 6px; height: 19px; font-weight: normal; }
QHeaderView::section:hover { color: $text_hi; }
QHeaderView::down-arrow { image: url($icons/chevron-down.svg); width: 12px; height: 12px;
               subcontrol-position: center right; }
QHeaderView::up-arrow { image: url($icons/chevron-up.svg); width: 12px; height: 12px;
               subcontrol-position: center right; }
QTableCornerButton::section { background: $bg0; border: none; }

QLineEdit, QAbstractSpinBox, QComboBox, QPlainTextEdit, QTextEdit {
               background: $bg1; color: $text_hi; border: 1px solid $line; border-radius: 4px;
               padding: 0 6px; selection-background-color: $accent; selection-color: $on_accent; }
QLineEdit, QAbstractSpinBox, QComboBox { min-height: 24px; }
QLineEdit:hover, QAbstractSpinBox:hover, QComboBox:hover { border-color: $handle; }
QLineEdit:focus, QAbstractSpinBox:focus, QComboBox:focus, QPlainTextEdit:focus, QTextEdit:focus {
               border: 1px solid $accent; }
QLineEdit:disabled, QAbstractSpinBox:disabled, QComboBox:disabled { color: $off; background: $bg0; }
QLineEdit[invalid="true"], QAbstractSpinBox[invalid="true"] { border: 1px solid $danger; }
QLineEdit[numeric="true"], QAbstractSpinBox { font-family: "$figures"; }
QAbstractSpinBox::up-button, QAbstractSpinBox::down-button { background: transparent; border: none; width: 16px; }
QAbstractSpinBox::up-button:hover, QAbstractSpinBox::down-button:hover { background: $bg2; }
QAbstractSpinBox::up-arrow { image: url($icons/chevron-up.svg); width: 12px; height: 12px; }
QAbstractSpinBox::down-arrow { image: url($icons/chevron-down.svg); width: 12px; height: 12px; }
QComboBox { padding-right: 20px; }
QComboBox::drop-down { border: none; width: 20px; }
QComboBox::down-arrow { image: url($icons/chevron-down.svg); width: 14px; height: 14px; }
QComboBox QAbstractItemView { background: $bg1; border: 1px solid $line; padding: 2px; }
QComboBox QAbstractItemView::item { min-height: 22px; padding: 0 6px; }

QPushButton, QToolButton { background: $bg2; color: $text_hi; border: 1px solid $line; border-radius: 4px;
               padding: 0 12px; min-height: 24px; }
QPushButton:hover, QToolButton:hover { border-color: $handle; background: $line; }
QPushButton:pressed, QToolButton:pressed, QToolButton:checked, QPushButton:checked { background: $select; }
QPushButton:focus, QToolButton:focus { border: 1px solid $accent; }
QPushButton:disabled, QToolButton:disabled { color: $off; background: $bg1; border-color: $bg2; }
QToolButton { padding: 0 6px; }
QToolButton::menu-indicator { image: url($icons/chevron-down.svg); width: 12px; height: 12px;
               subcontrol-position: center right; }
QPushButton[role="flat"], QToolButton[role="flat"], QToolBar QToolButton { background: transparent;
               border: 1px solid transparent; color: $text_mid; }
QPushButton[role="flat"]:hover, QToolButton[role="flat"]:hover, QToolBar QToolButton:hover { background: $bg2;
               color: $text_hi; }
QPushButton[role="flat"]:focus, QToolButton[role="flat"]:focus, QToolBar QToolButton:focus {
               border: 1px solid $accent; }
QPushButton[role="flat"]:disabled, QToolButton[role="flat"]:disabled, QToolBar QToolButton:disabled {
               color: $off; background: transparent; border-color: transparent; }
QPushButton[role="notice"] { background: transparent; color: $warn; border: 1px solid transparent; }
QPushButton[role="notice"]:hover, QPushButton[role="notice"]:focus { border-color: $warn; }
QPushButton[role="buy"], QPushButton[role="sell"], QPushButton[role="danger"], QPushButton[role="primary"] {
               border: 1px solid transparent; font-weight: 600; }
QPushButton[role="buy"] { background: $up; color: $on_up; }
QPushButton[role="buy"]:hover { background: $up_hover; }
QPushButton[role="sell"] { background: $down; color: $on_down; }
QPushButton[role="sell"]:hover { background: $down_hover; }
QPushButton[role="danger"] { background: $danger; color: $on_danger; }
QPushButton[role="danger"]:hover { background: $danger_hover; }
QPushButton[role="alarm"] { background: transparent; color: $danger; border: 1px solid $danger; font-weight: 600; }
QPushButton[role="alarm"]:hover, QPushButton[role="alarm"]:pressed { background: $danger; color: $on_danger; }
QPushButton[role="primary"] { background: $accent; color: $on_accent; }
QPushButton[role="primary"]:hover { background: $accent_hover; }
QPushButton[role="buy"]:focus, QPushButton[role="sell"]:focus, QPushButton[role="danger"]:focus,
QPushButton[role="primary"]:focus { border: 2px solid $text_hi; }
QPushButton[role="buy"]:disabled { background: $up_off; color: $off; }
QPushButton[role="sell"]:disabled { background: $down_off; color: $off; }
QPushButton[role="buy"][denied="true"]:enabled { background: $up_off; color: $text_mid; }
QPushButton[role="sell"][denied="true"]:enabled { background: $down_off; color: $text_mid; }
QPushButton[denied="true"]:enabled:hover { border-color: $handle_hover; }
QPushButton[role="danger"]:disabled, QPushButton[role="primary"]:disabled { background: $bg2; color: $off; }

QCheckBox, QRadioButton { spacing: 6px; color: $text_mid; }
QCheckBox:hover, QRadioButton:hover { color: $text_hi; }
QCheckBox::indicator, QRadioButton::indicator, QGroupBox::indicator, QMenu::indicator { width: 13px; height: 13px;
               border: 1px solid $handle; background: $bg1; border-radius: 3px; }
QRadioButton::indicator { border-radius: 7px; }
QCheckBox::indicator:checked, QGroupBox::indicator:checked, QMenu::indicator:non-exclusive:checked {
               background: $accent; border-color: $accent; image: url($icons/check.svg); }
QCheckBox::indicator:indeterminate { background: $accent; border-color: $accent; image: url($icons/dash.svg); }
QRadioButton::indicator:checked, QMenu::indicator:exclusive:checked { border-color: $accent;
               background: qradialgradient(cx: 0.5, cy: 0.5, radius: 0.5, fx: 0.5, fy: 0.5,
                                           stop: 0 $accent, stop: 0.5 $accent, stop: 0.65 $bg1, stop: 1 $bg1); }
QMenu::indicator:exclusive { border-radius: 7px; }
QCheckBox:focus, QRadioButton:focus { color: $text_hi; }
QCheckBox::indicator:focus, QRadioButton::indicator:focus { border-color: $accent; }
QCheckBox:disabled, QRadioButton:disabled { color: $off; }
QGroupBox { border: 1px solid $line; border-radius: 4px; margin-top: 16px; padding: 8px; }
QGroupBox::title { subcontrol-origin: margin; left: 8px; color: $text_lo; }

QSlider::groove:horizontal { height: 3px; background: $line; border-radius: 1px; }
QSlider::sub-page:horizontal { height: 3px; background: $accent; border-radius: 1px; }
QSlider::handle:horizontal { width: 11px; height: 11px; margin: -4px 0; border-radius: 5px; background: $text_hi; }
QSlider::handle:horizontal:focus { background: $accent; }
QProgressBar { background: $bg2; border: none; border-radius: 1px; max-height: 3px; color: transparent; }
QProgressBar::chunk { background: $accent; border-radius: 1px; }

QMenuBar { background: $bg0; color: $text_mid; border-bottom: 1px solid $line; }
QMenuBar::item { background: transparent; padding: 3px 8px; }
QMenuBar::item:selected, QMenuBar::item:pressed { background: $bg2; color: $text_hi; }
QMenu { background: $bg1; color: $text_hi; border: 1px solid $line; padding: 4px; }
QMenu::item { padding: 4px 24px 4px 24px; border-radius: 3px; }
QMenu::item:selected { background: $select; }
QMenu::item:disabled { color: $off; }
QMenu::separator { height: 1px; background: $line; margin: 4px 6px; }
QMenu::indicator { margin-left: 5px; }
QMenu::right-arrow { image: url($icons/chevron-right.svg); width: 14px; height: 14px; }
QToolTip { background: $bg2; color: $text_hi; border: 1px solid $line; padding: 3px 6px; font-size: ${table}px; }

QToolBar { background: $bg0; border: none; border-bottom: 1px solid $line; spacing: 2px; padding: 2px 6px; }
QToolBar::separator { background: $line; width: 1px; margin: 5px 4px; }
QStatusBar { background: $bg1; color: $text_lo; border-top: 1px solid $line; font-size: ${table}px; }
QStatusBar::item { border: none; }
QStatusBar QLabel { color: $text_mid; font-size: ${table}px; }

QSplitter::handle { background: $bg0; }
QSplitter::handle:horizontal { width: 6px; border-left: 1px solid $line; margin-left: 2px; }
QSplitter::handle:vertical { height: 6px; border-top: 1px solid $line; margin-top: 2px; }
QSplitter::handle:hover { border-color: $accent; }

QScrollBar:vertical { background: transparent; width: 10px; margin: 0; }
QScrollBar:horizontal { background: transparent; height: 10px; margin: 0; }
QScrollBar::handle { background: $handle; border-radius: 3px; margin: 2px; }
QScrollBar::handle:vertical { min-height: 28px; }
QScrollBar::handle:horizontal { min-width: 28px; }
QScrollBar::handle:hover { background: $handle_hover; }
QScrollBar::add-line, QScrollBar::sub-line { width: 0; height: 0; border: none; background: none; }
QScrollBar::add-page, QScrollBar::sub-page { background: none; }
QAbstractScrollArea::corner { background: $bg0; }

QLabel { background: transparent; }
QLabel[numeric="true"] { font-family: "$figures"; }
QLabel[tone="hi"] { color: $text_hi; }
QLabel[tone="mid"] { color: $text_mid; }
QLabel[tone="lo"] { color: $text_lo; }
QLabel[tone="up"] { color: $up; }
QLabel[tone="down"] { color: $down; }
QLabel[tone="warn"] { color: $warn; }
QLabel[tone="danger"] { color: $danger; }
""")
