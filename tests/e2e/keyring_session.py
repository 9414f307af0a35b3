"""A key's life in the keyring of a real desktop session; run inside one: `python -m tests.e2e.keyring_session FOLDER`.

Prints one line of JSON: what was seen on the way.
"""

from __future__ import annotations

import getpass
import json
import sys
from pathlib import Path
from typing import Any

import keyring
import msgspec

from octopus_desktop import cli
from octopus_desktop.config import profiles
from octopus_desktop.config.secrets import SERVICE, SecretStore
from octopus_desktop.model.profile import VenueUrls
from tests.simulator_process import simulator


def main(folder: Path) -> dict[str, Any]:
    seen: dict[str, Any] = {"backend": type(keyring.get_keyring()).__module__}
    data = ["--data-dir", str(folder)]
    with simulator(seed=3) as ready:
        urls = VenueUrls(ready["rest"], ready["ws"], ready["ws_api"])
        profiles.PRESETS["binance"] = msgspec.structs.replace(profiles.PRESETS["binance"], urls=urls)
        answers = iter([ready["api_key"], ready["api_secret"]])
        getpass.getpass = lambda prompt="": next(answers)  # type: ignore[assignment]  # a trader who types
        seen["added"] = cli.main(["profile", "add", "mine", "--venue", "binance", *data])
        secret = ready["api_secret"]
        seen["in_keyring"] = secret in (keyring.get_password(SERVICE, "mine") or "")
        kept = SecretStore.of_system().load("mine")
        seen["read_back"] = kept is not None and kept.secret.reveal() == secret
        files = [file for file in folder.rglob("*") if file.is_file()]
        seen["in_clear"] = [str(file) for file in files if secret.encode() in file.read_bytes()]
        seen["removed"] = cli.main(["profile", "remove", "mine", *data])
        seen["left"] = keyring.get_password(SERVICE, "mine") is not None
    return seen


if __name__ == "__main__":
    told = main(Path(sys.argv[1]))
    sys.stdout.write(f"\n{json.dumps(told)}\n")
