"""What this machine has to offer: secrets, store, room, a sandbox."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from bot.service.base.config import PLACES, Config, secret
from bot.service.checkup.findings import CheckupFinding, note, ok, wrong
from bot.service.registration.credentials import is_too_open
from harness.sandboxes import bubblewrap
from harness.sandboxes.base_image import connect
from llm.configuration import KEYS, URL
from storage.errors import ConfigError, SandboxError
from storage.paths import is_store

KEY, SECRET, TOKEN, MIRRORS, STORE, ROOM, SANDBOX, MODEL = (
    "private key",
    "webhook secret",
    "operator token",
    "mirrors' token",
    "store",
    "disk space",
    "sandbox",
    "language model",
)
MAKE = "`bugfoundry app create` makes the App and sets what it is known by"
SHORTEST = 16
"""Characters of a secret that nobody guesses."""
LEAST_ROOM = 5 * 10**9
"""Bytes: what one environment and the clone of a large repository take."""


def secrets_of(
    config: Config, environ: Mapping[str, str] | None = None
) -> Iterator[CheckupFinding]:
    """Look at the key, the webhook secret and the tokens."""
    environ = os.environ if environ is None else environ
    yield _key(config.app.private_key_file, environ)
    yield _secret(SECRET, "webhook_secret", config.app.webhook_secret_file, environ)
    if config.serve.operator_token_file or environ.get("BUGFOUNDRY_OPERATOR_TOKEN"):
        yield _secret(TOKEN, "operator_token", config.serve.operator_token_file, environ)
    else:
        yield note(TOKEN, "none is set: the dashboard shows, and does nothing")
    if config.work.engine.mirrors:
        yield _secret(MIRRORS, "mirrors_token", config.work.mirrors_token_file, environ)


def _key(file: str, environ: Mapping[str, str]) -> CheckupFinding:
    text, fault = _read_secret(KEY, "private_key", file, environ)
    if fault is not None:
        return fault
    # What goes wrong is not told from its cause: that may quote the key.
    with suppress(ValueError, TypeError, UnsupportedAlgorithm):
        found = load_pem_private_key(text.encode(), None)
        if isinstance(found, rsa.RSAPrivateKey):
            return ok(KEY, f"an RSA key of {found.key_size} bits")
    return wrong(
        KEY,
        "it is no RSA key in PEM form",
        "store the file that GitHub gave, whole: it begins with -----BEGIN RSA PRIVATE KEY-----",
    )


def _secret(what: str, name: str, file: str, environ: Mapping[str, str]) -> CheckupFinding:
    text, fault = _read_secret(what, name, file, environ)
    if fault is not None:
        return fault
    if len(text) < SHORTEST:
        return wrong(what, f"it has only {len(text)} characters", "choose one nobody can guess")
    return ok(what, "is set")


def _read_secret(
    what: str, name: str, file: str, environ: Mapping[str, str]
) -> tuple[str, CheckupFinding | None]:
    table = next(table for table, setting in PLACES if setting == f"{name}_file")
    setting = f"{table}.{name}_file"
    given = environ.get(f"BUGFOUNDRY_{name}".upper())
    if not given and file and Path(file).is_file() and is_too_open(Path(file)):
        return "", wrong(what, f"others may read {file}", f"chmod 600 {file}")
    try:
        text = secret(name, file, environ)
    except ConfigError as error:
        return "", wrong(what, str(error), f"mend {setting}, or the file's owner and mode")
    if not text:
        said = f"{file} is empty" if file else "it is not set"
        return "", wrong(what, said, f"set {setting}; {MAKE}")
    return text, None


def place_of(config: Config) -> Iterator[CheckupFinding]:
    """Look at the store, and at the room there is."""
    yield _store(config.store)
    for place in dict.fromkeys((_folder(config.store.parent), _folder(config.cache))):
        free = shutil.disk_usage(place).free
        said = f"{free / 1e9:.1f} GB are free in {place}"
        if free >= LEAST_ROOM:
            yield ok(ROOM, said)
        else:
            yield wrong(ROOM, said, f"make room: {LEAST_ROOM / 1e9:.0f} GB are the least")


def _store(place: Path) -> CheckupFinding:
    folder = place.absolute().parent
    try:
        if place.exists():
            if not is_store(place):
                do = "name another file in serve.store"
                return wrong(STORE, f"{place} is no store of bugfoundry's", do)
            with place.open("r+b"):
                pass
        with tempfile.TemporaryFile(dir=folder):
            return ok(STORE, f"{place} can be written")
    except OSError as error:
        said = f"{place} cannot be written: {error.strerror}"
        return wrong(STORE, said, f"create {folder}, or give it to who runs the service")


def _folder(place: Path) -> Path:
    """Return the nearest folder that is there."""
    place = place.absolute()
    return next(each for each in (place, *place.parents) if each.is_dir())


def sandbox_of(config: Config) -> CheckupFinding:
    """Look where the code of repositories can run: the service takes no plain process."""
    kind = config.work.environment.sandbox
    if kind in ("auto", "docker"):
        with suppress(SandboxError):
            connect().close()
            return ok(SANDBOX, "a Docker engine answers")
    if kind in ("auto", "local") and bubblewrap.works():
        return ok(SANDBOX, "bubblewrap works")
    said = {
        "auto": "no Docker engine answers, and bubblewrap does not work",
        "docker": "no Docker engine answers",
        "local": "bubblewrap does not work",
    }[kind]
    do = "start Docker, or install bubblewrap and allow user namespaces (docs/sandbox.md)"
    return wrong(SANDBOX, said, do)


def model_of(environ: Mapping[str, str] | None = None) -> CheckupFinding:
    """Say whether a language model is configured."""
    environ = os.environ if environ is None else environ
    if any(environ.get(name) for name in (URL, *KEYS)):
        return ok(MODEL, "is configured")
    said = "none is configured: rewrite, modify and the last tier of mirror are skipped"
    return note(MODEL, said, "docs/models.md says how")
