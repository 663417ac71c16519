"""What GitHub is told to make the App of, and where.

https://docs.github.com/en/apps/sharing-github-apps/registering-a-github-app-from-a-manifest
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode

from yarl import URL

from bot.service.registration.permissions import events, permissions
from mirror.github import PUBLIC
from storage.errors import ConfigError

WEB = "https://github.com"
HOOK = "/webhooks"
LONGEST_NAME = 34
"""Characters of an App's name on GitHub."""
DESCRIPTION = (
    "Turns bugs that were fixed here, and new ones, into verified bug-fixing tasks, and tells "
    "which bugs no test would notice. Does nothing in a repository without the label `bugfoundry`."
)
LOGIN = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]*")


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """The App that a person wants."""

    name: str
    public_url: str
    """Where GitHub reaches the service."""
    web_url: str = WEB
    organization: str = ""
    """Whose it is to be; empty for the person's own."""
    public: bool = False
    """Whether other accounts may install it."""

    def validate(self) -> Wish:
        """Return the wish, its addresses without a slash at the end. Raises ConfigError."""
        if not 0 < len(self.name) <= LONGEST_NAME:
            raise ConfigError(f"--name: an App's name has 1 to {LONGEST_NAME} characters")
        if self.organization and not LOGIN.fullmatch(self.organization):
            raise ConfigError(f"--organization: {self.organization!r} is no name of an account")
        web = _address(self.web_url, "--github-url")
        public = _address(self.public_url, "--url")
        if web == WEB and is_private(public):
            raise ConfigError(
                f"--url: GitHub cannot reach {public}; name an address on the public internet (a "
                "tunnel will do for trying out)"
            )
        if public.startswith("http:") and not is_private(public):
            raise ConfigError(f"--url: {public} is not encrypted; use https")
        return Wish(
            name=self.name,
            public_url=public,
            web_url=web,
            organization=self.organization,
            public=self.public,
        )


def manifest(wish: Wish, *, redirect_url: str) -> Mapping[str, Any]:
    """Return the App as GitHub is asked for it."""
    return {
        "name": wish.name,
        "url": wish.public_url,
        "description": DESCRIPTION,
        "hook_attributes": {"url": hook_url(wish.public_url), "active": True},
        "redirect_url": redirect_url,
        "public": wish.public,
        "default_permissions": permissions(),
        "default_events": events(),
    }


def new_app_url(wish: Wish, *, state: str) -> str:
    """Return where a manifest is posted."""
    owner = f"/organizations/{quote(wish.organization)}" if wish.organization else ""
    return f"{wish.web_url}{owner}/settings/apps/new?{urlencode({'state': state})}"


def hook_url(public_url: str) -> str:
    """Return where deliveries go."""
    return public_url.rstrip("/") + HOOK


def api_url(web_url: str) -> str:
    """Return the REST API of a GitHub, by where people read it.

    https://docs.github.com/en/enterprise-cloud@latest/admin/data-residency has those of ghe.com.
    """
    host = URL(web_url).host or ""
    if web_url == WEB:
        return PUBLIC
    return f"https://api.{host}" if host.endswith(".ghe.com") else f"{web_url}/api/v3"


def is_private(url: str) -> bool:
    """Tell whether an address is of this machine or of a private network."""
    host = URL(url).host or ""
    try:
        return not ipaddress.ip_address(host).is_global
    except ValueError:
        return host == "localhost" or host.endswith((".localhost", ".local", ".internal"))


def _address(text: str, option: str) -> str:
    try:
        url = URL(text)
        good = url.scheme in ("http", "https") and url.host and not (url.user or url.query_string)
    except ValueError:
        good = False
    if not good:
        raise ConfigError(f"{option}: {text!r} is no address; it looks like https://bugs.example")
    return text.rstrip("/")
