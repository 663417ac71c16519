"""What came from GitHub, checked and read: bytes and headers in, a delivery out.

https://docs.github.com/en/webhooks/using-webhooks/validating-webhook-deliveries
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

import msgspec

from storage.tables.deliveries import Delivery

LARGEST = 25 * 1024 * 1024
"""Bytes of a payload; GitHub sends none that is larger."""
LONGEST_NAME = 200
UNSIGNED = "the delivery is not signed; set a webhook secret for the App"
WRONG = "the signature does not fit; GitHub and the service must have the same webhook secret"
NOT_JSON = "the payload is no JSON; set the webhook's content type to application/json"
UNNAMED = "the headers X-GitHub-Event and X-GitHub-Delivery are needed"
TOO_LARGE = f"the payload is larger than {LARGEST} bytes"


class DeliveryRefused(Exception):
    """A delivery that is not taken, with the status to answer."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status


class _Id(msgspec.Struct):
    id: int = 0


class _Head(msgspec.Struct):
    """The little of a payload that says whose it is."""

    action: str | None = None
    repository: _Id | None = None
    installation: _Id | None = None


def signature(body: bytes, secret: str) -> str:
    """Return the value of X-Hub-Signature-256 for a body."""
    return "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()


def read_delivery(headers: Mapping[str, str], body: bytes, *, secret: str, now: float) -> Delivery:
    """Return the delivery that a request carries. ``headers`` are looked up in lower case.

    Raises Refused when it is not signed with the secret, or is no delivery.
    """
    if len(body) > LARGEST:
        raise DeliveryRefused(413, TOO_LARGE)
    given = headers.get("x-hub-signature-256", "")
    if not given:
        raise DeliveryRefused(401, UNSIGNED)
    # As bytes: text that is not ASCII cannot be compared in constant time.
    expected = signature(body, secret).encode()
    if not secret or not hmac.compare_digest(given.encode(errors="replace"), expected):
        raise DeliveryRefused(401, WRONG)
    event, guid = headers.get("x-github-event", ""), headers.get("x-github-delivery", "")
    if not (_is_name(event) and _is_name(guid)):
        raise DeliveryRefused(400, UNNAMED)
    try:
        head = msgspec.json.decode(body, type=_Head)
    except (msgspec.DecodeError, RecursionError) as error:
        raise DeliveryRefused(400, NOT_JSON) from error
    return Delivery(
        guid=guid,
        event=event,
        action=(head.action or "")[:LONGEST_NAME],
        repository=head.repository.id if head.repository else 0,
        installation=head.installation.id if head.installation else 0,
        received=now,
        body=body,
    )


def _is_name(text: str) -> bool:
    return 0 < len(text) <= LONGEST_NAME and text.isascii() and text.isprintable()
