"""How an App says who it is: a token that it signs with its own key.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/generating-a-json-web-token-jwt-for-a-github-app
"""

from __future__ import annotations

from functools import lru_cache

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey

from storage.errors import ConfigError

ISSUED_BEFORE = 60
"""Seconds that GitHub's clock may be behind ours."""
LIFETIME = 480
"""Seconds from now on. GitHub allows 600 by its own clock, which may be behind ours."""
NO_KEY = (
    "the App's private key is none: it has to be the PEM file that GitHub gave for the App, "
    "beginning with -----BEGIN RSA PRIVATE KEY-----"
)
NO_ID = "the App's id is missing; GitHub shows it on the App's page"


def app_jwt(app_id: str, private_key: str, *, now: float) -> str:
    """Return a token that is good for some minutes, to ask as the App itself.

    ``app_id`` is its number or client id, ``private_key`` PEM, ``now`` in seconds. Raises
    ConfigError.
    """
    if not app_id.strip():
        raise ConfigError(NO_ID)
    claims = {
        "iat": int(now) - ISSUED_BEFORE,
        "exp": int(now) + LIFETIME,
        "iss": app_id.strip(),
    }
    try:
        return jwt.encode(claims, _load_private_key(private_key), algorithm="RS256")
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError):
        # Not from its cause: that may quote the key.
        raise ConfigError(NO_KEY) from None


@lru_cache(maxsize=4)
def _load_private_key(private_key: str) -> RSAPrivateKey:
    """Read a key once: it is checked then, which takes a hundred times as long as to sign."""
    read = jwt.get_algorithm_by_name("RS256").prepare_key(private_key)
    if not isinstance(read, RSAPrivateKey):
        raise ValueError("a public key signs nothing")
    return read
