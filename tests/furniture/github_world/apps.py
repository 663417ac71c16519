"""GitHub Apps, where they are installed, and the tokens of their installations."""

from __future__ import annotations

import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Literal

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from tests.furniture.github_world.state import Repository, User, node_id

LEVELS = {"read": 1, "write": 2, "admin": 3}


@cache
def public_key_of(pem: str) -> rsa.RSAPublicKey:
    """Return the public part of a private key. To read one takes 30 ms: it is checked each time."""
    key = serialization.load_pem_private_key(pem.encode(), None)
    assert isinstance(key, rsa.RSAPrivateKey)
    return key.public_key()


@dataclass(kw_only=True)
class App:
    """An App. Its private key is ``pem``."""

    id: int
    slug: str
    name: str
    owner: User
    bot: User
    created: str
    pem: str
    webhook_secret: str | None
    hook_url: str
    permissions: dict[str, str]
    events: list[str]
    hook_id: int
    hook_active: bool = True
    content_type: Literal["json", "form"] = "json"
    url: str = "https://bugfoundry.example.org"
    client_secret: str = field(default_factory=lambda: secrets.token_hex(20))

    @property
    def client_id(self) -> str:
        return f"Iv23li{self.id:014d}"

    @property
    def node(self) -> str:
        return node_id("A", self.id)

    @property
    def public_key(self) -> rsa.RSAPublicKey:
        return public_key_of(self.pem)


@dataclass(kw_only=True)
class Installation:
    """An App on an account. What it may do is what was accepted when it was installed."""

    id: int
    app: App
    account: User
    permissions: dict[str, str]
    created: str
    updated: str
    selection: Literal["all", "selected"]
    chosen: list[Repository] = field(default_factory=list)
    suspended: str | None = None
    hourly: int = 5000
    """Requests an hour, before repositories add to it."""

    @property
    def node(self) -> str:
        return node_id("IN", self.id)


@dataclass(frozen=True, kw_only=True)
class Grant:
    """A token of an installation, with what it was narrowed to."""

    token: str
    installation: Installation
    permissions: Mapping[str, str]
    only: frozenset[int] | None
    """Ids of repositories; None for all that the installation has."""
    expires: float


def allows(permissions: Mapping[str, str], needed: str) -> bool:
    """Tell whether permissions suffice for what is ``name:level``."""
    name, _, level = needed.partition(":")
    return LEVELS.get(permissions.get(name, ""), 0) >= LEVELS[level]


def new_token() -> str:
    """Return a token of an installation, in GitHub's form."""
    return f"ghs_{secrets.token_hex(18)}"


def new_key() -> str:
    """Return a private key as GitHub gives it to an App (PKCS#1)."""
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.TraditionalOpenSSL,
        serialization.NoEncryption(),
    ).decode()


@cache
def usual_key() -> str:
    """Return the key of Apps whose key a test does not look at: making one takes a while."""
    return new_key()
