"""`octopus-desktop audit`: verify that nothing of it was changed, show the last entries, export it."""

from __future__ import annotations

import argparse
import csv
import sys
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TextIO

import msgspec

from octopus_desktop.config.documents import SettingsError
from octopus_desktop.config.paths import DATABASE_NAME, folders
from octopus_desktop.config.profiles import ProfileBook
from octopus_desktop.model.errors import OctopusError, ProfileError
from octopus_desktop.storage import audit, heads
from octopus_desktop.storage.audit import AuditEntry

FORMATS: Final = ("csv", "jsonl")


def add_arguments(parser: argparse.ArgumentParser) -> list[argparse.ArgumentParser]:
    """The acts, for what is the same with all of them."""
    acts = parser.add_subparsers(dest="act", required=True, metavar="verify|show|export")
    verify = acts.add_parser("verify", help="check every entry; 0 where none was changed, 1 where one was")
    verify.add_argument("--head", metavar="HASH", help="a head noted earlier, which must be among the entries")
    show = acts.add_parser("show", help="the last entries")
    show.add_argument("--limit", type=int, default=50, metavar="N", help="how many (default: 50)")
    export = acts.add_parser("export", help="all entries, to standard output or a file")
    export.add_argument("--format", choices=FORMATS, default="csv")
    export.add_argument("--out", type=Path, metavar="F")
    return [verify, show, export]


def main(args: argparse.Namespace) -> int:
    places = folders(args.data_dir)
    try:
        path = places.of_profile(ProfileBook(places.profiles_file).get(args.profile)) / DATABASE_NAME
        match args.act:
            case "verify":
                return _verify(path, args.head)
            case "show":
                for entry in audit.read(path, max(0, args.limit)):
                    print(f"{entry.seq:>6} {_utc(entry.ts_ns)} {entry.actor:<8} {entry.kind:<9} {entry.payload}")
            case "export":
                _export(audit.read(path), args.format, args.out)
    except (OctopusError, ProfileError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{args.out or 'standard output'}: {error.strerror or error}", file=sys.stderr)
        return 1
    return 0


def _verify(path: Path, noted: str | None) -> int:
    """0 does not prove that nobody rewrote the data file and the heads beside it alike: for that, keep the head that
    is printed somewhere else, and ask for it with --head."""
    verdict = audit.verify(path)
    if verdict.broken is not None:
        print(f"BROKEN at entry {verdict.broken} of the audit in {path}: {verdict.what}. {verdict.count} are sound.")
        return 1
    if noted is not None and audit.find(path, noted) is None:
        print(f"BROKEN: no entry of the audit in {path} has the head {noted}. It is not the audit that was noted.")
        return 1
    if not heads.heads_of(path).exists():
        print(
            f"There is no {heads.heads_of(path)}: entries cut off together with their count would not show. It begins "
            "with the next start of the terminal.",
            file=sys.stderr,
        )
    print(f"ok: {verdict.count} entries, none changed, head {verdict.head}")
    return 0


def _export(entries: Iterable[AuditEntry], kind: str, out: Path | None) -> None:
    if out is None:
        _write(entries, kind, sys.stdout)
        return
    with out.open("w", encoding="utf-8", newline="") as file:
        _write(entries, kind, file)


def _write(entries: Iterable[AuditEntry], kind: str, file: TextIO) -> None:
    if kind == "jsonl":
        for entry in entries:
            print(msgspec.json.encode(entry).decode(), file=file)
        return
    rows = csv.writer(file, lineterminator="\n")
    rows.writerow(("seq", "time", "actor", "kind", "payload", "previous", "hash"))
    for entry in entries:
        rows.writerow((entry.seq, _utc(entry.ts_ns), *msgspec.structs.astuple(entry)[2:]))


def _utc(ts_ns: int) -> str:
    moment = datetime.fromtimestamp(ts_ns // 1_000_000_000, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{ts_ns % 1_000_000_000 // 1_000_000:03d}Z"
