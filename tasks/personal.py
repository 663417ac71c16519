"""Secrets and personal data in what people wrote: found, and replaced by what says nothing.

Tokens and keys are found by detect-secrets, those of its detectors that know a form: what looks
like chance (commit ids, digests) is no secret. Nothing is asked of any host.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from detect_secrets.plugins.base import BasePlugin

BY_CHANCE = frozenset(
    {"Base64 High Entropy String", "Hex High Entropy String", "Secret Keyword", "Public IP (ipv4)"}
)
"""Detectors that guess: in reports of bugs they find digests and examples, hardly a secret."""
PASSWORD = "Basic Auth Credentials"
SHORTEST_TOKEN = 8
SECRET = "<secret>"
NAME, HOST = "user", "example.com"
RESERVED = re.compile(
    r"(?:.*[.@])?(?:example(?:\.(?:com|org|net))?|test|invalid|localhost|local)", re.I
)
"""Domains that belong to nobody (RFC 2606, RFC 6761): addresses there are made up."""
ADDRESS = re.compile(
    r"(?<![\w.+%-])([A-Za-z0-9][\w.+%-]{0,63})@((?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24})(?![\w-])"
)
NO_DOMAIN = re.compile(
    r".*\.(?:py|pyi|js|ts|md|rst|txt|cfg|toml|git|lock|service|timer|mount)", re.I
)
"""Ends that no domain has: ``name@file.py``, ``user@host.git``."""
NOBODY = frozenset({"git", "noreply", "no-reply", "root"})
"""Names of accounts that are no person."""
HOME = re.compile(r"((?:/home|/Users|[A-Za-z]:[\\/]{1,2}Users)[\\/]{1,2})([A-Za-z0-9][\w.-]{0,63})")
SHARED_HOMES = frozenset(
    {"user", "runner", "ubuntu", "root", "public", "shared", "default", "circleci", "travis",
     "vsts", "vscode", "runneradmin", "username", "docs", "appuser", "coder", "jovyan", "me"}
)  # fmt: skip
"""Accounts of machines, and stand-ins for a name."""
PRIVATE_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----.*?(?:-----END [A-Z0-9 ]{0,40}PRIVATE KEY-----|\Z)",
    re.S,
)


@dataclass(frozen=True, slots=True)
class Sensitive:
    """Something that a text holds of a person or an account. ``kind`` is named, ``text`` exact."""

    kind: str
    text: str


def redact_text(text: str) -> tuple[str, tuple[Sensitive, ...]]:
    """Return a text without secrets and personal data, and what was taken out of it.

    An address stays an address and a path a path, the same one the same all through, so that what
    the text tells of a bug stays true. What was redacted once is not changed again.
    """
    found: list[Sensitive] = []
    for secret in dict.fromkeys(secrets(text)):
        text = text.replace(secret.text, SECRET)
        found.append(secret)
    taken = {each.group(0) for each in ADDRESS.finditer(text)}
    names: dict[str, str] = {}
    for address in dict.fromkeys(addresses(text)):
        names[address] = free_name(len(names) + 1, taken)
        found.append(Sensitive("e-mail", address))
    text = ADDRESS.sub(lambda match: names.get(match[0], match[0]), text)
    people = dict.fromkeys(match[2] for match in HOME.finditer(text) if is_person(match[2]))
    found += [Sensitive("home-folder", name) for name in people]
    text = HOME.sub(lambda match: match[1] + (NAME if is_person(match[2]) else match[2]), text)
    return text, tuple(found)


def free_name(number: int, taken: set[str]) -> str:
    """Return a made-up address that the text does not have yet."""
    while (found := f"{NAME}{number}@{HOST}") in taken:
        number += 1
    taken.add(found)
    return found


def secrets(text: str) -> Iterator[Sensitive]:
    """Yield the tokens and keys that a text holds, the longest of those that overlap first."""
    keys = [Sensitive("Private Key", match[0]) for match in PRIVATE_KEY.finditer(text)]
    yield from keys
    lines = text.splitlines()
    found = {
        Sensitive(plugin.secret_type, whole(plugin, line, str(secret)))
        for plugin in detectors()
        for line in lines
        for secret in plugin.analyze_string(line)
        if str(secret).strip() and SECRET not in str(secret)
    }
    yield from sorted(found, key=lambda each: (-len(each.text), each.kind, each.text))


def whole(plugin: BasePlugin, line: str, secret: str) -> str:
    """Return a token where its detector gives only what it begins with; a password may be short."""
    if len(secret) >= SHORTEST_TOKEN or plugin.secret_type == PASSWORD:
        return secret
    patterns = getattr(plugin, "denylist", ())
    matches = (match[0] for pattern in patterns for match in pattern.finditer(line))
    return next((match for match in matches if secret in match), secret)


@lru_cache(maxsize=1)
def detectors() -> tuple[BasePlugin, ...]:
    """Return the detectors that know the form of what they look for."""
    # Only here: few commands look for secrets, and it takes a quarter of a second to import.
    from detect_secrets.core.plugins.util import get_mapping_from_secret_type_to_class

    known: Mapping[str, type[BasePlugin]] = get_mapping_from_secret_type_to_class()
    return tuple(
        kind()
        for name, kind in sorted(known.items())
        if name not in BY_CHANCE and name != "Private Key"
    )


def addresses(text: str) -> Iterator[str]:
    """Yield the e-mail addresses that may be somebody's."""
    for match in ADDRESS.finditer(text):
        name, domain = match[1], match[2]
        made_up = RESERVED.fullmatch(domain) or NO_DOMAIN.fullmatch(domain)
        if not made_up and name.lower() not in NOBODY:
            yield match[0]


def is_person(name: str) -> bool:
    """Say whether a home folder's name may be a person's."""
    return name.lower() not in SHARED_HOMES
