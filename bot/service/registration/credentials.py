"""The files in which an App's credentials are kept, for their owner alone to read."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from bot.service.registration.creation import Made
from bot.service.registration.manifest import Wish
from storage.errors import ConfigError

FOLDER = "bugfoundry-secrets"
OWNER_ONLY = 0o600
BEFORE = ".before"
THERE = (
    "{there} is there already; name another place with --config FILE, or --replace it: what is "
    "there now is kept beside it"
)
LOST = (
    "GitHub made the App, but its credentials cannot be written: {error}. Make room, then make a "
    "new private key and webhook secret on {url}, or delete the App there and begin again"
)
SETTINGS = """\
# Written by `bugfoundry app create`. docs/settings.md lists all that can stand here.
[app]
id = {id}
slug = {slug}
private_key_file = {private_key}
webhook_secret_file = {webhook_secret}
api_url = {api_url}
web_url = {web_url}

[serve]
public_url = {public_url}
operator_token_file = {operator_token}
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class CredentialPaths:
    """Where the settings and the secrets of one App are."""

    config: Path

    @property
    def folder(self) -> Path:
        return self.config.parent / FOLDER

    @property
    def private_key(self) -> Path:
        return self.folder / "private-key.pem"

    @property
    def webhook_secret(self) -> Path:
        return self.folder / "webhook-secret"

    @property
    def operator_token(self) -> Path:
        return self.folder / "operator-token"

    @property
    def all(self) -> tuple[Path, ...]:
        return (self.private_key, self.webhook_secret, self.operator_token, self.config)


def make_room(places: CredentialPaths, *, replace: bool) -> None:
    """See that all can be written, before anything is asked of GitHub. Raises ConfigError."""
    there = [place for place in places.all if place.exists()]
    if there and not replace:
        raise ConfigError(THERE.format(there=there[-1]))
    try:
        places.folder.mkdir(mode=0o700, exist_ok=True)
        trial = places.folder / ".trial"
        _write(trial, "")
        trial.unlink()
    except OSError as error:
        raise ConfigError(f"{places.folder} cannot be written: {error.strerror}") from error


def keep(places: CredentialPaths, made: Made, wish: Wish, *, api_url: str) -> list[Path]:
    """Write all that is known of an App; return where what was there before is kept now.

    Raises ConfigError when it cannot be written.
    """
    try:
        aside = [_set_aside(place) for place in places.all if place.exists()]
        _write(places.private_key, made.private_key)
        _write(places.webhook_secret, made.webhook_secret + "\n")
        _write(places.operator_token, secrets.token_urlsafe(32) + "\n")
        _write(places.config, settings(places, made, wish, api_url=api_url))
    except OSError as error:
        raise ConfigError(LOST.format(error=error.strerror or error, url=made.url)) from error
    return aside


def settings(places: CredentialPaths, made: Made, wish: Wish, *, api_url: str) -> str:
    """Return the TOML file of settings."""
    here = places.config.parent
    # JSON's strings are TOML's too, for what can stand in these.
    values = {
        "id": str(made.id),
        "slug": made.slug,
        "private_key": str(places.private_key.relative_to(here)),
        "webhook_secret": str(places.webhook_secret.relative_to(here)),
        "operator_token": str(places.operator_token.relative_to(here)),
        "api_url": api_url,
        "web_url": wish.web_url,
        "public_url": wish.public_url,
    }
    quoted = {name: json.dumps(value, ensure_ascii=False) for name, value in values.items()}
    return SETTINGS.format(**quoted)


def is_too_open(place: Path) -> bool:
    """Tell whether others than its owner may read or write a file."""
    return bool(place.stat().st_mode & 0o077)


def _write(place: Path, text: str) -> None:
    handle = os.open(place, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, OWNER_ONLY)
    with os.fdopen(handle, "w") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def _set_aside(place: Path) -> Path:
    taken: Iterable[Path] = (
        place.with_name(f"{place.name}{BEFORE}{number}") for number in range(1, 1000)
    )
    free = next(each for each in taken if not each.exists())
    return place.rename(free)
