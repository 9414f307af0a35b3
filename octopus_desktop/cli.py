"""The command line: run, simulate, doctor, screenshot, profile, audit."""

from __future__ import annotations

import argparse
import gc
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from octopus_desktop import __version__
from octopus_desktop.config.arguments import between
from octopus_desktop.config.paths import DATABASE_NAME

if TYPE_CHECKING:
    from concurrent.futures import Future

    from octopus_desktop.config.add_profile import Permissions
    from octopus_desktop.config.profiles import ProfileBook
    from octopus_desktop.model.credentials import Credentials
    from octopus_desktop.model.profile import Profile
    from octopus_desktop.ports import Node


def main(arguments: Sequence[str] | None = None) -> int:
    """The exit code: 0 all well, 1 it went wrong (with a sentence on standard error), 2 the words are off."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    whole = _with_command(given)
    parser = _parser(whole[0])
    args, unknown = parser.parse_known_args(whole)
    if unknown:
        parser.error(_what_to_write(unknown, has_command=whole == given))
    code: int = args.work(args)
    return code


_DAY_S = 86_400.0
_DISPLAYS = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM")
_COMMANDS = ("run", "simulate", "doctor", "screenshot", "profile", "audit")


def _with_command(given: list[str]) -> list[str]:
    """`octopus-desktop` alone, or with options only, is `run`."""
    if given and (given[0] in _COMMANDS or given[0] in ("-h", "--help", "--version")):
        return given
    return ["run", *given]


def _what_to_write(unknown: list[str], *, has_command: bool) -> str:
    """Of words that nothing is done with: what was meant, or where it belongs."""
    from difflib import get_close_matches  # of mistakes only

    word = unknown[0]
    if not has_command:
        for late in unknown:
            if late in _COMMANDS:
                return f"the command comes first, its options after it: octopus-desktop {late} …"
        if not word.startswith("-"):
            near = get_close_matches(word, _COMMANDS, 1)
            ways = f"Did you mean {near[0]!r}?" if near else f"There are {', '.join(_COMMANDS)}."
            return f"{word!r} is no command. {ways}"
    return f"unrecognized arguments: {' '.join(unknown)}"


def _parser(command: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="octopus-desktop", description="A keyboard-driven desktop trading terminal.")
    parser.add_argument("--version", action="version", version=f"octopus-desktop {__version__}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    for name, meaning, work, add_arguments in (
        ("run", "open the terminal (the default)", _run, _run_arguments),
        ("simulate", "the embedded exchange alone", _simulate, _simulate_arguments),
        ("doctor", "check this machine; each line is ok or says what to do", _doctor, _place_arguments),
        ("screenshot", "a real session, offscreen, as a picture", _screenshot, _screenshot_arguments),
        ("profile", "add, list or remove profiles", _profile, _profile_arguments),
        ("audit", "who did and decided what: verify, show or export it", _audit, _audit_arguments),
    ):
        own = commands.add_parser(name, help=meaning)
        own.set_defaults(work=work)
        if name == command:  # nobody waits for the others' arguments
            add_arguments(own)
    return parser


def _run_arguments(run: argparse.ArgumentParser) -> None:
    _session_arguments(run)
    run.add_argument(
        "--screenshot-every", type=between(0.1, _DAY_S), metavar="S", help="write what the screen shows every S seconds"
    )
    run.add_argument("--screenshot-out", type=Path, metavar="F", help="where --screenshot-every writes")


def _screenshot_arguments(screenshot: argparse.ArgumentParser) -> None:
    _session_arguments(screenshot)
    screenshot.add_argument(
        "--after", type=between(0.0, _DAY_S), default=8.0, metavar="S", help="seconds after the start"
    )
    screenshot.add_argument("--out", type=Path, required=True, metavar="F", help="the PNG file")
    screenshot.add_argument(
        "--scale", type=between(0.5, 4.0), help="device pixels a point: 1, 1.5 or 2 (default: QT_SCALE_FACTOR, else 1)"
    )


def _simulate_arguments(simulate: argparse.ArgumentParser) -> None:
    from octopus_desktop.simulator.main import add_arguments  # imports a server

    add_arguments(simulate)


def _place_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--profile", default="demo", metavar="NAME", help="which profile (default: demo)")
    parser.add_argument("--data-dir", type=Path, metavar="DIR", help="where data is kept (default: the system's place)")


def _session_arguments(parser: argparse.ArgumentParser) -> None:
    _place_arguments(parser)
    parser.add_argument("--log-level", default=None, choices=("debug", "info", "warning", "error"))
    parser.add_argument("--safe-mode", action="store_true", help="default layout, no order entry")
    parser.add_argument("--theme", default=None, choices=("dark", "light"))
    parser.add_argument("--size", type=_size, default=None, metavar="WxH", help="of the window, in points")


def _size(text: str) -> tuple[int, int]:
    width, _, height = text.lower().partition("x")
    try:
        size = int(width), int(height)
    except ValueError:
        raise argparse.ArgumentTypeError(f"{text!r} is not a size; write it as 1600x1000") from None
    if min(size) < 200 or max(size) > 16384:
        raise argparse.ArgumentTypeError(f"{text!r}: between 200 and 16384 points a side")
    return size


def _profile_arguments(parser: argparse.ArgumentParser) -> None:
    acts = parser.add_subparsers(dest="act", required=True, metavar="add|list|remove")
    add = acts.add_parser("add", help="ask for a key and secret, check them, and put them into the system's keyring")
    add.add_argument("name", metavar="NAME")
    add.add_argument("--venue", required=True, help="binance or binance-usdm")
    add.add_argument("--paper", action="store_true", help="paper trading on its market: no key, no real order")
    every = acts.add_parser("list", help="all profiles")
    remove = acts.add_parser("remove", help="forget a profile and its key; its data stays")
    remove.add_argument("name", metavar="NAME")
    for act in (add, every, remove):
        act.add_argument("--data-dir", type=Path, metavar="DIR", help="where profiles are kept")


def _simulate(args: argparse.Namespace) -> int:
    from octopus_desktop.simulator.main import run

    return run(args)


def _audit_arguments(audit: argparse.ArgumentParser) -> None:
    from octopus_desktop.cli_audit import add_arguments

    acts = add_arguments(audit)
    for act in acts:
        _place_arguments(act)


def _audit(args: argparse.Namespace) -> int:
    from octopus_desktop.cli_audit import main as audit

    return audit(args)


def _doctor(args: argparse.Namespace) -> int:
    from octopus_desktop.doctor import main as doctor

    return doctor(args)


def _profile(args: argparse.Namespace) -> int:
    from getpass import getpass

    from octopus_desktop.config.add_profile import WITH_ACCOUNT, add_profile
    from octopus_desktop.config.paths import folders
    from octopus_desktop.config.profiles import ProfileBook, preset
    from octopus_desktop.config.secrets import SERVICE, SecretStore
    from octopus_desktop.model.errors import OctopusError
    from octopus_desktop.model.profile import Mode

    book = ProfileBook(folders(args.data_dir).profiles_file)
    try:
        match args.act:
            case "list":
                for profile in book.all():
                    print(f"{profile.name:<20} {profile.venue:<18} {profile.mode.value}")
            case "add":
                profile = add_profile(
                    args.name,
                    preset(args.venue),
                    getpass,
                    SecretStore.of_system(),
                    book,
                    permissions_at_the_venue,
                    paper=args.paper,
                )
                kind = "" if profile.dialect in WITH_ACCOUNT else ", market data only"
                kind = ", paper trading" if args.paper else kind
                print(f"Added {profile.name}{kind}. Open it with: octopus-desktop --profile {profile.name}")
            case "remove":
                removed = book.get(args.name)
                had_key = SecretStore.of_system().delete(removed.name)
                book.remove(removed.name)
                data = folders(args.data_dir).of_profile(removed)
                print(f"Removed {removed.name}{' and its key' if had_key else ''}. Its data stays in {data}")
                if had_key is None and removed.dialect in WITH_ACCOUNT and removed.mode is not Mode.PAPER:
                    print(f"No keyring can be reached here. A key in one is still there: {SERVICE}, {removed.name}")
    except OctopusError as error:
        print(error, file=sys.stderr)
        return 1
    except (EOFError, KeyboardInterrupt):
        print("Nothing was kept: the key or the secret was not given. Start again to give both.", file=sys.stderr)
        return 1
    return 0


def permissions_at_the_venue(profile: Profile, credentials: Credentials) -> Permissions:
    """What the venue says the key may do. Raises VenueError."""
    import asyncio

    from octopus_desktop.config.add_profile import Permissions
    from octopus_desktop.model.errors import ProfileError
    from octopus_desktop.venues.factory import account_permissions

    assert profile.urls is not None, "a preset has its addresses"
    found = asyncio.run(account_permissions(profile, profile.urls, credentials))
    if found.can_withdraw is None:
        raise ProfileError(
            f"{profile.venue} does not say whether this key may withdraw. Nothing was kept. Try again later: a key of "
            "which that is not known is never taken."
        )
    return Permissions(trade=found.can_trade, withdraw=found.can_withdraw)


def _run(args: argparse.Namespace) -> int:
    if sys.platform == "linux" and not any(os.environ.get(name) for name in _DISPLAYS):
        print(
            "There is no display to open a window on. Without one: octopus-desktop screenshot --out FILE, "
            "or QT_QPA_PLATFORM=offscreen octopus-desktop run --screenshot-every 5 --screenshot-out FILE.",
            file=sys.stderr,
        )
        return 1
    return _open_terminal(args, {"screenshot_out": args.screenshot_out, "screenshot_every_s": args.screenshot_every})


def _screenshot(args: argparse.Namespace) -> int:
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    if not args.out.parent.is_dir():
        print(f"There is no folder {args.out.parent} to write the picture into.", file=sys.stderr)
        return 1
    code = _open_terminal(args, {"screenshot_out": args.out, "screenshot_after_s": args.after, "scale": args.scale})
    if code == 0:
        print(args.out)
    return code


def _open_terminal(args: argparse.Namespace, pictures: dict[str, Any]) -> int:
    """Only what the first window needs is imported before it is painted."""
    from octopus_desktop.config.documents import SettingsError
    from octopus_desktop.config.logging_setup import LogFile
    from octopus_desktop.config.paths import folders, make_private
    from octopus_desktop.config.profiles import ProfileBook
    from octopus_desktop.config.settings import load_settings
    from octopus_desktop.health.crash import CrashReports
    from octopus_desktop.model.errors import ProfileError
    from octopus_desktop.storage.quick import read_settings

    places = folders(args.data_dir)
    try:
        book = ProfileBook(places.profiles_file)
        profile = book.get(args.profile)
        settings = load_settings(places.settings_file)
        folder = make_private(places.of_profile(profile))
        log = LogFile(places.logs, (args.log_level or settings.log_level).upper(), console=args.log_level == "debug")
    except (ProfileError, SettingsError) as error:
        print(error, file=sys.stderr)
        return 1
    except OSError as error:
        print(f"{places.data}: {error.strerror or error}. Choose another folder with --data-dir.", file=sys.stderr)
        return 1
    crashes = CrashReports(places.logs)
    crashes.install()
    kept = read_settings(folder / DATABASE_NAME)

    def node() -> Node:
        log.start()
        from octopus_desktop.config.secrets import SecretStore
        from octopus_desktop.local_node import LocalNode

        return LocalNode(
            profile,
            folder,
            credentials=lambda: SecretStore.of_system().load(profile.name),
            limits=settings.risk,
            safe_mode=args.safe_mode,
            crashes=crashes,
        )

    gc.disable()  # what is made while loading is kept: a search for garbage finds none. The session enables it.
    try:
        # After all that needs no Qt: PySide6 replaces the interpreter's import by a slower one.
        from ui.app import main as open_terminal
        from ui.options import Options

        options = Options(
            profile=profile,
            theme=args.theme or (None if "theme" in kept else settings.theme),
            colour_blind=None if "colour_blind" in kept else settings.colour_blind,
            safe_mode=args.safe_mode,
            size=args.size or (None if args.command == "run" else (1600, 1000)),
            local_time=settings.time_zone == "local",
            watchlist=settings.watchlist,
            instrument=settings.instrument,
            **pictures,
        )
        return open_terminal(options, node, setting=kept.get, add_profile=_ProfileAdder(book))
    finally:
        gc.enable()
        crashes.close()
        log.close()
        if crashes.last is not None:
            print(f"Something went wrong; the report is in {crashes.last}", file=sys.stderr)


class _ProfileAdder:
    """For the dialog: the same steps as `profile add`, on a thread, the answers given beforehand."""

    def __init__(self, book: ProfileBook) -> None:
        self._book = book

    def keyring_problem(self) -> Future[str]:
        """Finding the keyring may ask the system, which may take its time."""
        return self._on_a_thread(_keyring_problem)

    def __call__(self, name: str, venue: str, credentials: Credentials) -> Future[str]:
        return self._on_a_thread(lambda: self._add(name, venue, credentials))

    def _on_a_thread(self, work: Callable[[], str]) -> Future[str]:
        from concurrent.futures import ThreadPoolExecutor

        pool = ThreadPoolExecutor(1, thread_name_prefix="add profile")
        future = pool.submit(work)
        pool.shutdown(wait=False)
        return future

    def _add(self, name: str, venue: str, credentials: Credentials) -> str:
        from octopus_desktop.config.add_profile import add_profile
        from octopus_desktop.config.profiles import preset
        from octopus_desktop.config.secrets import SecretStore

        answers = iter((credentials.api_key, credentials.secret.reveal()))
        profile = add_profile(
            name, preset(venue), lambda _: next(answers), SecretStore.of_system(), self._book, permissions_at_the_venue
        )
        return f"Added. Open it with: octopus-desktop --profile {profile.name}"


def _keyring_problem() -> str:
    from octopus_desktop.config.secrets import NO_KEYRING, SecretStore

    return "" if SecretStore.of_system().is_available else NO_KEYRING
