"""What is a delivery, and what is refused."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis.strategies import binary, text

from bot.service.inbox.webhooks import LARGEST, DeliveryRefused, read_delivery, signature

SECRET = "It's a Secret to Everybody"
BODY = json.dumps(
    {"action": "created", "repository": {"id": 7, "x": 1}, "installation": {"id": 9}}
).encode()


def headers(body: bytes = BODY, **changed: str) -> dict[str, str]:
    given = {
        "x-hub-signature-256": signature(body, SECRET),
        "x-github-event": "label",
        "x-github-delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
    }
    return given | {name.replace("_", "-"): value for name, value in changed.items()}


def refusal(body: bytes = BODY, secret: str = SECRET, **changed: str) -> int:
    with pytest.raises(DeliveryRefused) as refused:
        read_delivery(headers(body, **changed), body, secret=secret, now=1)
    return refused.value.status


def test_the_signature_is_the_one_of_githubs_documentation() -> None:
    expected = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert signature(b"Hello, World!", SECRET) == expected


def test_a_delivery_says_what_it_is_and_whose() -> None:
    delivery = read_delivery(headers(), BODY, secret=SECRET, now=5.0)

    assert (delivery.event, delivery.action) == ("label", "created")
    assert (delivery.repository, delivery.installation) == (7, 9)
    assert (delivery.received, delivery.body) == (5.0, BODY)


@pytest.mark.parametrize(
    "given",
    [
        "",
        "sha256=",
        "sha256=" + "0" * 64,
        signature(BODY, "another secret"),
        signature(BODY, SECRET)[:-1],
        signature(BODY, SECRET).upper(),
        signature(BODY, SECRET).removeprefix("sha256="),
        "sha1=7d38cdd689735b008b3c702edd92eea23791c5f6",
        "sha256=\u00e9\u00e9",
    ],
)
def test_what_is_not_signed_with_the_secret_is_refused(given: str) -> None:
    assert refusal(x_hub_signature_256=given) == 401


def test_without_a_secret_nothing_is_taken() -> None:
    assert refusal(x_hub_signature_256=signature(BODY, ""), secret="") == 401


@pytest.mark.parametrize("body", [b"", b"{", b"payload=%7B%7D", b"[1]", b"\xff", b"null"])
def test_what_is_no_json_object_is_refused(body: bytes) -> None:
    assert refusal(body) == 400


def test_json_nested_without_end_is_refused_and_harms_nothing() -> None:
    deep = b'{"a":' * 10_000 + b"1" + b"}" * 10_000
    assert refusal(deep) == 400


def test_of_duplicate_keys_the_last_counts_and_absent_objects_are_nobodys() -> None:
    body = b'{"repository": {"id": 1}, "repository": {"id": 2}, "installation": null}'
    delivery = read_delivery(headers(body), body, secret=SECRET, now=1)

    assert (delivery.repository, delivery.installation, delivery.action) == (2, 0, "")


@pytest.mark.parametrize("name", ["x_github_event", "x_github_delivery"])
@pytest.mark.parametrize("value", ["", "a" * 201, "line\nbreak", "\u00e9"])
def test_headers_that_name_nothing_are_refused(name: str, value: str) -> None:
    assert refusal(**{name: value}) == 400


def test_a_payload_larger_than_github_sends_is_refused() -> None:
    assert refusal(b"1" * (LARGEST + 1)) == 413


@given(body=binary(), given=text())
def test_whatever_comes_unsigned_is_refused_and_nothing_else_happens(
    body: bytes, given: str
) -> None:
    with pytest.raises(DeliveryRefused):
        headers = {"x-hub-signature-256": given, "x-github-event": given, "x-github-delivery": "g"}
        read_delivery(headers, body, secret=SECRET, now=1)
