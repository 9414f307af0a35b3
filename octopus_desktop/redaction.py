"""Keeping secrets out of every text: the log file, the console, the log pane, errors, and what a crash prints.

For the log it acts where a record is made, not at a handler: handlers come and go, and each would have to be right.
"""

from __future__ import annotations

import logging
import re
from typing import Any, Final

MARK: Final = "[hidden]"
_SHORTEST: Final = 8
_LONGEST_BEFORE: Final = 24
_NAMES: Final = (
    r"x-mbx-apikey|api[-_ ]?key|api[-_ ]?secret|secret[-_ ]?key|secret|signature|listen[-_ ]?key|password|token"
)
# name, then anything that stands between a name and its value in a URL, a header, JSON, a repr or a sentence.
_PAIR: Final = re.compile(
    rf"""(?ix) (?P<name>{_NAMES})
    (?P<between>[\\"']*\s*(?:[=:]|\bis\b|\s)\s*b?[\\"']*)
    (?P<value>[A-Za-z0-9+/_=%.-]{{16,}})"""
)
# Names one keypress on a ticket, and is read in the audit to prove that a keypress was one order. It is let through
# where it stands in an order's intent, behind that field's neighbour, and nowhere else: any other token is a secret.
_BEFORE_INTENT_TOKEN: Final = re.compile(r"""\breduce_only["']?[:=](?:true|false|True|False),\ ?["']?\Z""")
_INTENT_TOKEN: Final = re.compile(r"""token["']?[:=]["'][0-9a-f]{16}""")
# In a query, a header or JSON the value is a secret however short it is.
_ASSIGNED: Final = re.compile(
    r"""(?ix) (?P<name>\b(?:signature|api[-_]?key|apiSecret|secret|listenKey|X-MBX-APIKEY))
    (?P<between>["']?\s*[=:]\s*["']?)
    (?P<value>(?!\[hidden\])[^"'&\s,}\]]+)"""
)
_LISTEN_PATH: Final = re.compile(r"(?<=/ws/)[A-Za-z0-9]{40,}")
_PEM: Final = re.compile(r"-----BEGIN [A-Z ]*PRIVATE KEY-----.*?(?:-----END [A-Z ]*PRIVATE KEY-----|\Z)", re.DOTALL)

_known: set[str] = set()


def protect(secret: str) -> None:
    """From now on `secret` itself is in no log, whatever stands around it.

    Texts below 8 characters are let through: they would take ordinary words with them.
    """
    for text in (secret, *secret.splitlines()):
        if len(text) >= _SHORTEST and not text.startswith("-----"):
            _known.add(text)


def redact(text: str) -> str:
    for secret in _known:
        if secret in text:
            text = text.replace(secret, MARK)
    if "PRIVATE KEY" in text:
        text = _PEM.sub(MARK, text)
    text = _LISTEN_PATH.sub(MARK, text)
    for pattern in (_PAIR, _ASSIGNED):
        text = pattern.sub(_hidden, text)
    return text


def _hidden(found: re.Match[str]) -> str:
    if _INTENT_TOKEN.fullmatch(found[0]):
        before = found.start()
        if _BEFORE_INTENT_TOKEN.search(found.string, max(0, before - _LONGEST_BEFORE), before):
            return found[0]
    return f"{found['name']}{found['between']}{MARK}"


def install() -> None:
    """Every log record of the process is redacted from now on. Twice is once."""
    make = logging.getLogRecordFactory()
    if isinstance(make, _RedactedRecords):
        return
    logging.setLogRecordFactory(_RedactedRecords(make))


class _RedactedRecords:
    def __init__(self, make: Any) -> None:
        self._make = make
        self._formatter = logging.Formatter()

    def __call__(self, *args: Any, **kwargs: Any) -> logging.LogRecord:
        record: logging.LogRecord = self._make(*args, **kwargs)
        try:
            message = record.getMessage()
        except Exception:  # noqa: BLE001  # a wrong format string: logging itself reports that, with the arguments
            message = f"{record.msg} {record.args!r}"
        record.msg, record.args = redact(message), None
        if record.exc_info and record.exc_info[0] is not None:
            # Formatters take the text where there is one, and so never see the exception's own words.
            record.exc_text = redact(self._formatter.formatException(record.exc_info))
            record.exc_info = None
        return record
