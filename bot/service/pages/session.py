"""Who the operator is: a token that opens a session, and a cookie that proves it.

Sessions live as long as the process: their key is made of the token and of chance, so that a new
token or a restart ends them all.
"""

from __future__ import annotations

import hashlib
import hmac
import ipaddress
import secrets
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

from storage.errors import ConfigError

LASTS = 3600.0
"""Seconds that a session lasts."""
SHORTEST_TOKEN = 16
TRIES = 8
"""Wrong tokens from one place, within ``FORGOTTEN`` seconds, after which it is not listened to."""
FORGOTTEN = 600.0
MOST_PLACES = 10_000
TOO_SHORT = (
    f"the operator's token is shorter than {SHORTEST_TOKEN} characters; "
    "make one with `openssl rand -hex 32`"
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OperatorSession:
    """An operator who is logged in."""

    name: str
    ends: float
    csrf: str
    """What a form has to bring along."""


class Sessions:
    """Opens and knows sessions. Without a token there are none, and nothing opens one."""

    def __init__(self, token: str, clock: Callable[[], float]) -> None:
        """Raises ConfigError when the token could be guessed."""
        if token and len(token) < SHORTEST_TOKEN:
            raise ConfigError(TOO_SHORT)
        self._token = hashlib.sha256(token.encode()).digest() if token else b""
        self._key = hmac.digest(secrets.token_bytes(32), self._token, "sha256")
        self._clock = clock
        self._closed: dict[str, float] = {}
        self.tries = Tries(clock)

    @property
    def possible(self) -> bool:
        """Whether anybody can log in."""
        return bool(self._token)

    def is_token(self, given: str) -> bool:
        """Say whether this is the operator's token, in a time that tells nothing of it."""
        digest = hashlib.sha256(given.encode(errors="replace")).digest()
        return hmac.compare_digest(digest, self._token) and self.possible

    def open(self) -> str:
        """Return the cookie of a new session."""
        told = f"{secrets.token_urlsafe(16)}.{int(self._clock() + LASTS)}"
        return f"{told}.{self._sign('session', told)}"

    def find_session(self, cookie: str) -> OperatorSession | None:
        """Return the session of a cookie; None when it is not ours, is over or was closed."""
        told, _, signed = cookie.rpartition(".")
        expected = self._sign("session", told)
        if not self.possible or not hmac.compare_digest(
            expected.encode(), signed.encode(errors="replace")
        ):
            return None
        name, _, ends = told.rpartition(".")
        if float(ends) <= self._clock() or name in self._closed:
            return None
        return OperatorSession(name=name, ends=float(ends), csrf=self._sign("form", name))

    def close(self, session: OperatorSession) -> None:
        """End a session, whoever still has its cookie."""
        now = self._clock()
        self._closed = {name: ends for name, ends in self._closed.items() if ends > now}
        self._closed[session.name] = session.ends

    def _sign(self, purpose: str, signed_text: str) -> str:
        return hmac.new(
            self._key, f"{purpose} {signed_text}".encode(errors="replace"), "sha256"
        ).hexdigest()


def has_form_token(session: OperatorSession, given: str) -> bool:
    """Say whether a form brought along what it has to, in a time that tells nothing of it."""
    return hmac.compare_digest(session.csrf.encode(), given.encode(errors="replace"))


class Tries:
    """Counts wrong tokens by where they came from; whoever guesses is not listened to for long."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._wrong: OrderedDict[str, list[float]] = OrderedDict()

    def seconds_to_wait(self, address: str) -> float:
        """Return the seconds until a place is listened to again; 0 when it is."""
        wrong = self._recent(address)
        return max(0.0, wrong[0] + FORGOTTEN - self._clock()) if len(wrong) >= TRIES else 0.0

    def note_failure(self, address: str) -> None:
        """Note a wrong token."""
        place = _place(address)
        self._wrong[place] = [*self._recent(address), self._clock()][-TRIES:]
        self._wrong.move_to_end(place)
        while len(self._wrong) > MOST_PLACES:
            self._wrong.popitem(last=False)

    def _recent(self, address: str) -> list[float]:
        since = self._clock() - FORGOTTEN
        return [at for at in self._wrong.get(_place(address), []) if at > since]


def _place(address: str) -> str:
    """Return what stands for an address: of IPv6 its network, since one host has many."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return "unknown"
    if parsed.version == 6:
        return str(ipaddress.ip_network((parsed, 64), strict=False))
    return str(parsed)
