"""Whose token it is that came with a request."""

from __future__ import annotations

import base64
import binascii
from typing import TYPE_CHECKING, Any

import jwt

from tests.furniture.github_world.apps import App
from tests.furniture.github_world.rest import Reply, error
from tests.furniture.github_world.view import View

if TYPE_CHECKING:
    from tests.furniture.github_world.world import World

LONGEST = 600
"""Seconds that an App's own token is good for, at most."""
BAD = "Bad credentials"
SUSPENDED = "This installation has been suspended"
UNDECODED = "A JSON web token could not be decoded"
NO_APP = "Integration not found"
EXPIRED = (
    "'Expiration time' claim ('exp') must be a numeric value representing the future time at "
    "which the assertion expires"
)
TOO_FAR = "'Expiration time' claim ('exp') is too far in the future"
FROM_FUTURE = (
    "'Issued at' claim ('iat') must be an Integer representing the time that the assertion was "
    "issued"
)
NO_ISSUER = "'Issuer' claim ('iss') must be an Integer"


def token_of(authorization: str) -> str:
    """Return the token in a header; git's comes as a password."""
    kind, _, token = authorization.partition(" ")
    if kind.lower() == "basic":
        try:
            return base64.b64decode(token).decode().partition(":")[2]
        except (binascii.Error, UnicodeDecodeError):
            return token
    return token.strip() if kind.lower() in ("bearer", "token") else ""


def identify(world: World, token: str) -> View | Reply:
    """Return the world as the token sees it, or why it is refused."""
    if not token:
        return View(world)
    if token in world.tokens:
        return View(world, world.tokens[token], token=token)
    if token.count(".") == 2:
        return _as_app(world, token)
    grant = world.grants.get(token)
    if grant is None or world.clock.now >= grant.expires:
        return error(401, BAD)
    if grant.installation.suspended:
        return error(403, SUSPENDED)
    return View(world, grant=grant)


def _as_app(world: World, token: str) -> View | Reply:
    """https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app/
    generating-a-json-web-token-jwt-for-a-github-app"""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except jwt.InvalidTokenError:
        return error(401, UNDECODED)
    if "iss" not in claims:
        return error(401, NO_ISSUER)
    app = _issuer(world, claims["iss"])
    if app is None:
        return error(404, NO_APP)
    try:
        jwt.decode(
            token,
            app.public_key,
            algorithms=["RS256"],
            options={"verify_exp": False, "verify_iat": False, "verify_nbf": False,
                     "verify_iss": False},
        )  # fmt: skip
    except jwt.InvalidTokenError:
        return error(401, UNDECODED)
    wrong = _wrong_times(claims, world.clock.now)
    return error(401, wrong) if wrong else View(world, app=app)


def _issuer(world: World, issuer: Any) -> App | None:
    for app in world.apps.values():
        if str(issuer) in (str(app.id), app.client_id):
            return app
    return None


def _wrong_times(claims: dict[str, Any], now: float) -> str:
    expires, issued = claims.get("exp"), claims.get("iat")
    if not isinstance(expires, int) or expires <= now:
        return EXPIRED
    if expires > now + LONGEST:
        return TOO_FAR
    if not isinstance(issued, int) or issued > now:
        return FROM_FUTURE
    return ""
