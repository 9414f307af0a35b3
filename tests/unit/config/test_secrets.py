"""Keys: in the keyring or nowhere, and never in a text."""

from __future__ import annotations

import io
import logging
import stat
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from keyring.backends import chainer, fail

from octopus_desktop import redaction
from octopus_desktop.config import logging_setup
from octopus_desktop.config import secrets as keys
from octopus_desktop.config.add_profile import CheckPermissions, Permissions, add_profile
from octopus_desktop.config.logging_setup import LogFile
from octopus_desktop.config.profiles import DEMO, PAPER, ProfileBook, preset
from octopus_desktop.config.secrets import SERVICE, SecretStore, safe_keyring
from octopus_desktop.model.credentials import Credentials
from octopus_desktop.model.errors import (
    AuthenticationError,
    ClockError,
    LinkError,
    ProfileError,
    RequestRefused,
    VenueError,
    VenueTimeout,
)
from octopus_desktop.model.profile import Mode, Profile

KEY = "CANARYkeyCANARYkeyCANARYkeyCANARYkeyCANARYkeyCANARYkeyCANARYkey1"
SECRET = "CANARYsecretCANARYsecretCANARYsecretCANARYsecretCANARYsecretCANA"
PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEICANARYCANARYCANARYCANARY\n-----END PRIVATE KEY-----\n"


class MemoryKeyring:
    def __init__(self) -> None:
        self.kept: dict[tuple[str, str], str] = {}
        self.failing: Exception | None = None

    def get_password(self, service: str, username: str) -> str | None:
        self._fail()
        return self.kept.get((service, username))

    def set_password(self, service: str, username: str, password: str) -> None:
        self._fail()
        self.kept[service, username] = password

    def delete_password(self, service: str, username: str) -> None:
        self._fail()
        del self.kept[service, username]

    def _fail(self) -> None:
        if self.failing is not None:
            raise self.failing


@pytest.fixture(autouse=True)
def _forget(monkeypatch: pytest.MonkeyPatch) -> None:
    """What one test protects is no secret in the next."""
    monkeypatch.setattr(redaction, "_known", set())


@pytest.fixture
def keyring() -> MemoryKeyring:
    return MemoryKeyring()


@pytest.fixture
def book(tmp_path: Path) -> ProfileBook:
    return ProfileBook(tmp_path / "profiles.toml")


# The keyring ----------------------------------------------------------------


@pytest.mark.parametrize("secret", [SECRET, PEM])
def test_a_key_comes_back_as_it_was(keyring: MemoryKeyring, secret: str) -> None:
    """The key typed once signs orders in every later session, also one of several lines."""
    SecretStore(keyring).store("mine", Credentials(KEY, secret))
    loaded = SecretStore(keyring).load("mine")
    assert loaded is not None
    assert (loaded.api_key, loaded.secret.reveal()) == (KEY, secret)
    assert SecretStore(keyring).load("other") is None
    assert list(keyring.kept) == [(SERVICE, "mine")]


def test_a_deleted_key_is_gone(keyring: MemoryKeyring) -> None:
    """Removing a profile takes its key out of the keyring; twice is no error."""
    store = SecretStore(keyring)
    store.store("mine", Credentials(KEY, SECRET))
    store.delete("mine")
    store.delete("mine")
    assert keyring.kept == {}


def test_without_a_keyring_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine without a keyring says so; there is no file with the key in clear."""
    monkeypatch.setenv("HOME", str(tmp_path))
    store = SecretStore(None)
    with pytest.raises(ProfileError, match="none is ever written in clear"):
        store.store("mine", Credentials(KEY, SECRET))
    assert store.load("mine") is None
    store.delete("mine")
    assert list(tmp_path.rglob("*")) == []


def test_a_keyring_that_refuses_gives_nothing_away(keyring: MemoryKeyring) -> None:
    """A locked keyring is an error that says what to do, even if the backend's own words held the secret."""
    keyring.failing = RuntimeError(f"could not store {SECRET}")
    store = SecretStore(keyring)
    acts: list[Callable[[], object]] = [
        lambda: store.store("mine", Credentials(KEY, SECRET)),
        lambda: store.load("mine"),
        lambda: store.delete("mine"),
    ]
    for act in acts:
        with pytest.raises(ProfileError, match="Unlock it") as told:
            act()
        assert SECRET not in "".join(traceback.format_exception(told.value))


def test_an_entry_that_is_no_key(keyring: MemoryKeyring) -> None:
    """Something else under the same name is told, and not shown."""
    keyring.kept[SERVICE, "mine"] = SECRET
    with pytest.raises(ProfileError, match="not a key") as told:
        SecretStore(keyring).load("mine")
    assert SECRET not in "".join(traceback.format_exception(told.value))


def _backend(name: str, module: str) -> object:
    return type(name, (), {"__module__": module, "priority": 1})()


@pytest.mark.parametrize(
    ("backend", "safe"),
    [
        (_backend("Keyring", "keyring.backends.fail"), False),
        (_backend("Keyring", "keyring.backends.null"), False),
        (_backend("PlaintextKeyring", "keyrings.alt.file"), False),
        (_backend("UncommonPlaintextBackend", "somebody.elses"), False),
        (_backend("EncryptedKeyring", "keyrings.alt.file"), True),
        (_backend("Keyring", "keyring.backends.SecretService"), True),
        (_backend("Keyring", "keyring.backends.macOS"), True),
        (_backend("WinVaultKeyring", "keyring.backends.Windows"), True),
    ],
)
def test_a_backend_that_keeps_nothing_safe_is_none(
    backend: object, safe: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A keyring that forgets, or writes in clear, is as good as none."""
    monkeypatch.setattr("keyring.get_keyring", lambda: backend)
    assert safe_keyring() is (backend if safe else None)
    assert SecretStore.of_system().is_available is safe


def test_the_librarys_own_nothing_is_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A headless machine has a backend whose only answer is an error."""
    monkeypatch.setattr("keyring.get_keyring", fail.Keyring)
    assert safe_keyring() is None


def test_of_several_backends_the_safe_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where several are installed the key does not land in the one that writes in clear."""
    clear = _backend("PlaintextKeyring", "keyrings.alt.file")
    safe = _backend("Keyring", "keyring.backends.kwallet")
    monkeypatch.setattr(chainer.ChainerBackend, "backends", [clear, safe])
    monkeypatch.setattr("keyring.get_keyring", chainer.ChainerBackend)
    assert safe_keyring() is safe


# Adding a profile -----------------------------------------------------------


class Prompt:
    def __init__(self, *answers: str) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, text: str) -> str:
        self.asked.append(text)
        return self.answers.pop(0)


def may(trade: bool = True, withdraw: bool = False) -> CheckPermissions:
    return lambda profile, credentials: Permissions(trade, withdraw)


def test_a_profile_with_its_key(keyring: MemoryKeyring, book: ProfileBook) -> None:
    """`profile add mine --venue binance`: the key is checked with the venue, then in the keyring, and nowhere else."""
    checked: list[tuple[Profile, str]] = []

    def check(profile: Profile, credentials: Credentials) -> Permissions:
        assert keyring.kept == {}, "nothing is kept before the venue has spoken"
        checked.append((profile, credentials.secret.reveal()))
        return Permissions(True, False)

    ask = Prompt(f" {KEY} ", SECRET)
    added = add_profile("mine", preset("binance"), ask, SecretStore(keyring), book, check)
    assert book.all() == [DEMO, PAPER, added]
    assert checked == [(added, SECRET)]
    assert list(keyring.kept) == [(SERVICE, "mine")]
    on_disk = "".join(path.read_text() for path in book._path.parent.iterdir())
    assert KEY not in on_disk
    assert SECRET not in on_disk


def test_a_pem_is_pasted_line_by_line(keyring: MemoryKeyring, book: ProfileBook) -> None:
    """An Ed25519 key has several lines; the prompt takes them until the last."""
    ask = Prompt(KEY, *PEM.strip().split("\n"))
    add_profile("mine", preset("binance"), ask, SecretStore(keyring), book, may())
    loaded = SecretStore(keyring).load("mine")
    assert loaded is not None
    assert loaded.secret.reveal() == PEM
    assert loaded.is_pem


def test_a_pem_pasted_at_once(keyring: MemoryKeyring, book: ProfileBook) -> None:
    """A dialog gives the whole key in one answer; half of one is refused."""
    add_profile("mine", preset("binance"), Prompt(KEY, PEM), SecretStore(keyring), book, may())
    loaded = SecretStore(keyring).load("mine")
    assert loaded is not None
    assert loaded.secret.reveal() == PEM
    half = PEM.rpartition("-----END")[0]
    with pytest.raises(ProfileError, match="END line is missing"):
        add_profile("other", preset("binance"), Prompt(KEY, half), SecretStore(keyring), book, may())


@pytest.mark.parametrize(
    ("permissions", "words"),
    [(may(withdraw=True), "may withdraw"), (may(trade=False), "may not trade"), (may(False, True), "may withdraw")],
)
def test_a_key_that_may_too_much_or_too_little(
    keyring: MemoryKeyring, book: ProfileBook, permissions: CheckPermissions, words: str
) -> None:
    """A key that may withdraw is refused, and so is one that may not trade; neither is kept."""
    with pytest.raises(ProfileError, match=words):
        add_profile("mine", preset("binance"), Prompt(KEY, SECRET), SecretStore(keyring), book, permissions)
    assert keyring.kept == {}
    assert book.all() == [DEMO, PAPER]


def test_a_key_the_venue_refuses(keyring: MemoryKeyring, book: ProfileBook) -> None:
    """A wrong key is told by the venue, and not kept."""

    def refuse(profile: Profile, credentials: Credentials) -> Permissions:
        raise AuthenticationError("The venue does not know this key.")

    with pytest.raises(ProfileError, match=r"does not know this key\. Nothing was kept\. Check at the venue") as told:
        add_profile("mine", preset("binance"), Prompt(KEY, SECRET), SecretStore(keyring), book, refuse)
    assert isinstance(told.value.__cause__, AuthenticationError)
    assert keyring.kept == {}
    assert book.all() == [DEMO, PAPER]


@pytest.mark.parametrize(("name", "store"), [("demo", True), ("NO", True), ("mine", False)])
def test_nothing_is_asked_in_vain(keyring: MemoryKeyring, book: ProfileBook, name: str, store: bool) -> None:
    """A wrong name, or a machine without a keyring, is told before a secret is typed."""
    ask = Prompt()
    with pytest.raises(ProfileError):
        add_profile(name, preset("binance"), ask, SecretStore(keyring if store else None), book, may())
    assert ask.asked == []


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (RequestRefused("The IP is not allowed", -2015), "this machine's address"),
        (ClockError("The timestamp is ahead."), "octopus-desktop doctor"),
        (LinkError("No route to the venue"), "Check the network"),
        (VenueTimeout("No answer within 10 s."), "Check the network"),
    ],
)
def test_each_failure_says_what_to_do(keyring: MemoryKeyring, book: ProfileBook, error: VenueError, words: str) -> None:
    """The venue's reason, that nothing was kept, and the way out, each in a sentence of its own."""

    def fail(profile: Profile, credentials: Credentials) -> Permissions:
        raise error

    with pytest.raises(ProfileError) as told:
        add_profile("mine", preset("binance"), Prompt(KEY, SECRET), SecretStore(keyring), book, fail)
    said = str(told.value)
    assert said.startswith(f"{str(error).rstrip('.')}. Nothing was kept. ")
    assert words in said


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ((KEY, ""), "Add it again with both"),
        ((KEY, PEM.rpartition("-----END")[0]), "from the BEGIN line to the END line"),
    ],
)
def test_what_was_typed_wrong_says_what_to_do(
    keyring: MemoryKeyring, book: ProfileBook, typed: tuple[str, str], words: str
) -> None:
    """Half an answer is refused with what a whole one is."""
    with pytest.raises(ProfileError, match=words):
        add_profile("mine", preset("binance"), Prompt(*typed), SecretStore(keyring), book, may())


def test_a_paper_profile_needs_no_key(book: ProfileBook) -> None:
    """`profile add mine --venue binance --paper`: nothing is asked, of nobody, and the badge says PAPER."""
    ask = Prompt()

    def check(profile: Profile, credentials: Credentials) -> Permissions:
        raise AssertionError("the venue was asked about a key there is not")

    added = add_profile("mine", preset("binance"), ask, SecretStore(None), book, check, paper=True)
    assert (added.mode, added.urls) == (Mode.PAPER, preset("binance").urls)
    assert book.get("mine") == added
    assert ask.asked == []
    with pytest.raises(ProfileError, match=r"spot.* Choose --venue binance, or leave --paper out"):
        add_profile("other", preset("binance-usdm"), ask, SecretStore(None), book, check, paper=True)


def test_a_profile_that_cannot_be_written_leaves_no_key(
    keyring: MemoryKeyring, book: ProfileBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No key stays in the keyring for a profile that does not exist."""

    def full(_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(Exception, match="No space left"):
        add_profile("mine", preset("binance"), Prompt(KEY, SECRET), SecretStore(keyring), book, may())
    assert keyring.kept == {}


# No text holds a secret -----------------------------------------------------


@pytest.fixture
def log_folder(tmp_path: Path) -> Iterator[Path]:
    """For a LogFile; what logging was set to before is put back."""
    loggers = [logging.getLogger(name) for name in ("", "octopus_desktop", "ui")]
    levels = [logger.level for logger in loggers]
    factory = logging.getLogRecordFactory()
    yield tmp_path / "logs"
    logging.setLogRecordFactory(factory)
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@pytest.mark.parametrize(
    "text",
    [
        f"GET /api/v3/order?symbol=BTCUSDT&timestamp=1&signature={SECRET}",
        f"https://api.example.com/api/v3/account?signature={SECRET}&timestamp=5",
        f"headers: {{'X-MBX-APIKEY': '{KEY}'}}",
        f'{{"apiKey":"{KEY}","signature":"{SECRET}"}}',
        f'{{"method": "session.logon", "params": {{"apiKey": "{KEY}", "signature": "{SECRET[:50]}/+=="}}}}',
        rf"payload \"api_key\": \"{KEY}\"",
        f"apiKey is {KEY}",
        f"secret: b'{SECRET}'",
        f"API key {KEY}",
        f"wss://stream.example.com/ws?listenKey={KEY}",
        f"wss://stream.example.com/ws/{KEY}",
        PEM,
    ],
)
def test_secrets_are_hidden_wherever_they_stand(text: str) -> None:
    """URLs, headers, messages and sentences lose the values of keys and signatures, known or not."""
    assert "CANARY" not in redaction.redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "order od-lq3x9a-0123456789 for BTCUSDT.SIM rejected: Filter failure: PRICE_FILTER (-1013)",
        "Signature for this request is not valid. (-1022)",
        "Invalid API-key, IP, or permissions for action.",
        "stream wss://stream.example.com:9443/stream?streams=btcusdt@trade is up after 12 ms",
        "opened /home/trader/.local/share/octopus-desktop/profiles/demo/octopus.db",
    ],
)
def test_words_of_a_trader_stay(text: str) -> None:
    """What the venue says about signatures and keys, and names of orders and files, can still be read."""
    assert redaction.redact(text) == text


def test_no_canary_reaches_any_log(
    log_folder: Path, keyring: MemoryKeyring, capsys: pytest.CaptureFixture[str]
) -> None:
    """Whatever a line, its arguments, an exception or a library says: no log of any kind has the key or the secret."""
    SecretStore(keyring).store("mine", Credentials(KEY, SECRET))
    file = LogFile(log_folder, "DEBUG", console=True)
    console = io.StringIO()
    other = logging.StreamHandler(console)
    logger = logging.getLogger("octopus_desktop.test")
    logger.addHandler(other)
    try:
        credentials = SecretStore(keyring).load("mine")
        logger.info("loaded %r, %s", credentials, credentials)
        logger.info("key=%s and %(broken", KEY)
        logger.warning("sent %s", {"whatever": SECRET})
        logger.error(f"in the middle{SECRET}of a word")
        logging.getLogger("aiohttp.client").warning("GET ?signature=%s", SECRET)
        try:
            raise ValueError(f"bad url ?signature={SECRET} {KEY}")
        except ValueError:
            logger.exception("signing failed")
            logger.error("again", exc_info=sys.exc_info())
    finally:
        logger.removeHandler(other)
        file.close()
    written = (log_folder / "octopus.log").read_text()
    assert "signing failed" in written
    assert "ValueError: bad url" in written
    assert "aiohttp.client" in written
    for text in (written, console.getvalue(), *capsys.readouterr()):
        assert "CANARY" not in text


def test_credentials_show_themselves_to_nobody() -> None:
    """An object with a key in it can be printed by mistake and gives no secret away."""
    credentials = Credentials(KEY, SECRET)
    for text in (repr(credentials), str(credentials), f"{credentials}", repr([credentials]), f"{credentials.secret}"):
        assert SECRET not in text
        assert KEY not in text


def test_the_log_is_private_and_turns_over(log_folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The log file is the trader's alone, also the next one after the first is full."""
    monkeypatch.setattr(logging_setup, "LARGEST_BYTES", 500)
    file = LogFile(log_folder)
    for number in range(100):
        logging.getLogger("octopus_desktop.test").info("line %d", number)
    file.close()
    files = sorted(log_folder.iterdir())
    assert len(files) == 1 + logging_setup.KEPT_FILES
    if sys.platform != "win32":
        assert {stat.S_IMODE(one.stat().st_mode) for one in files} == {0o600}
    assert "line 99" in (log_folder / "octopus.log").read_text()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no disk that is always full")
def test_a_full_disk_costs_lines_of_the_log_and_is_told_once(
    log_folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Thousands of lines that cannot be written are one sentence on standard error, and the program ends in order."""
    file = LogFile(log_folder)
    written = log_folder / "octopus.log"
    written.unlink()
    written.symlink_to("/dev/full")
    file.start()
    for number in range(2_000):
        logging.getLogger("octopus_desktop.test").info("line %d", number)
    file.close()
    (said,) = capsys.readouterr().err.splitlines()
    assert said == f"{written} cannot be written: No space left on device. Lines are lost until it can."


def test_a_log_that_cannot_even_be_opened_at_the_end_raises_nothing(
    log_folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A session that ends before it began to log, on a disk that went away, ends with a sentence."""
    file = LogFile(log_folder)
    (log_folder / "octopus.log").unlink()
    (log_folder / "octopus.log").mkdir()
    file.close()
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"{log_folder / 'octopus.log'} cannot be written: ")


def test_the_module_offers_no_way_to_show_a_key() -> None:
    """There is nothing to call that prints or exports a stored key."""
    public = {name for name in vars(SecretStore) if not name.startswith("_")}
    assert public == {"of_system", "is_available", "store", "load", "delete"}
    assert keys.SERVICE == "octopus-desktop"
